"""Lists and suggestions for error messages, bounded whatever they are about."""

from collections.abc import Iterable

from .._core.words import closest

__all__ = ["listed", "nearest"]

_MOST_SHOWN = 20
_MOST_COMPARED = 1000
_LONGEST_COMPARED = 100


def listed(names: Iterable[str]) -> str:
    """
    List names, cut off where they are many or long, what can't be printed escaped.

    Args:
        names: The names.

    Returns:
        Them, with commas between; `none` if there are none.
    """
    names = list(names)
    shown = [_printable(name if len(name) <= 200 else f"{name[:197]}...") for name in names[:_MOST_SHOWN]]
    more = f", and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return (", ".join(shown) or "none") + more


def _printable(name: str) -> str:
    """Escape what a terminal would obey, or can't show: names come from documents of others."""
    return name if name.isprintable() else repr(name)[1:-1]


def nearest(word: str, names: Iterable[str]) -> str:
    """Suggest what was probably meant."""
    candidates = [name for name in list(names)[:_MOST_COMPARED] if len(name) <= _LONGEST_COMPARED]
    near = closest(word[:_LONGEST_COMPARED], candidates)
    return f"; did you mean {_printable(near)}?" if near else ""
