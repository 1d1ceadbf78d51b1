"""`event-streamer export`: the events of a subscription into files, a table or a broker, each once."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer
from dateutil import parser as dates

from event_streamer_sdk import Gap, Status, SyncEventStreamer, SyncStreamingClient
from event_streamer_sdk.cli._abi_files import Abi, Contract, chosen_event
from event_streamer_sdk.cli._bar import BlockProgress, in_bytes
from event_streamer_sdk.cli._connection import connect
from event_streamer_sdk.cli._dates import parse_moment
from event_streamer_sdk.cli._export_sink import Counted
from event_streamer_sdk.cli._output import count, say
from event_streamer_sdk.cli._shared import given_by
from event_streamer_sdk.exceptions import EventStreamerSDKError
from event_streamer_sdk.models.streaming import StreamingError, StreamingReorg
from event_streamer_sdk.models.subscriptions import SubscriptionResponse
from event_streamer_sdk.sinks import SinkError, SinkFinishedError, Source, sink_for
from event_streamer_sdk.streaming_client import EndReason, Report, StatusKind

_MADE = "A subscription for this export alone"
_SHAPE = "What is stored, and how"

Events = Sequence[Mapping[str, Any]]


class Place:
    """
    Where events go.

    Attributes:
        name: What stands behind --to.
        options: The options of its sink.
        last_block: The last block that is wanted, where one was named.
        until: The last moment that is wanted, where one was named.
    """

    def __init__(
        self, name: str, options: Mapping[str, Any], last_block: int | None, until: datetime | None
    ) -> None:
        self.name = name
        self.options = options
        self.last_block = last_block
        self.until = until

    def sink(self) -> Any:
        """Make its sink."""
        return sink_for(self.name, **self.options)


def place_options(
    to: Annotated[
        list[str],
        typer.Option(
            "--to",
            metavar="PLACE",
            show_default=False,
            help="Where the events go: a file (.parquet, .csv, .jsonl), a folder, or a URL: s3://bucket, "
            "postgresql://host/db?table=transfers, sqlite:///file.db, redis://host?stream=name, "
            "kafka://host/topic, nats://host/subject. A second --to, with a number, is the last block "
            "of --event.",
        ),
    ],
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", show_default=False, rich_help_panel=_SHAPE, help="Only these parameters."
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION",
            show_default=False,
            rich_help_panel=_SHAPE,
            help="Only such events: 'value > 10**24', \"to == '0x…'\".",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", show_default=False, rich_help_panel=_SHAPE, help="From this time on (UTC)."
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", show_default=False, rich_help_panel=_SHAPE, help="Up to this time (UTC)."
        ),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            show_default=False,
            rich_help_panel=_SHAPE,
            help="Files: parquet, csv or jsonl. Default: as the place ends, else parquet.",
        ),
    ] = None,
    integers: Annotated[
        str | None,
        typer.Option(
            show_default=False,
            rich_help_panel=_SHAPE,
            help="Files: integers of more than 64 bits as text (default), decimal, binary or float.",
        ),
    ] = None,
    byte_style: Annotated[
        str | None,
        typer.Option(
            "--bytes",
            show_default=False,
            rich_help_panel=_SHAPE,
            help="Files: addresses, hashes and bytes as hex (default) or, in Parquet, binary.",
        ),
    ] = None,
    part_rows: Annotated[
        int | None,
        typer.Option(min=1, show_default=False, rich_help_panel=_SHAPE, help="Files: events in a part file."),
    ] = None,
    part_seconds: Annotated[
        float | None,
        typer.Option(
            min=0,
            show_default=False,
            rich_help_panel=_SHAPE,
            help="Files: seconds between two part files while events come; 60 where not given.",
        ),
    ] = None,
) -> Place:
    """
    Read where events go, and in which form.

    Args:
        to: The place, and perhaps a number: the last block.
        columns: Names of parameters, between commas.
        where: A condition.
        since: A date.
        until: A date.
        format_: The format of files.
        integers: The style of wide integers in files.
        byte_style: The style of bytes in files.
        part_rows: Events in a part file.
        part_seconds: Seconds between two part files.

    Returns:
        The place.

    Raises:
        typer.BadParameter: There is no place, or more than one.
    """
    numbers = [each for each in to if each.isdecimal()]
    places = [each for each in to if not each.isdecimal()]
    if len(places) != 1 or len(numbers) > 1:
        raise typer.BadParameter("name one place with --to, and at most one last block")
    moments = _moment(since), _moment(until)
    conditions = [f"({where})"] if where is not None else []
    for moment, sign in zip(moments, (">=", "<="), strict=True):
        if moment is not None:
            conditions.append(f"timestamp {sign} '{moment.isoformat()}'")
    options = {
        "columns": None if columns is None else [name.strip() for name in columns.split(",")],
        "where": " and ".join(conditions) or None,
        "format": format_,
        "integers": integers,
        "byte_style": byte_style,
        "part_rows": part_rows,
        "part_seconds": part_seconds,
    }
    given = {name: value for name, value in options.items() if value is not None}
    return Place(places[0], given, int(numbers[0]) if numbers else None, moments[1])


@given_by(client=connect, place=place_options)
def export(
    client: SyncEventStreamer,
    place: Place,
    subscription: Annotated[
        int | None, typer.Argument(min=1, show_default=False, help="The subscription's number; or --event.")
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(
            show_default=False,
            rich_help_panel=_MADE,
            help="'Transfer(address indexed from, …)', or with --abi a name. The subscription is removed "
            "when all is exported.",
        ),
    ] = None,
    abi: Abi = None,
    contract: Contract = None,
    chain: Annotated[
        int | None,
        typer.Option(
            "--chain", "-c", min=1, show_default=False, rich_help_panel=_MADE, help="The chain's id."
        ),
    ] = None,
    address: Annotated[
        list[str] | None,
        typer.Option(
            "--address", "-a", rich_help_panel=_MADE, help="A contract; may be given several times."
        ),
    ] = None,
    from_block: Annotated[
        int, typer.Option("--from", min=0, rich_help_panel=_MADE, help="The first block that counts.")
    ] = 0,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with the chain, until Ctrl-C or SIGTERM.")
    ] = False,
) -> None:
    """
    Write the events of a subscription into files, a table or a broker, each event once.

    The place keeps the position together with the events: ended by Ctrl-C, SIGTERM or a crash, the same
    command goes on where its events end. Exit codes: 0 all is exported (with --follow: it was stopped), 1 it
    failed, 2 wrong usage, 130 interrupted with Ctrl-C, 143 by SIGTERM. An interrupted export stops cleanly.
    """
    if (subscription is None) == (event is None):
        raise typer.BadParameter("name a subscription by its number, or an event with --event")
    sink = place.sink()  # what is wrong with the place is told before anything is made
    if subscription is not None:
        if place.last_block is not None or chain is not None or address or from_block or abi:
            raise typer.BadParameter("--chain, --address, --from, --abi and a last block belong to --event")
        found = client.get_subscription(subscription)
        _check_end(found.end_block, place, follow)
        found, is_ours = _whole_subscription(client, place, found)
    else:
        assert event is not None, "checked above"
        if chain is None:
            raise typer.BadParameter("--event needs --chain: the chain's id")
        _check_end(place.last_block, place, follow)
        wanted = {
            "chain_id": chain,
            "start_block": from_block,
            "end_block": place.last_block,
            "addresses": address or [],
        }
        found, is_ours = _subscription_for(client, place, chosen_event(event, abi, contract), wanted), True
    done = _run(client, found, place, sink, remove=is_ours)
    if done.signal is not None and not follow:
        say("Interrupted; everything written so far is complete. The same command goes on from here.")
        raise typer.Exit(128 + done.signal)


def _check_end(last_block: int | None, place: Place, follow: bool) -> None:
    if last_block is None and not follow and place.until is None:
        raise typer.BadParameter(
            "there is no last block: say --follow, --until with a date, or with --event a second --to"
        )
    if follow and not _takes_live(place.name):
        raise typer.BadParameter("one file is there when all is exported: name a folder for --follow")


def _takes_live(name: str) -> bool:
    return "://" in name or not name.lower().endswith((".parquet", ".csv", ".jsonl", ".ndjson"))


def _whole_subscription(
    client: SyncEventStreamer, place: Place, found: SubscriptionResponse
) -> tuple[SubscriptionResponse, bool]:
    """
    Find the subscription from which the place gets all events.

    What one subscription has delivered it doesn't deliver again to a place that knows no position. So where
    that was begun elsewhere, another subscription for the same is made for this export alone.

    Returns:
        The subscription, and whether it is to be removed at the end.
    """
    sink = place.sink()
    try:
        begun_here = sink.open(Source(found)) is not None
    except SinkFinishedError:
        return found, False
    except SinkError:
        begun_here = False
        if _begun_with(client, place, Source(found).about) is None:
            raise
    finally:
        sink.close()
    if begun_here or not found.events_delivered:
        return found, False
    wanted = {
        "chain_id": found.chain_id,
        "start_block": found.start_block,
        "end_block": found.end_block,
        "addresses": found.addresses,
    }
    made = _subscription_for(client, place, found.event_signature, wanted)
    say(
        f"Subscription {found.id} has been read before: {made.id}, for the same events, serves this export "
        "and is removed when all is exported."
    )
    return made, True


def _subscription_for(
    client: SyncEventStreamer, place: Place, event: Any, wanted: Mapping[str, Any]
) -> SubscriptionResponse:
    """Find the subscription that the place was begun with, else make one."""
    return _begun_with(client, place, _about(event, wanted)) or client.subscribe(event, new=True, **wanted)


def _begun_with(
    client: SyncEventStreamer, place: Place, about: Mapping[str, Any]
) -> SubscriptionResponse | None:
    """Find the subscription for some events that the place holds a position of."""
    for each in client.iter_subscriptions():
        if Source(each).about != about:
            continue
        sink = place.sink()
        try:
            if sink.open(Source(each)) is not None:
                return each
        except SinkError:
            continue
        finally:
            sink.close()
    return None


def _about(event: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Say what a subscription like this would be for."""
    return Source(
        SubscriptionResponse(id=1, topic0="", event_signature=event, subscriber_id="", **wanted)
    ).about


