"""One streamed event as a line for people: short and aligned."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dateutil import parser
from rich.text import Text

from event_streamer_sdk._core.visible import visible

METADATA = frozenset({"block_number", "block_hash", "transaction_hash", "log_index", "address", "timestamp"})
"""What every event object holds beside the event's own parameters."""


def pretty_line(name: str, event: Mapping[str, Any]) -> Text:
    """
    Write an event for people: time, block, name and parameters.

    Returns:
        A styled line. Long hexadecimal values are cut in the middle: the JSON form has them whole.
    """
    parts: list[Any] = [
        (_clock(event.get("timestamp")), "dim"),
        "  ",
        (f"{event.get('block_number', '?'):>9}", "cyan"),
        "  ",
        (visible(name), "bold green"),
    ]
    for parameter, value in event.items():
        if parameter not in METADATA:
            parts += ["  ", (f"{visible(parameter)}=", "dim"), visible(short(value))]
    return Text.assemble(*parts, no_wrap=True)


def short(value: Any) -> str:
    """Shorten a value for a line: 0x-hex of more than 12 digits loses its middle."""
    if isinstance(value, str):
        return f"{value[:8]}…{value[-4:]}" if value.startswith("0x") and len(value) > 14 else value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}={short(part)}" for name, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(short(part) for part in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _clock(timestamp: Any) -> str:
    if isinstance(timestamp, str):
        timestamp = parser.isoparse(timestamp)
    return timestamp.strftime("%Y-%m-%d %H:%M:%S") if isinstance(timestamp, datetime) else " " * 19
