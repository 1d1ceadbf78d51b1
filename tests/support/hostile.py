"""Texts that a terminal obeys or a reader takes for something else, as a chain or a request may hold them."""

import unicodedata

HOSTILE = [
    "\x1b]0;title\x07",
    "\x1b]52;c;Y3VybCBldmlsIHwgc2g=\x1b\\",  # fills the clipboard
    "\x9b2J\x9d0;title\x9c",  # the same in C1
    "paid\r\n2026-01-01T00:00:00.000Z INFO    Granted",
    "a\nb\rc\vd\fe\x1cf\x1dg\x1eh\x85i\u2028j\u2029k",  # all that ends a line somewhere
    "tab\tbackspace\b\b\bdelete\x7fnul\x00",
    "\u202eeman\u202c \u2066x\u2069 \u200e\u200f\u061c",  # turns what is read
    "pay\u200bpal\ufeff \u00ad \U000e0041\U000e0042",  # hides
]


def obeyed(text: str) -> list[str]:
    """Find what is still a control, a separator or a hidden character, but for the end of a line."""
    kinds = {"Cc", "Cf", "Zl", "Zp", "Cs"}
    return [character for character in text if unicodedata.category(character) in kinds and character != "\n"]
