"""
Dates as people write them on a command line: pure, and never a guess.

dateutil reads the forms. What it would guess is refused: a day or a year that isn't there, 01/02/2024, a zone
by a name that several places have. And it takes `UTC+2` for two hours *behind* UTC, as POSIX has it in `TZ`;
on a command line it means what it says everywhere else (ISO 8601, RFC 9557): two hours ahead.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import product

from dateutil import parser

__all__ = ["parse_moment"]

_HINT = "write 2024-05-23, 2024-05-23T10:30, 2024-05-23T10:30+02:00 or the seconds since 1970"
_UTC = re.compile(
    r"(?<![A-Za-z])(?:UTC|GMT|Z)(?![A-Za-z])"
    r"(?:\s*(?P<sign>[+\u2212-])\s*(?P<offset>[0-9]{2}:?[0-9]{2}|[0-9]{1,2}(?::[0-9]{2})?)(?![0-9:]))?",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"\([^()]*\)\s*\Z")
"""What JavaScript writes behind an offset: the zone's name in parentheses."""

_SECONDS = re.compile(r"[0-9]{9,10}")
_COMPACT = re.compile(r"[0-9]{8}|[0-9]{14}")
_YEAR_FIRST = re.compile(r"[0-9]{4}[-/. ]|[0-9]+\Z")
_FARTHEST = timedelta(hours=14)
_DEFAULTS = (datetime(2000, 1, 1), datetime(2004, 2, 2))
"""Two days that differ in year, month and day: a text that names all three means the same with both."""


def parse_moment(text: str) -> datetime:
    """
    Read a date, or a date and a time of day.

    Args:
        text: ISO 8601, most other usual forms (`23 May 2024 10:30 UTC+2`), or the seconds since 1970. Without
            a time of day midnight is meant, without a zone UTC. A zone is UTC, GMT, Z or an offset.

    Returns:
        The moment, with its zone.

    Raises:
        ValueError: It is not a date, or could mean several; the sentence says what to write.

    Example:
        >>> parse_moment("2024-01-01 10:30 UTC+2").isoformat()
        '2024-01-01T10:30:00+02:00'
    """
    if _SECONDS.fullmatch(text.strip()):
        return datetime.fromtimestamp(int(text), UTC)
    without_zone, zone = _split(_COMMENT.sub("", text))
    if without_zone.isdigit() and not _COMPACT.fullmatch(without_zone):
        raise ValueError(f"{text!r} is not a date: {_HINT}")
    orders = ((False, True),) if _YEAR_FIRST.match(without_zone) else product((False, True), repeat=2)
    found = {
        _read(text, without_zone, zone, default, day_first, year_first)
        for default, (day_first, year_first) in product(_DEFAULTS, orders)
    }
    if len(found) > 1:
        raise ValueError(f"{text!r} is not the full date, or may be several: {_HINT}")
    return found.pop()


def _split(text: str) -> tuple[str, tzinfo | None]:
    """Take UTC, and an offset behind it, out of a text."""
    match = _UTC.search(text)
    if match is None:
        return text.strip(), None
    rest = f"{text[: match.start()]} {text[match.end() :]}".strip()
    if match["sign"] is None:
        return rest, UTC
    digits = match["offset"].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return rest, _zone(offset if match["sign"] == "+" else -offset)


def _zone(offset: timedelta) -> timezone:
    """Make the zone of an offset, if there is any so far from UTC."""
    if abs(offset) > _FARTHEST:
        raise ValueError("no zone is more than 14 hours from UTC")
    return timezone(offset)


def _read(
    text: str, without_zone: str, zone: tzinfo | None, default: datetime, day_first: bool, year_first: bool
) -> datetime:
    """Read a text from which UTC was taken; a zone that it still has is an offset, or refused."""

    def zone_of(name: str | None, offset: int | None) -> tzinfo:
        if name is not None and (name, offset) != ("UTC", 0):  # so +00:00 comes
            raise ValueError(
                f"the zone {name!r} in {text!r} is not known for certain: write its offset, such as +02:00"
            )
        if offset is None:
            return zone or UTC
        if zone is not None:
            raise ValueError(f"{text!r} has two zones: {_HINT}")
        return _zone(timedelta(seconds=offset))

    try:
        return parser.parse(
            without_zone, default=default, dayfirst=day_first, yearfirst=year_first, tzinfos=zone_of
        )
    except (parser.ParserError, OverflowError):
        raise ValueError(f"{text!r} is not a date: {_HINT}") from None
