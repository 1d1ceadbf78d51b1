r"""
Text for eyes: characters that a terminal obeys, or that hide and forge, are shown as escapes.

What comes from a chain, a service or a request may hold any character. A terminal takes some for orders (set
the title, fill the clipboard), others forge a line of a log or change the order of what is read. Everything
that is written for people goes through `visible`, everything that is written as JSON through `visible_json`.

Shown as escapes are the controls C0, DEL and C1 (ECMA-48), line and paragraph separators, the bidirectional
controls (Unicode UAX #9), characters without a width, tags, and lone surrogates, which can't be encoded.
"""

import re

__all__ = ["visible", "visible_json"]

_HIDDEN = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff"
)
_FOR_EYES = re.compile(f"[\x00-\x1f\x7f-\x9f{_HIDDEN}]")
_IN_JSON = re.compile(f"[\x7f-\x9f{_HIDDEN}]")
_IN_JSON_ASCII = re.compile("\x7f")
"""JSON itself escapes C0 inside of strings; outside of them there are line ends alone."""


def visible(text: str) -> str:
    r"""
    Write a text so that a person sees what is in it, on one line.

    Args:
        text: Anything.

    Returns:
        It with `\n`, `\x1b`, `\u202e` and the like in the place of such characters. Letters of all scripts
        stay, and so do joiners between them (U+200C, U+200D).

    Example:
        >>> print(visible("paid\x1b]0;you were hacked\x07\n"))
        paid\x1b]0;you were hacked\x07\n
    """
    return text if text.isascii() and text.isprintable() else _FOR_EYES.sub(_escape, text)


def visible_json(document: str) -> str:
    r"""
    Escape in a JSON document what `visible` escapes in a text: its meaning stays the same.

    Args:
        document: Well-formed JSON, indented or not.

    Returns:
        The same value, with `\u009b` and the like in its strings.
    """
    return (_IN_JSON_ASCII if document.isascii() else _IN_JSON).sub(_escape_json, document)


def _escape(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1]  # none of them is printable, so that Python has an escape for each


def _escape_json(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
