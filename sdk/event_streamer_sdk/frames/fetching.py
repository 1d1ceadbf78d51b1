"""
`client.fetch`: a subscription of its own, streamed to its end into memory, and removed again.

The stream writes into a sink, so that what holds for sinks holds here: each event once, and the events of
replaced blocks go.
"""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from typing import Any

from attrs import frozen

from event_streamer_api.api import chains, subscriptions
from event_streamer_api.errors import EventStreamerSDKError, EventStreamerValidationError
from event_streamer_api.models import StreamingReorg, SubscriptionCreate
from event_streamer_api.types import Operation

from .._core.stream.options import StreamOptions
from .._core.stream.reports import EndReason, Gap, Report
from .._core.subscriptions import completed, subscription_to
from .._core.words import unknown_argument
from .._extras import needs
from ..exceptions import FrameTooLargeError
from ..sinks import EventTable, SinkBatch, Source
from ..sinks import arrow as conversion
from .frame import EventFrame
from .progress import FetchProgress, ProgressOption, teller

__all__ = ["Collector", "Wanted", "removing", "subscribing", "wanted"]

logger: logging.Logger = logging.getLogger(__name__)

_OF_THE_STREAM = frozenset(
    {"auto_acknowledge", "batch_ack_interval", "client_metadata", *StreamOptions.__annotations__}
)
"""What is handed on to the streaming client."""


@frozen
class Wanted:
    """
    What is to be fetched, checked.

    Attributes:
        subscription: The subscription that is made for it.
        end_block: Its last block.
        table: The columns of the frame.
        tell: Is told how far it is.
        wait: Whether blocks that the chain doesn't have yet are waited for.
        max_events: Most events of the frame.
        options: Options of the stream.
    """

    subscription: SubscriptionCreate
    end_block: int
    table: EventTable
    tell: Callable[[FetchProgress], object]
    wait: bool
    max_events: int
    options: StreamOptions

    def check_head(self, head: int | None) -> None:
        """
        Refuse a range that ends in the future.

        Raises:
            EventStreamerValidationError: The chain is not there yet.
        """
        if head is not None and head < self.end_block and not self.wait:
            raise EventStreamerValidationError(
                f"end_block {self.end_block:,} is not there yet: chain {self.subscription.chain_id} is at "
                f"block {head:,}. Take that one, or pass wait=True",
                field="end_block",
            )


def wanted(
    event: Any,
    name: str | None,
    *,
    chain_id: int,
    start_block: int,
    end_block: int,
    addresses: str | Iterable[str],
    columns: Iterable[str] | None,
    where: str | Mapping[str, Any] | None,
    progress: ProgressOption,
    wait: bool,
    max_events: int,
    options: StreamOptions,
) -> Wanted:
    """
    Check what is to be fetched, before anything is made.

    Args:
        event: As `client.fetch` takes it, and so the others.
        name: The event's name, where `event` is an ABI of several.
        chain_id: The chain.
        start_block: The first block.
        end_block: The last block.
        addresses: The contracts.
        columns: The parameters that are wanted.
        where: Values of indexed parameters by name, or a condition for events.
        progress: Who is told how far it is.
        wait: Whether to wait for blocks that are not there yet.
        max_events: Most events.
        options: Options of the stream.

    Returns:
        What is to be fetched.

    Raises:
        EventStreamerValidationError: A value is wrong.
        MissingExtraError: pyarrow isn't installed.
    """
    needs("pyarrow")
    unknown = sorted(options.keys() - _OF_THE_STREAM)
    if unknown:  # before a subscription is made for nothing
        own = [each for each in inspect.signature(wanted).parameters if each != "options"]
        raise EventStreamerValidationError(unknown_argument(unknown[0], "fetch", own, sorted(_OF_THE_STREAM)))
    if end_block is None:
        raise EventStreamerValidationError(
            "fetch needs an end_block, the last block of the frame. A subscription without one goes on with "
            "the chain: stream it, into a sink or to a handler",
            field="end_block",
        )
    if isinstance(max_events, bool) or not isinstance(max_events, int) or max_events < 1:
        raise EventStreamerValidationError(f"max_events must be 1 or more, not {max_events!r}")
    by_topics, condition = (where, None) if isinstance(where, Mapping) else (None, where)
    subscription = subscription_to(
        event,
        name,
        addresses=addresses,
        chain_id=chain_id,
        start_block=start_block,
        end_block=end_block,
        where=by_topics,
    )
    only = [columns] if isinstance(columns, str) else columns
    table = EventTable(subscription.event_signature, chain_id, only=only, where=condition)
    return Wanted(subscription, end_block, table, teller(progress), wait, max_events, options)


