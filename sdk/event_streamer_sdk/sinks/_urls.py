"""URLs of places: what is ours in their query, and what belongs to the library."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_api.models import ABIEvent

__all__ = ["name_in", "parsed"]


def parsed(url: str, *ours: str) -> tuple[str, dict[str, str]]:
    """
    Take our own options out of a URL.

    Args:
        url: The URL.
        ours: The names of the options.

    Returns:
        The URL without them, and the options.

    Raises:
        EventStreamerValidationError: It can't be read. The message doesn't show it, for it may hold a
            password.
    """
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        _ = parts.port
    except ValueError as problem:
        raise EventStreamerValidationError(f"the URL of the place can't be read: {problem}") from problem
    options = {name: value for name, value in query if name in ours}
    left = urlencode([(name, value) for name, value in query if name not in ours])
    return urlunsplit(parts._replace(query=left)), options


def name_in(event: ABIEvent) -> str:
    """Name a table, a stream or a topic that nobody has named."""
    return event.name.lower()
