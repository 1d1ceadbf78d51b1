"""What `event-streamer doctor` asks the service: health, clock, version, and whether it takes the key."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from attrs import define

from event_streamer_sdk import SyncEventStreamer, __version__
from event_streamer_sdk._base import HEALTHY
from event_streamer_sdk._core.call.hooks import ResponseInfo
from event_streamer_sdk.cli._checks import Check, note, ok, problem
from event_streamer_sdk.cli._connection import ServiceAccess
from event_streamer_sdk.exceptions import (
    EventStreamerAuthError,
    EventStreamerNotFoundError,
    EventStreamerResponseError,
    EventStreamerSDKError,
    EventStreamerServerError,
)

SECONDS = 10.0
"""How long an answer may take."""

CLOCK_SECONDS = 10
"""How far apart two clocks may be before times in logs and of blocks mislead."""


@define
class Clock:
    """
    Compares the service's clock with that of this machine, by the Date header (RFC 9110, section 6.6.1).

    Attributes:
        answered: Whether there was a response at all.
        ahead: Seconds that the service's clock is surely ahead; negative where it is behind; None while no
            response had a date. The header tells whole seconds: what they and the way explain is none.
    """

    answered: bool = False
    ahead: float | None = None

    def look(self, answered: ResponseInfo) -> None:
        """Take the date of a response, as a hook."""
        now = time.time()
        self.answered = self.answered or answered.status is not None
        try:
            moment = parsedate_to_datetime(answered.headers["date"])
        except (KeyError, ValueError):
            return
        said = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        earliest, latest = now - answered.seconds - 1, now
        self.ahead = said - latest if said > latest else min(0.0, said - earliest)

    def check(self) -> Check:
        """Tell what was seen."""
        if self.ahead is None:
            return note("Clock", "the service sends no time (no Date header)")
        if abs(self.ahead) <= CLOCK_SECONDS:
            return ok("Clock", f"the same as the service's, to {max(1, round(abs(self.ahead)))} s")
        side = "ahead of" if self.ahead > 0 else "behind"
        return problem(
            "Clock",
            f"the service's clock is {abs(self.ahead):,.0f} s {side} this machine's",
            "synchronise both with NTP (timedatectl shows this machine's)",
        )


def service_checks(client: SyncEventStreamer, clock: Clock, place: ServiceAccess) -> Iterator[Check]:
    """Ask the service."""
    health = _health(client)
    yield health
    if not clock.answered:
        return
    yield clock.check()
    if _STRANGE in health.found:
        return
    yield _ready(client)
    yield from _key_and_version(client, place)


_STRANGE = "answers, but not as the service does"


def _health(client: SyncEventStreamer) -> Check:
    try:
        answer = client.get_health()
    except EventStreamerServerError as ill:
        return problem("Health", _said(ill), "check the service's log")
    except (EventStreamerNotFoundError, EventStreamerResponseError, EventStreamerAuthError) as strange:
        return problem("Health", f"{client.service_url} {_STRANGE}: {strange}", "check --url, and its path")
    except EventStreamerSDKError as failed:
        return problem("Health", str(failed), "check that the service is running, and its log")
    if answer.status != HEALTHY:
        return problem("Health", answer.status, "check the service's log")
    return ok("Health", answer.status)


def _ready(client: SyncEventStreamer) -> Check:
    try:
        answer = client.get("/ready")
    except EventStreamerServerError as waiting:
        return problem("Ready", _said(waiting), "check the chains' nodes: event-streamer breakers status")
    except EventStreamerNotFoundError:
        return note("Ready", "the service has no /ready: it may be older")
    except EventStreamerSDKError as failed:
        return note("Ready", str(failed))
    return ok("Ready", str(answer.get("status", "ready")) if isinstance(answer, Mapping) else "yes")


def _said(failed: EventStreamerServerError) -> str:
    """Name what isn't well, where the service tells it: of `/ready` to those with a key."""
    body: Any = failed.body
    checks = body.get("checks") if isinstance(body, Mapping) else None
    if not isinstance(checks, Mapping):
        return str(failed)
    return ", ".join(f"{name}: {said}" for name, said in checks.items() if said != "ok")


def _key_and_version(client: SyncEventStreamer, place: ServiceAccess) -> Iterator[Check]:
    try:
        client.list_subscriptions(page_size=1)
        overview = client.get("/api/overview")
    except EventStreamerNotFoundError:
        yield ok("Key", _whose(place))
        yield note("Version", "the service doesn't tell its version: it may be older than the client")
        return
    except EventStreamerAuthError as refused:
        yield _refused(refused, place)
        return
    except EventStreamerSDKError as failed:
        yield problem("Key", str(failed), "check the service's log")
        return
    told: Mapping[str, Any] = overview if isinstance(overview, Mapping) else {}
    caller = told.get("caller")
    needs_key = not isinstance(caller, Mapping) or caller.get("needs_key", True)
    yield ok("Key", _whose(place) if needs_key else "the service asks for none")
    yield version_check(str(told.get("version") or "unknown"))


def _whose(place: ServiceAccess) -> str:
    accepted = "none was asked for" if place.api_key is None else "accepted"
    return f"{accepted}, for {place.subscriber_told}"


def _refused(refused: EventStreamerAuthError, place: ServiceAccess) -> Check:
    where = "--api-key, EVENT_STREAMER_API_KEY or api_key in the settings file"
    if place.api_key is None:
        return problem("Key", "the service asks for a key, and none is set", f"set it: {where}")
    if refused.status_code == HTTPStatus.FORBIDDEN:
        return problem(
            "Key",
            f"the key doesn't belong to {place.subscriber_told}, or isn't allowed to do this",
            "set the key's own: --subscriber-id, EVENT_STREAMER_SUBSCRIBER_ID or the settings file",
        )
    return problem("Key", "the service doesn't know the key", f"check it: {where}")


def version_check(service: str) -> Check:
    """
    Compare the service's version with that of the client.

    Returns:
        A problem where the first numbers differ, which is where incompatible changes are (semver.org).
    """
    found = f"service {service}, client {__version__}"
    if service == __version__:
        return ok("Version", found)
    majors = service.partition(".")[0], __version__.partition(".")[0]
    if not majors[0].isdecimal():
        return note("Version", found)
    if majors[0] != majors[1]:
        older = "client" if int(majors[0]) > int(majors[1]) else "service"
        return problem("Version", found, f"bring the {older} up to date: pip install -U event-streamer-sdk")
    return ok("Version", found)