def _run(
    client: SyncEventStreamer,
    found: SubscriptionResponse,
    place: Place,
    sink: Any,
    *,
    remove: bool,
) -> Report:
    progress = BlockProgress(found.start_block, found.end_block)
    counted = Counted(sink, lambda: progress.update(counted.block, counted.events, counted.bytes))
    stream = client.create_streaming_client(found.id, client_metadata={"client": "event-streamer-cli"})
    _listen(stream, progress, counted, place.until)
    try:
        with progress, _shown(progress):
            report = stream.run(into=counted)
    except SinkFinishedError as finished:
        if remove:
            _remove(client, found)
        say(f"{finished}: nothing to do")
        return Report(reason=EndReason.FINISHED)
    except (EventStreamerSDKError, KeyboardInterrupt):
        if remove:
            _keep_or_remove(client, found, counted)
        raise
    size = f", {in_bytes(counted.bytes)}" if counted.bytes else ""
    last = "-" if counted.block is None else f"{counted.block:,}"
    say(f"{count(counted.events, 'event')}{size} into {_shown_place(place.name)}, last block {last}")
    if remove and report.reason is EndReason.SIGNAL:
        _keep_or_remove(client, found, counted)
    elif remove:
        _remove(client, found)
    return report


def _keep_or_remove(client: SyncEventStreamer, found: SubscriptionResponse, counted: Counted) -> None:
    """End early: a subscription that was made for this export stays only where the place goes on with it."""
    if counted.is_begun:
        say(f"Subscription {found.id} is kept: the same command goes on with it.")
    else:
        _remove(client, found)


