"""`event-streamer export`: the events of a subscription into files, a table or a broker, each once."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import typer
from dateutil import parser as dates

from event_streamer_sdk import SyncEventStreamer, SyncStreamingClient
from event_streamer_sdk._core.subscriptions import subscription_to
from event_streamer_sdk._core.words import counted as count
from event_streamer_sdk.cli._abi_files import Abi, Contract, chosen_event
from event_streamer_sdk.cli._bar import BlockProgress, in_bytes
from event_streamer_sdk.cli._connection import connect
from event_streamer_sdk.cli._export_destination import Destination, destination_options, shown_destination
from event_streamer_sdk.cli._export_sink import Counted
from event_streamer_sdk.cli._export_subscription import (
    between_dates,
    like,
    own_subscription,
    tell_of_waiting,
    whole_subscription,
)
from event_streamer_sdk.cli._output import say
from event_streamer_sdk.cli._shared import STOP_SECONDS, given_by, option
from event_streamer_sdk.cli._trouble import tell_trouble
from event_streamer_sdk.exceptions import EventStreamerSDKError
from event_streamer_sdk.models.streaming import StreamingReorg
from event_streamer_sdk.models.subscriptions import SubscriptionResponse
from event_streamer_sdk.sinks import SinkFinishedError
from event_streamer_sdk.streaming_client import EndReason, Report

_MADE = "A subscription for this export alone"
_made = partial(option, rich_help_panel=_MADE)

Events = Sequence[Mapping[str, Any]]


@given_by(client=connect, place=destination_options)
def export(
    client: SyncEventStreamer,
    place: Destination,
    subscription: Annotated[
        int | None, typer.Argument(min=1, show_default=False, help="The subscription's number; or --event.")
    ] = None,
    event: Annotated[
        str | None,
        _made(
            help="'Transfer(address indexed from, …)', or with --abi a name. The subscription is removed "
            "when all is exported."
        ),
    ] = None,
    abi: Abi = None,
    contract: Contract = None,
    chain: Annotated[int | None, _made("--chain", "-c", min=1, help="The chain's id.")] = None,
    address: Annotated[
        list[str] | None,
        typer.Option(
            "--address", "-a", rich_help_panel=_MADE, help="A contract; may be given several times."
        ),
    ] = None,
    from_block: Annotated[
        int,
        typer.Option(
            "--start-block", "--from", min=0, rich_help_panel=_MADE, help="The first block that counts."
        ),
    ] = 0,
    end_block: Annotated[
        int | None,
        _made("--end-block", min=0, help="The last block that counts; a number after --to means the same."),
    ] = None,
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
    sink_needs_end = getattr(sink, "needs_end", False)
    if follow and sink_needs_end:
        raise typer.BadParameter(
            "a file is complete only when all is exported, and --follow goes on: name a folder"
        )
    place.end_at(end_block)
    if subscription is not None:
        if place.last_block is not None or chain is not None or address or from_block or abi:
            raise typer.BadParameter(
                "--chain, --address, --abi, --start-block and --end-block belong to --event"
            )
        found = client.get_subscription(subscription)
        _check_end(found.end_block, place, follow)
        wanted = between_dates(client, place, like(found), follow=follow)
        if wanted == like(found):
            found, is_ours = whole_subscription(client, place, found)
        else:
            found, is_ours = own_subscription(client, place, wanted), True
            say(
                f"Subscription {found.id}, for these blocks of {subscription}, serves this export and is "
                "removed when all is exported."
            )
    else:
        assert event is not None, "checked above"
        if chain is None:
            raise typer.BadParameter("--event needs --chain: the chain's id")
        _check_end(place.last_block, place, follow)
        definition = chosen_event(event, abi, contract)
        wanted = subscription_to(
            definition, None, chain_id=chain, start_block=from_block, end_block=place.last_block,
            addresses=address or [],
        )  # fmt: skip
        wanted = between_dates(client, place, wanted, follow=follow)
        found, is_ours = own_subscription(client, place, wanted), True
    tell_of_waiting(client, found)
    done = _run(client, found, place, remove=is_ours)
    if done.signal is not None and not follow:
        rest = f", and makes {shown_destination(place.name)} when all is exported" if sink_needs_end else ""
        say(f"Interrupted; everything written so far is complete. The same command goes on from here{rest}.")
        raise typer.Exit(128 + done.signal)


def _check_end(last_block: int | None, place: Destination, follow: bool) -> None:
    if last_block is None and not follow and place.until is None:
        raise typer.BadParameter(
            "there is no last block: say --follow, --until with a date, or --end-block with --event"
        )


def _run(
    client: SyncEventStreamer,
    found: SubscriptionResponse,
    place: Destination,
    *,
    remove: bool,
) -> Report:
    progress = BlockProgress(found.start_block, found.end_block)
    counted = Counted(place.sink(), lambda: progress.update(counted.block, counted.events, counted.bytes))
    stream = client.create_streaming_client(
        found.id,
        client_metadata={"client": "event-streamer-cli"},
        stop_timeout=STOP_SECONDS,
    )
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
    say(_summary(counted, place, found, report))
    if remove and report.reason is EndReason.SIGNAL:
        _keep_or_remove(client, found, counted)
    elif remove:
        _remove(client, found)
    return report


def _summary(counted: Counted, place: Destination, found: SubscriptionResponse, report: Report) -> str:
    """Say what was written in this run; of events that --where leaves out, that they came."""
    where = shown_destination(place.name)
    if getattr(counted, "needs_end", False) and report.reason is EndReason.SIGNAL:
        where += ".parts"  # there is no such file yet
    if counted.block is None:
        if report.reason is EndReason.FINISHED and counted.token is not None:
            return f"No further events: {where} holds all of them up to block {found.end_block:,}"
        return f"No events came for {where}"
    size = f", {in_bytes(counted.bytes)}" if counted.bytes else ""
    came = "" if counted.came == counted.events else f" of {counted.came:,} that came"
    return f"{count(counted.events, 'event')}{came}{size} into {where}, last block {counted.block:,}"


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


def _listen(
    stream: SyncStreamingClient, progress: BlockProgress, counted: Counted, until: datetime | None
) -> None:
    tell_trouble(stream, progress.remark)

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