class Collector:
    """
    A sink that keeps its events in memory.

    Args:
        wanted: What is fetched.

    Attributes:
        gaps: What the stream told about events that may be missing.
    """

    writes_when_idle = False
    """Few large writes make few large chunks."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._pa = needs("pyarrow")
        self._schema = conversion.schema(wanted.table)
        self._chunks: list[Any] = []
        self._rows = 0
        self._block: int | None = None
        self._told: FetchProgress | None = None
        self.gaps: list[Gap] = []

    def open(self, _source: Source) -> str | None:
        """Begin: there is nothing to go on from."""
        self._tell()
        return None

    def prepare(self, events: Any) -> Any:
        """Convert some events while others come."""
        return conversion.record_batch(self._wanted.table, events, self._schema)

    def write(self, batch: SinkBatch) -> None:
        """Keep events."""
        if batch.prepared:
            self._append(self._pa.Table.from_batches(batch.prepared, self._schema).combine_chunks())
        if batch.last_block is not None:
            self._block = batch.last_block
        self._tell()

    def undo(self, reorg: StreamingReorg) -> None:
        """Let the events of replaced blocks go."""
        kept = []
        for chunk in self._chunks:
            blocks = chunk.column("block_number")
            kept.append(chunk.filter(self._pa.compute.less_equal(blocks, reorg.common_ancestor)))
        self._chunks = kept
        self._rows = sum(chunk.num_rows for chunk in kept)
        self._block = reorg.common_ancestor

    def finish(self) -> None:
        """Tell that all blocks are done, also those without events."""
        self._block = self._wanted.end_block
        self._tell()

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def frame(self, report: Report) -> EventFrame:
        """
        Make the frame.

        Returns:
            All events.

        Raises:
            EventStreamerSDKError: The stream was stopped before its end.
        """
        if report.reason is not EndReason.FINISHED:
            raise EventStreamerSDKError(f"the fetch was stopped before its end: {report.reason}")
        for gap in self.gaps:
            warnings.warn(f"events may be missing: {gap.message}", stacklevel=4)
        table = self._pa.concat_tables([self._schema.empty_table(), *self._chunks])
        subscription = self._wanted.subscription
        return EventFrame(
            self._wanted.table, table, subscription.start_block, self._wanted.end_block, gaps=self.gaps
        )

    def take_gap(self, gap: Gap) -> None:
        """Note that events may be missing."""
        self.gaps.append(gap)

    def _append(self, chunk: Any) -> None:
        self._rows += chunk.num_rows
        if self._rows > self._wanted.max_events:
            raise FrameTooLargeError(
                f"more than {self._wanted.max_events:,} events up to block {self._last_of(chunk):,}: fetch "
                "fewer blocks, raise max_events, or write into files with `event-streamer export`"
            )
        self._chunks.append(chunk)

    def _last_of(self, chunk: Any) -> int:
        last: int = chunk.column("block_number")[-1].as_py()
        return last

    def _tell(self) -> None:
        wanted = self._wanted
        now = FetchProgress(
            first_block=wanted.subscription.start_block,
            last_block=wanted.end_block,
            block=self._block,
            events=self._rows,
        )
        if now != self._told:
            self._told = now
            wanted.tell(now)


Steps = Generator[Operation[Any], Any, Any]
"""Calls that a client makes one after the other."""


def subscribing(wanted: Wanted, subscriber_id: str | None) -> Steps:
    """
    Make the subscription of a fetch, if the chain is there yet.

    Yields:
        The calls.

    Returns:
        The subscription's id.

    Raises:
        EventStreamerValidationError: The range ends in the future, or the service refuses it.
    """
    head = None
    with suppress(EventStreamerSDKError):  # a key need not be good for chains; what matters is said below
        head = (yield chains.get_chain(wanted.subscription.chain_id)).head_block
    wanted.check_head(head)
    made = yield subscriptions.create_subscription(completed(wanted.subscription, subscriber_id))
    return made.id


def removing(number: int) -> Steps:
    """
    Remove the subscription of a fetch.

    Yields:
        The call. That it fails is logged: the frame is there, or another error tells more.
    """
    try:
        yield subscriptions.delete_subscription(number)
    except EventStreamerSDKError as problem:
        logger.warning("subscription %d of a fetch could not be removed: %s", number, problem)
