"""Words that messages share."""

from __future__ import annotations

from collections.abc import Iterable

_IN_OTHER_LIBRARIES = {"fromblock": "start_block", "toblock": "end_block", "argumentfilters": "where"}
"""What web3.py and ethers call our arguments: as text it may be nearer to another one."""


def closest(word: str, names: Iterable[str]) -> str | None:
    """
    Find what was probably meant.

    Example:
        >>> closest("adress", ["addresses", "start_block"])
        'addresses'
    """
    from difflib import get_close_matches  # only where something is wrong

    lowered = {name.lower(): name for name in names}
    usual = _IN_OTHER_LIBRARIES.get(word.replace("_", "").lower())
    if usual in lowered:
        return usual
    near = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return lowered[near[0]] if near else None


def unknown_argument(word: str, method: str, own: Iterable[str], further: Iterable[str] = ()) -> str:
    """
    Say that a call has no such argument, and which ones it has.

    Example:
        >>> unknown_argument("page_sise", "list_subscriptions", ["page", "page_size"])
        "list_subscriptions() has no argument 'page_sise'; did you mean page_size? It takes page, page_size"
    """
    known = [*own, *further]
    near = closest(word, known)
    meant = f"; did you mean {near}? It" if near else "; it"
    return f"{method}() has no argument {word!r}{meant} takes {', '.join(known)}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """
    Name a number of things.

    Args:
        number: How many.
        one: What one of them is called.
        many: What several are called; with an "s" behind unless given.

    Returns:
        Such as "1 event" or "1,200 events".
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def install_hint(*extras: str) -> str:
    """
    Say how to install extras.

    The lower bound matters: the releases before 1.0 on the index are another client, which has none of them.

    Args:
        extras: Their names, in the order in which they are shown.

    Returns:
        The command for the shell, and the one for a checkout of the repository.

    Example:
        >>> print(install_hint("cli"))
        pip install 'event-streamer-sdk[cli]>=1' (in a checkout: pip install '.[cli]')
    """
    wanted = ",".join(extras)
    return f"pip install 'event-streamer-sdk[{wanted}]>=1' (in a checkout: pip install '.[{wanted}]')"
