"""Dates of the command line: read as everybody reads them, or refused."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_sdk.cli._dates import parse_moment

pytestmark = pytest.mark.quick

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1), timezones=offsets).map(
    lambda moment: moment.replace(microsecond=0)
)


@given(moments)
def test_an_offset_means_the_same_in_every_form(moment: datetime) -> None:
    """`UTC+2` is ahead of UTC: dateutil alone takes it for behind."""
    day, time = moment.strftime("%Y-%m-%d"), moment.strftime("%H:%M:%S")
    minutes = moment.utcoffset() // timedelta(minutes=1)  # type: ignore[operator]  # it has one
    sign, hours, rest = "+-"[minutes < 0], *divmod(abs(minutes), 60)
    spelled = [f"{sign}{hours:02}:{rest:02}", f"{sign}{hours:02}{rest:02}", f"{sign}{hours}:{rest:02}"]
    spelled += [] if rest else [f"{sign}{hours}", f"{sign}{hours:02}"]
    for offset in spelled:
        for name in ("UTC", " UTC", "GMT", " gmt", " UTC "):
            assert parse_moment(f"{day} {time}{name}{offset}") == moment
    for text in (
        moment.isoformat(), f"{day} {time} {spelled[0]}", moment.strftime("%a, %d %b %Y %H:%M:%S %z"),
        moment.strftime(f"%a %b %d %Y {time} GMT%z (Somewhere Standard Time)"),
    ):  # fmt: skip
        assert parse_moment(text) == moment
        assert parse_moment(text).utcoffset() == moment.utcoffset()


@given(st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1)))
def test_without_a_zone_it_is_utc(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    for end in ("", "Z", " Z", " UTC", " GMT", "z", "+00:00"):
        assert parse_moment(moment.isoformat() + end) == moment.replace(tzinfo=UTC)
    midnight = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    for text in ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d %B %Y", "%B %d, %Y", "%Y-%m-%d UTC"):
        assert parse_moment(moment.strftime(text)) == midnight
    assert parse_moment(moment.strftime("%a %b %d %H:%M:%S UTC %Y")) == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2024-01-01 10:30 UTC+2", "2024-01-01T10:30:00+02:00"),
        ("2024-01-01 10:30 UTC-2", "2024-01-01T10:30:00-02:00"),
        ("2024-01-01 10:30 UTC\u22122", "2024-01-01T10:30:00-02:00"),
        ("2024-01-01 UTC+5:30", "2024-01-01T00:00:00+05:30"),
        ("10:30 UTC+2 2024-01-01", "2024-01-01T10:30:00+02:00"),
        ("2024-1-2", "2024-01-02T00:00:00+00:00"),
        ("13/02/2024", "2024-02-13T00:00:00+00:00"),
        ("1704105000", "2024-01-01T10:30:00+00:00"),
    ],
)
def test_what_is_read(text: str, iso: str) -> None:
    assert parse_moment(text).isoformat() == iso


@pytest.mark.parametrize("zone", ["EST", "CET", "PST", "IST", "MSK", "BST", "CET+1", "ZULU", "AEST"])
def test_unknown_zones_are_refused(zone: str) -> None:
    """A name stands for several zones, or for none that we know: it was passed over with a warning."""
    with pytest.raises(ValueError, match=r"the zone '.*' is not known for certain: write its offset"):
        parse_moment(f"2024-01-01 10:30 {zone}")


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "yesterday", "now", "2024", "2024-05", "May 2024", "10:30", "Monday", "170410", "1e9", "\0",
        "01/02/2024", "1-2-3", "2024-02-30", "2024-13-01", "2024-01-01 25:00", "99999999999999999999",
        "2024-01-01 10:30 UTC+25", "2024-01-01 10:30 UTC+15", "2024-01-01 10:30 +25:00", "2024-01-01 UTC+200",
        "2024-01-01 10:30 UTC+2+3", "2024-01-01 10:30 +02:00 UTC", "2024-01-01 10:30 UTC UTC+1",
        "2024-01-01 10:30 Europe/Berlin", "2024-01-01T10:30:00+02:00[Europe/Berlin]", "2024-01-01 UTC0",
    ],
)  # fmt: skip
def test_what_is_not_a_date_or_may_be_several_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a date|not the full date|two zones|14 hours"):
        parse_moment(text)


@given(st.text(alphabet="0123456789-+:/ TZUCGMzabc,.\u0663", max_size=30) | st.text(max_size=20))
def test_any_text_is_a_moment_with_a_zone_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_moment(text).tzinfo is not None
