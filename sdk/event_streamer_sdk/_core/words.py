"""Words that messages share."""

from __future__ import annotations


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
