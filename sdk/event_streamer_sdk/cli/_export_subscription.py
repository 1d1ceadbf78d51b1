"""Which subscription an export reads: the one that is named, or one that is made for it alone."""

from contextlib import suppress
from datetime import timedelta

import typer
from attrs import evolve

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.cli._block_times import blocks_between
from event_streamer_sdk.cli._export_destination import Destination
from event_streamer_sdk.cli._output import say
from event_streamer_sdk.cli._progress import span_text
from event_streamer_sdk.exceptions import EventStreamerSDKError
from event_streamer_sdk.models.subscriptions import SubscriptionCreate, SubscriptionResponse
from event_streamer_sdk.sinks import SinkError, SinkFinishedError, Source
from event_streamer_sdk.sinks.protocol import about

__all__ = ["between_dates", "like", "own_subscription", "tell_of_waiting", "whole_subscription"]


def like(found: SubscriptionResponse) -> SubscriptionCreate:
    """Describe another subscription for the same events."""
    return SubscriptionCreate(
        event_signature=found.event_signature,
        chain_id=found.chain_id,
        start_block=found.start_block,
        end_block=found.end_block,
        addresses=list(found.addresses),
        topics=found.topics,
    )


def between_dates(
    client: SyncEventStreamer, place: Destination, wanted: SubscriptionCreate, *, follow: bool
) -> SubscriptionCreate:
    """
    Leave out the blocks before --since and after --until.

    With --follow there is no last block: there, and where the service doesn't tell the times of blocks, the
    events' own times are held against the dates.

    Raises:
        typer.BadParameter: Nothing lies between the dates.
    """
    since, until = place.since, None if follow else place.until
    if since is None and until is None:
        place.keep_only(None, place.until)
        return wanted
    span = blocks_between(client, wanted.chain_id, since, until)
    if span is None:
        say(
            "This service doesn't tell the times of blocks: all are read, and events of other times left out."
        )
        place.keep_only(place.since, place.until)
        return wanted
    if not follow:
        place.until = None  # the last block stands for it
    place.keep_only(None, place.until)
    first = wanted.start_block if span.first is None else max(wanted.start_block, span.first)
    lasts = [each for each in (wanted.end_block, span.last) if each is not None]
    last = min(lasts, default=None)
    if last is not None and first > last:
        raise typer.BadParameter(
            f"the dates and the blocks have nothing in common: the first block would be {first:,}, "
            f"the last one {last:,}"
        )
    say(f"By the dates: from block {first:,}" + ("." if last is None else f" to {last:,}."))
    return evolve(wanted, start_block=first, end_block=last)


def whole_subscription(
    client: SyncEventStreamer, place: Destination, found: SubscriptionResponse
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
        if _begun_with(client, place, like(found)) is None:
            raise
    finally:
        sink.close()
    if begun_here or not found.events_delivered:
        return found, False
    made = own_subscription(client, place, like(found))
    say(
        f"Subscription {found.id} has been read before: {made.id}, for the same events, serves this export "
        "and is removed when all is exported."
    )
    return made, True


def own_subscription(
    client: SyncEventStreamer, place: Destination, wanted: SubscriptionCreate
) -> SubscriptionResponse:
    """Find the subscription that the place was begun with, else make one."""
    return _begun_with(client, place, wanted) or client.create_subscription(wanted)


def _begun_with(
    client: SyncEventStreamer, place: Destination, wanted: SubscriptionCreate
) -> SubscriptionResponse | None:
    """Find the subscription for some events that the place holds a position of."""
    for each in client.iter_subscriptions():
        if about(each) != about(wanted):
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


def tell_of_waiting(client: SyncEventStreamer, found: SubscriptionResponse) -> None:
    """Say so where the last block is not there yet."""
    if found.end_block is None:
        return
    with suppress(EventStreamerSDKError):  # a key need not be good for chains
        chain = client.get_chain(found.chain_id)
        if chain.head_block is None or chain.head_block >= found.end_block:
            return
        missing = found.end_block - chain.head_block
        pace = chain.average_block_time
        wait = f", about {span_text(timedelta(seconds=missing * pace))}" if pace else ""
        say(
            f"Block {found.end_block:,} is not there yet: chain {found.chain_id} is at {chain.head_block:,}. "
            f"The export waits for {missing:,} more{wait}; Ctrl-C ends it, and the same command goes on."
        )