def _remove(client: SyncEventStreamer, found: SubscriptionResponse) -> None:
    try:
        client.delete_subscription(found.id)
    except EventStreamerSDKError as problem:
        say(f"Subscription {found.id} could not be removed: {problem}")


def _shown_place(name: str) -> str:
    """Show a place without a password, which a URL may hold."""
    scheme, separator, rest = name.partition("://")
    if not separator:
        return name
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _listen(
    stream: SyncStreamingClient, progress: BlockProgress, counted: Counted, until: datetime | None
) -> None:
    lost = False

    @stream.on_status
    def tell(status: Status) -> None:
        nonlocal lost
        if status.kind is StatusKind.RECONNECTING and not lost:
            lost = True
            progress.remark(f"The connection is lost, trying again: {status.error or status.reason}")
        elif status.kind is StatusKind.RESUMED and lost:
            lost = False
            progress.remark("Connected again.")

    @stream.on_error
    def tell_error(error: StreamingError) -> None:
        if error.error_code != "CONNECTION_LOST":  # the status tells of that
            progress.remark(f"The service reports {error.error_code}: {error.error_message}")

    @stream.on_gap
    def tell_gap(gap: Gap) -> None:
        progress.remark(gap.message)

    @stream.on_reorg
    def tell_reorg(reorg: StreamingReorg) -> None:
        progress.remark(f"Blocks after {reorg.common_ancestor:,} are replaced.")

    if until is not None:

        @stream.on_all_events
        def look(events: Mapping[str, Events]) -> None:
            newest = max((group[-1]["timestamp"] for group in events.values() if group), default=None)
            if newest is not None and dates.isoparse(newest) > until:
                counted.is_complete = True
                stream.stop_streaming()


@contextmanager
def _shown(progress: BlockProgress) -> Iterator[None]:
    """Show what sinks say of themselves, as that they try again."""

    class Remarks(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            progress.remark(record.getMessage())

    handler, logger = Remarks(logging.WARNING), logging.getLogger("event_streamer_sdk.sinks")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_moment(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from problem
