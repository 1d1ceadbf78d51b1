"""
One stream, from the first byte to the last: follow the chain, write batches and heartbeats, end well.

A stream waits for three things at once: the chain's next blocks, the next heartbeat, and somebody
who wants it to end. While it writes it waits for its own reader only: a slow reader delays no other stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy.exc import SQLAlchemyError

from event_streamer_api.models import ABIEvent
from event_streamer_service.chains.backoff import Backoff
from event_streamer_service.chains.errors import ChainClosed, ChainError, ChainUnavailable, UnknownChain
from event_streamer_service.chains.feed import Chain
from event_streamer_service.chains.turns import Turns
from event_streamer_service.chains.types import Log, LogRange, Outage, Position, Reorg
from event_streamer_service.clock import Clock, isoformat
from event_streamer_service.delivery import undecodable
from event_streamer_service.delivery.batch import Batch
from event_streamer_service.delivery.batches import EventEncoder, Lines, cut, is_recent, range_end
from event_streamer_service.delivery.connection import Connection, Ending
from event_streamer_service.delivery.hub import Hub
from event_streamer_service.delivery.ledger import Delivery
from event_streamer_service.delivery.recent import RecentEvents, RecentRuns
from event_streamer_service.delivery.undecodable import UndecodableLogs
from event_streamer_service.delivery.writer import ReaderStalled, Writer
from event_streamer_service.errors import ServiceError
from event_streamer_service.logs import fields
from event_streamer_service.metrics import Metrics
from event_streamer_service.node_urls import without_hosts
from event_streamer_service.notices import Notices
from event_streamer_service.observer import Observer
from event_streamer_service.settings import Settings
from event_streamer_service.tokens import Tokens, TokenScope

if TYPE_CHECKING:
    from event_streamer_service.spans import Deliveries, Tracing

logger = logging.getLogger(__name__)

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0
"""Seconds between two attempts to follow a chain that gives no answer: doubling from first to longest."""


@frozen(kw_only=True)
class Tools:
    """What every stream of a service shares."""

    settings: Settings
    clock: Clock
    tokens: Tokens
    hub: Hub
    metrics: Metrics
    chain: Callable[[int], Chain]
    keep_problem: Callable[[int, str], Awaitable[None]]
    recent: RecentEvents
    runs: RecentRuns
    turns: Turns
    live_turns: Turns
    observer: Observer
    notices: Notices
    tracing: Tracing | None


Item = LogRange | Reorg | Outage
"""What a stream handles in its turn."""


class Stream:
    """
    The open response of a connection.

    Args:
        connection: Whose stream it is.
        writer: The way to its reader.
        tools: What all streams share.
        deliveries: Tells traces of its batches, where there are traces.
    """

    def __init__(
        self, connection: Connection, writer: Writer, tools: Tools, deliveries: Deliveries | None = None
    ) -> None:
        self._connection = connection
        self._writer = writer
        self._tools = tools
        self._deliveries = deliveries
        self._subscription = subscription = connection.subscription
        self._scope = TokenScope.of(subscription)
        event = ABIEvent.from_dict(subscription.event_signature)
        self._undecodable = UndecodableLogs(event, expected=bool(subscription.addresses))
        self._delivered = 0
        self._filter = subscription.filter
        self._counted = tools.metrics.of_chain(subscription.chain_id)
        self._encoder = EventEncoder(
            event, undecodable=self._note_undecodable, recent=tools.recent, runs=tools.runs
        )
        self._lines = Lines(
            event_name=event.name,
            subscription_id=subscription.id,
            connection_id=connection.id,
            chain_id=subscription.chain_id,
        )
        self._chain: Chain | None = None
        self._next_heartbeat = 0.0
        self._told_outage: str | None = None
        self._told_broken = False

    async def run(self) -> Ending:
        """Deliver until something ends it; returns what did."""
        try:
            ending = await self._deliver_or_fail()
            if ending.code is not None:
                await self._send_error(ending)
            if ending.reason != "client_gone":
                await self._writer.finish()
        except ReaderStalled:
            self._writer.abort()
            asked_for = self._connection.ending
            return asked_for.result() if asked_for.done() else Ending("reader_stalled")
        except OSError:  # a server other than uvicorn says so when it writes to a client that is gone
            return Ending("client_gone")
        except _FaultStruck as struck:
            return Ending(f"fault_{struck}")
        except asyncio.CancelledError:
            self._writer.abort()
            raise
        return ending

    async def _deliver_or_fail(self) -> Ending:
        """Deliver; a mistake of ours becomes the end of this one stream, and is told."""
        try:
            return await self._deliver()
        except (ReaderStalled, _FaultStruck, OSError):
            raise
        except Exception:
            logger.exception("A stream failed", extra=fields(connection_id=self._connection.id))
            return Ending(
                "failed",
                "STREAM_ERROR",
                "The service failed. Connect again with the last resume token.",
            )

    # --- waiting --------------------------------------------------------------------------------

    async def _deliver(self) -> Ending:
        loop = asyncio.get_running_loop()
        ending = self._connection.ending
        items = self._follow()
        step: asyncio.Task[Item] | None = None
        self._next_heartbeat = loop.time() + self._tools.settings.heartbeat_interval
        try:
            while True:
                if step is None:
                    step = asyncio.create_task(_next(items))
                wait = max(0.0, min(self._next_heartbeat, self._silence_ends()) - loop.time())
                waiting: set[asyncio.Future[Any]] = {step, ending}
                await asyncio.wait(waiting, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                if ending.done():
                    return ending.result()
                if loop.time() >= self._silence_ends():
                    return Ending(
                        "client_silent", "CONNECTION_LOST", "No heartbeat came from the client for too long."
                    )
                if loop.time() >= self._next_heartbeat:
                    await self._send_heartbeat()
                if step.done():
                    done, step = step, None
                    try:
                        item = done.result()
                    except _Exhausted:
                        await self._send_end()
                        return Ending("end_block_reached")
                    await self._handle(item)
        finally:
            if step is not None:
                step.cancel()
                with contextlib.suppress(asyncio.CancelledError, _Exhausted, ChainError):
                    await step
            await items.aclose()

    def _silence_ends(self) -> float:
        patience = self._tools.settings.client_timeout
        return self._connection.last_seen + patience if patience > 0 else float("inf")

    async def _follow(self) -> AsyncGenerator[Item, None]:
        """Follow the chain from where the stream is, through outages and new configurations."""
        subscription = self._subscription
        backoff = Backoff.doubling(_FIRST_WAIT, _LONGEST_WAIT)
        while True:
            try:
                self._chain = chain = self._tools.chain(subscription.chain_id)
                async with contextlib.aclosing(
                    chain.follow(
                        self._filter,
                        after=self._connection.position,
                        start_block=subscription.start_block,
                        end_block=subscription.end_block,
                        owner=subscription.subscriber_id,
                    )
                ) as items:
                    async for item in items:
                        if not isinstance(item, Outage):
                            backoff.reset()
                        yield item
                return
            except UnknownChain:
                self._connection.end(
                    Ending(
                        "chain_removed",
                        "PROCESSING_STOPPED",
                        f"Chain {subscription.chain_id} is no longer active here.",
                    )
                )
                return
            except ChainClosed:
                continue  # it was configured anew: follow the new one from where we are
            except ChainError as problem:
                yield Outage(problem)
                await asyncio.sleep(min(_LONGEST_WAIT, backoff.next(problem)))

    # --- handling -------------------------------------------------------------------------------

    async def _handle(self, item: Item) -> None:
        if isinstance(item, LogRange):
            await self._send_range(item)
        elif isinstance(item, Reorg):
            await self._send_reorg(item)
        else:
            await self._tell_outage(item.problem)

    async def _send_range(self, logs: LogRange) -> None:
        self._told_outage = None
        settings = self._tools.settings
        chunk: list[bytes] = []
        size = 0
        end = range_end(logs)
        limits = {"max_events": settings.max_batch_events, "max_bytes": settings.max_batch_bytes}
        recent = is_recent(logs)
        batches = (
            self._encoder.shared(logs, self._filter, **limits)
            if recent
            else cut(logs, self._encoder, **limits)
        )
        while True:
            batch = await self._next_batch(batches, recent=recent)
            if self._connection.ending.done():
                break  # the rest comes after the next connect
            if batch is None:
                self._note_progress(end)
                break
            line = self._batch_line(batch)
            damage = self._tools.observer.on_batch(self._subscription.id)
            if damage is not None:
                await self._write(b"".join(chunk))
                chunk, size = [], 0
                for kind in damage.kinds:
                    self._note("fault", kind=kind)
                if await damage.write(self._writer, line):
                    raise _FaultStruck(damage.kinds[0])
                continue
            chunk.append(line)
            size += len(line)
            if size >= settings.chunk_bytes:
                await self._write(b"".join(chunk))
                chunk, size = [], 0
            if batch.end == end:
                break  # nothing follows: to ask for it would take another turn
            # Encoding is work for the processor: let other streams run between two batches.
            await asyncio.sleep(0)
        await self._write(b"".join(chunk))
        await self._tell_undecodable()

    def _note_progress(self, end: Position) -> None:
        """Note that a range is done; blocks without events are progress too."""
        if self._connection.position != end:
            self._connection.position = end
            self._connection.ledger.scanned(end, self._connection.events)
            self._tools.hub.settle(self._connection)

    async def _next_batch(self, batches: Iterator[Batch], *, recent: bool) -> Batch | None:
        """
        Encode a batch, in turns in which a subscriber's hundred streams count like one.

        Of history a few at once, for that is work. Of a new block, which all streams get in the same moment,
        as many as keep a turn of the event loop short: others want to be answered meanwhile.
        """
        turns = self._tools.live_turns if recent else self._tools.turns
        async with turns.turn(self._subscription.subscriber_id):
            if self._connection.ending.done():
                return None  # at a stop hundreds may have waited for their turn
            batch = next(batches, None)
            # Others come to wait for their turn, or a long queue would go on as it stands.
            await asyncio.sleep(0)
        return batch

    def _batch_line(self, batch: Batch) -> bytes:
        connection = self._connection
        connection.events += batch.size
        connection.written += batch.size
        self._delivered += batch.size
        self._connection.position = batch.end
        batch_id = connection.ledger.next_id()
        connection.ledger.sent(
            Delivery(batch.end, connection.events, batch.size, last_event_id=batch.last_event_id)
        )
        if connection.ledger.broken and not (self._told_broken or connection.watches):
            self._told_broken = True
            logger.warning(
                "A client acknowledges too little: its acknowledgements no longer count on this connection",
                extra=fields(connection_id=connection.id, limit=self._tools.settings.max_unacknowledged),
            )
        token = self._token()
        self._counted.batches.inc()
        self._counted.events.inc(batch.size)
        self._note("batch", batch_id=batch_id, resume_token=token, events=batch.size)
        traced = self._deliveries.begin(batch, batch_id) if self._deliveries is not None else None
        return self._lines.batch(
            batch, batch_id=batch_id, token=token, timestamp=self._now(), traceparent=traced
        )

    async def _send_reorg(self, reorg: Reorg) -> None:
        connection = self._connection
        assert self._chain is not None, "a reorg comes from a chain that is followed"
        ancestor = self._chain.tracker.canonical(reorg.common_ancestor)
        self._connection.position = Position(reorg.common_ancestor, None, ancestor.hash if ancestor else None)
        batch_id = connection.ledger.next_id()
        connection.ledger.sent(Delivery(self._connection.position, connection.events, reorg=True))
        token = self._token()
        self._tools.metrics.reorgs.labels(self._subscription.chain_id).inc()
        self._note("reorg", batch_id=batch_id, resume_token=token, common_ancestor=reorg.common_ancestor)
        await self._write(
            self._lines.reorg(
                reorg.common_ancestor,
                reorg.removed,
                batch_id=batch_id,
                token=token,
                timestamp=self._now(),
            )
        )

    async def _tell_outage(self, problem: Exception) -> None:
        """Say what holds the stream up: once for each cause, until blocks come again."""
        open_circuit = isinstance(problem, ChainUnavailable) and problem.circuit_open
        if str(problem) == self._told_outage or (open_circuit and self._told_outage):
            return  # that breakers open is not news to who knows why
        self._told_outage = str(problem)
        logger.warning(
            "A stream waits for its chain",
            extra=fields(
                connection_id=self._connection.id,
                chain_id=self._subscription.chain_id,
                reason=str(problem),
            ),
        )
        said = str(problem)
        if self._chain is not None and not self._connection.shows_nodes:
            said = without_hosts(said, self._chain.config)
        await self._send_error(
            Ending("outage", "CIRCUIT_BREAKER_OPEN" if open_circuit else "STREAM_ERROR", said)
        )

    async def _tell_undecodable(self) -> None:
        """Say that logs are not delivered, and keep it where the subscription is shown."""
        problem = self._undecodable.due(delivered=self._delivered, now=asyncio.get_running_loop().time())
        if problem is None:
            return
        await self._send_error(Ending("undecodable", undecodable.CODE, problem))
        try:
            await self._tools.keep_problem(self._subscription.id, problem)
        except (SQLAlchemyError, ServiceError) as failed:
            logger.warning(
                "What is wrong with a subscription can't be kept",
                extra=fields(subscription_id=self._subscription.id, reason=str(failed)),
            )

    async def _send_end(self) -> None:
        assert self._connection.position is not None
        self._note("end", reason="end_block_reached")
        await self._write(self._lines.end("end_block_reached", token=self._token(), timestamp=self._now()))

    async def _send_error(self, ending: Ending) -> None:
        assert ending.code is not None
        self._note("error", code=ending.code)
        self._tools.notices.of_stream(self._connection, ending)
        await self._write(
            self._lines.error(
                ending.code, ending.message, recoverable=ending.recoverable, timestamp=self._now()
            )
        )

    async def _send_heartbeat(self) -> None:
        self._next_heartbeat = asyncio.get_running_loop().time() + self._tools.settings.heartbeat_interval
        if self._tools.observer.on_heartbeat(self._subscription.id):
            self._note("fault", kind="mute")
            return
        self._note("heartbeat_sent")
        await self._write(self._lines.heartbeat(self._now()))

    async def _write(self, data: bytes) -> None:
        if data:
            try:
                await self._writer.write(data)
            except BaseException as failed:
                if self._deliveries is not None:
                    self._deliveries.end(failed)
                raise
            if self._deliveries is not None:
                self._deliveries.end()
            self._counted.bytes.inc(len(data))

    # --- small things ---------------------------------------------------------------------------

    def _token(self) -> str:
        if self._connection.watches:
            return ""  # it has no place of its own to go on from
        assert self._connection.position is not None
        return self._tools.tokens.make(self._scope, self._connection.position, self._connection.events)

    def _now(self) -> str:
        return isoformat(self._tools.clock.time())

    def _note(self, happening: str, **detail: object) -> None:
        self._tools.observer.note(
            happening,
            subscription_id=self._subscription.id,
            connection_id=self._connection.id,
            **detail,
        )

    def _note_undecodable(self, log: Log, reason: str, count: int) -> None:
        self._undecodable.note(log, reason, count)
        self._counted.undecodable.inc(count)
        if logger.isEnabledFor(logging.DEBUG):  # there may be as many of them as events
            logger.debug(
                "Logs are not the event asked for",
                extra=fields(
                    subscription_id=self._subscription.id,
                    block=log.block_number,
                    log_index=log.log_index,
                    reason=reason,
                    logs=count,
                ),
            )


async def _next(items: AsyncGenerator[Item, None]) -> Item:
    """Return the next item; a task can't end with StopAsyncIteration, so the end has a name of its own."""
    try:
        return await anext(items)
    except StopAsyncIteration:
        raise _Exhausted from None


class _Exhausted(Exception):  # noqa: N818 - reads as the state it reports
    """All that the subscription asks for is delivered."""


class _FaultStruck(Exception):  # noqa: N818 - reads as what happened
    """A fault that was asked for has ended the stream."""
