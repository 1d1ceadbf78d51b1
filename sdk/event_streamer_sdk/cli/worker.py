"""`event-streamer worker`: a process that takes its share of the subscriptions, and who has what."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk._core.visible import visible
from event_streamer_sdk._core.whose_key import subscriber_of_key
from event_streamer_sdk.cli._app_function import app_function
from event_streamer_sdk.cli._connection import ServiceAccess, calls_the_service, knows_the_service
from event_streamer_sdk.cli._once import Commands, OnceGroup
from event_streamer_sdk.cli._output import complain, say, write_json, write_table
from event_streamer_sdk.cli._shared import option
from event_streamer_sdk.exceptions import EventStreamerAuthError, EventStreamerSDKError
from event_streamer_sdk.workers import SyncWorker, Worker, WorkersStatus, workers_status
from event_streamer_sdk.workers.worker import LEASE_SECONDS, store_at

app: typer.Typer = Commands(
    cls=OnceGroup, help="Share subscriptions among processes: run a worker, or see who has what."
)

_checkpoint = option(
    envvar="EVENT_STREAMER_CHECKPOINT",
    help="Where positions and leases are kept: postgresql://…, sqlite:///file.db or redis://….",
)


@app.callback(invoke_without_command=True)
@knows_the_service
def worker(
    context: typer.Context,
    place: ServiceAccess,
    app_name: Annotated[
        str | None,
        option(
            "--app",
            metavar="MODULE:FUNCTION",
            help="Gets each streaming client, and registers handlers with it.",
        ),
    ] = None,
    checkpoint: Annotated[str | None, _checkpoint] = None,
    subscriptions: Annotated[
        str | None, option(metavar="ID,ID", help="The subscriptions that are shared.")
    ] = None,
    take_all: Annotated[
        bool, typer.Option("--all", help="All subscriptions of the subscriber, also later ones.")
    ] = False,
    blocking: Annotated[
        bool, typer.Option("--blocking", help="Handlers are plain functions, called in threads.")
    ] = False,
    name: Annotated[str | None, option(help="The worker's name, one that no other one has.")] = None,
    lease: Annotated[
        float,
        typer.Option(min=0.1, metavar="SECONDS", help="How long a dead worker keeps its subscriptions."),
    ] = LEASE_SECONDS,
    at_most: Annotated[
        int | None, option(min=1, metavar="N", help="How many subscriptions it takes at most.")
    ] = None,
    concurrency: Annotated[
        int | None, option(min=1, metavar="N", help="How many handlers run at once.")
    ] = None,
    health: Annotated[
        str | None, option(metavar="HOST:PORT", help="Answer GET /health and /metrics there.")
    ] = None,
) -> None:
    """
    Take a share of the subscriptions, until Ctrl-C or SIGTERM; then hand over.

    Start as many as you like, on as many machines: they divide the subscriptions among themselves.
    """
    if context.invoked_subcommand is not None:
        return
    if app_name is None:
        raise typer.BadParameter("name the function that registers handlers with --app module:function")
    if checkpoint is None:
        raise typer.BadParameter("name the database of positions and leases with --checkpoint postgresql://…")
    if (subscriptions is None) is not take_all:
        raise typer.BadParameter("say either --all or which ones: --subscriptions 1,2")
    registers = app_function(app_name)
    options: dict[str, Any] = {
        "checkpoint": checkpoint,
        "subscriptions": None if subscriptions is None else _ids(subscriptions),
        "name": name,
        "lease_seconds": lease,
        "max_subscriptions": at_most,
        "concurrency": concurrency,
    }
    _log_to_standard_error()
    if blocking:
        with place.blocking() as client:
            made = SyncWorker(client, registers, **options)
            with _health(made, health):
                say(f"worker {made.name} (Ctrl-C hands over and ends it)")
                made.run(handle_signals=True)
    else:
        asyncio.run(_work(place, registers, options, health))
    say("handed over")


async def _work(
    place: ServiceAccess, registers: Callable[[Any], Any], options: dict[str, Any], health: str | None
) -> None:
    async with place.asynchronous() as client:
        made = Worker(client, registers, **options)
        with _health(made, health):
            say(f"worker {made.name} (Ctrl-C hands over and ends it)")
            await made.run(handle_signals=True)


class _VisibleLines(logging.Formatter):
    """Lines for people: what a terminal would obey is shown as escapes; tracebacks keep their lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        return "\n".join(map(visible, super().format(record).splitlines()))


def _log_to_standard_error() -> None:
    """Tell what happens to subscriptions and streams: a worker runs for months, and nobody asks it."""
    handler = logging.StreamHandler()
    handler.setFormatter(_VisibleLines("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("event_streamer_sdk")
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
    logging.getLogger("event_streamer_sdk.workers").setLevel(logging.INFO)


@app.command()
@calls_the_service
def status(
    client: SyncEventStreamer,
    checkpoint: Annotated[str, _checkpoint],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show who has which subscription, how far it is, and how fast."""
    ids: list[int] = []
    unasked: EventStreamerSDKError | None = None
    group = client.subscriber_id or client._carry_out(subscriber_of_key())
    try:
        ids = [each.id for each in client.iter_subscriptions()]
    except EventStreamerAuthError:
        raise  # whoever may not know must not be told that there is nothing
    except EventStreamerSDKError as problem:
        unasked = problem  # what the workers say of themselves is of use just then
    file = checkpoint.removeprefix("sqlite:///")
    if file != checkpoint and not Path(file).is_file():
        complain(f"there is no file {file} yet: no worker has used it")
        checkpoint = "sqlite://"  # to look at: in memory, and empty
    store = store_at(checkpoint, name=None, lease_seconds=LEASE_SECONDS, threads=True)
    try:
        seen = workers_status(store, group, ids)
    finally:
        store.close()
    if as_json:
        write_json(seen.to_dict())
    else:
        _show_status(seen)
    if unasked is not None:
        complain(f"the service can't be asked, so subscriptions that no worker has are left out: {unasked}")
        raise typer.Exit(1)


def _show_status(seen: WorkersStatus) -> None:
    write_table(
        ["worker", "host", "pid", "streams", "events/s", "for"],
        [
            (each.name, each.host, each.pid, each.streams, f"{each.rate:,.1f}", f"{each.age:,.0f} s")
            for each in seen.workers
        ],
        empty="No worker is there.",
    )
    if seen.workers and seen.streams:
        say("")
    write_table(
        ["subscription", "worker", "state", "block", "behind", "events/s", "stored", "lease", "error"],
        [
            (
                each.subscription_id,
                each.owner,
                each.state,
                each.block,
                each.lag_blocks,
                None if each.rate is None else f"{each.rate:,.1f}",
                each.saved_at,
                None if each.owner is None else f"{each.seconds_left:.1f} s",
                each.error,
            )
            for each in seen.streams
        ],
        empty="No subscription is known.",
    )


def _ids(text: str) -> list[int]:
    with suppress(ValueError):
        found = [int(each) for each in text.split(",") if each.strip()]
        if found and min(found) >= 1:
            return found
    raise typer.BadParameter(f"--subscriptions must be ids such as 1,2, not {text!r}")


def _health(made: Worker | SyncWorker, place: str | None) -> AbstractContextManager[Any]:
    if place is None:
        return nullcontext()
    host, _, port = place.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise typer.BadParameter(f"--health must be host:port, such as 0.0.0.0:8080, not {place!r}")
    from event_streamer_sdk.workers.health import health_endpoint

    return health_endpoint(made, host.strip("[]") or "0.0.0.0", int(port))  # noqa: S104 - as asked for
