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
