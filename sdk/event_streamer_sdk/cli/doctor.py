"""`event-streamer doctor`: what works here, what doesn't, and what to do about it."""

import warnings
from collections.abc import Callable, Iterator

import typer
from attrs import evolve
from rich.text import Text

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk._core.call.service import service_of
from event_streamer_sdk._core.redaction import redacted
from event_streamer_sdk._core.visible import visible
from event_streamer_sdk._core.words import counted
from event_streamer_sdk.cli._checks import Check, Verdict, note, ok, problem, problems
from event_streamer_sdk.cli._connection import ServiceAccess, asks_for_the_service
from event_streamer_sdk.cli._machine_checks import machine_checks
from event_streamer_sdk.cli._network_checks import network_checks
from event_streamer_sdk.cli._output import AsJson, write_json, write_styled
from event_streamer_sdk.cli._service_checks import SECONDS, Clock, service_checks
from event_streamer_sdk.cli._settings import usual_place
from event_streamer_sdk.exceptions import EventStreamerValidationError

_COLOURS = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.PROBLEM: "bold red"}


@asks_for_the_service
def doctor(
    find_place: Callable[[], ServiceAccess],
    as_json: AsJson = False,
) -> None:
    """
    Check everything that a stream needs, and say what to do about each problem.

    It checks what is installed, the settings, the connection to the service, its health,
    its clock, your key, and both versions. Nothing is changed, no key is shown.

    The exit code is 1 where there is a problem. Notes are harmless.
    """
    checks = []
    for check in _examine(find_place):
        checks.append(check)
        if not as_json:  # as soon as it is known: a step may take seconds
            _show(check)
    found = problems(checks)
    if as_json:
        write_json({"ok": not found, "checks": checks})
    else:
        write_styled(Text(f"\n{counted(found, 'problem')}." if found else "\nNo problem was found.", "bold"))
    if found:
        raise typer.Exit(1)


def _examine(find_place: Callable[[], ServiceAccess]) -> Iterator[Check]:
    yield from machine_checks()
    clock = Clock()
    try:
        place = find_place()
        service = service_of(place.url, None, place.api_key)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a key without TLS is told as a check
            client = place.blocking(timeout=SECONDS, max_retries=0, event_hooks={"response": [clock.look]})
    except EventStreamerValidationError as wrong:
        yield problem("Settings", str(wrong), "event-streamer doctor --help names what can be set, and where")
        return
    yield _settings(place, service.url)
    if service.exposed:
        yield note("Secrecy", "the key is sent without TLS: anyone on the way can read it", "use https://")
    with client:
        for check in _on_the_way(client, clock, place):
            yield evolve(check, found=redacted(check.found, service.secrets))


def _on_the_way(client: SyncEventStreamer, clock: Clock, place: ServiceAccess) -> Iterator[Check]:
    reached = True
    for check in network_checks(client.service_url):
        yield check
        reached = reached and check.status is not Verdict.PROBLEM
    if reached:
        yield from service_checks(client, clock, place)


def _settings(place: ServiceAccess, url: str) -> Check:
    key = "no key" if place.api_key is None else "a key"
    found = f"{url}, as {place.subscriber_id or place.subscriber_told}, with {key}"
    if place.settings_file is not None:
        return ok("Settings", f"{found}; settings file {place.settings_file}")
    return ok("Settings", f"{found}; no settings file at {usual_place()}")


def _show(check: Check) -> None:
    status = f"{check.status:<7}", _COLOURS[check.status]
    write_styled(Text.assemble(status, "  ", (f"{check.name:<14}", "bold"), "  ", visible(check.found)))
    if check.advice:
        write_styled(Text(f"{'':<9}{'':<14}  > {visible(check.advice)}"))
