"""What a streaming client tells beside events: statuses, gaps, its figures, and how a run ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal

from attrs import define, evolve, field, frozen


class StatusKind(StrEnum):
    """What has happened to the stream."""

    CONNECTED = "connected"
    """The first connection is open, from the start of the subscription."""
    RESUMED = "resumed"
    """A connection is open that goes on from a resume token, or after a loss."""
    RECONNECTING = "reconnecting"
    """The connection is lost; the next try comes after `delay` seconds."""
    STANDBY = "standby"
    """Another worker holds the lease; this one waits for it."""
    ENDED = "ended"
    """The stream is over; `reason` says why."""


@frozen(kw_only=True)
class Status:
    """
    Handed to `on_status`.

    Attributes:
        kind: What has happened.
        reason: Why, in a few words.
        connection_id: The connection, where there is one.
        attempt: Tries since the loss.
        delay: Seconds until the next try.
        error: What went wrong, where something did.
    """

    kind: StatusKind
    reason: str = ""
    connection_id: str | None = None
    attempt: int = 0
    delay: float | None = None
    error: BaseException | None = None


class GapKind(StrEnum):
    """Why the order of the chain may not be what arrives."""

    OUT_OF_ORDER = "out_of_order"
    """A batch begins at a block before one that was delivered."""
    TOKEN_LOST = "token_lost"  # noqa: S105 - a kind of gap, no secret
    """The resume token is expired or invalid; where the stream goes on is the service's choice."""
    UNREADABLE = "unreadable"
    """A line could not be read, twice, and was passed over as the policy says."""


@frozen(kw_only=True)
class Gap:
    """
    Handed to `on_gap`.

    Attributes:
        kind: What was found.
        message: One sentence for a person.
        batch_id: The batch it was found in, where it was in one.
        from_block: First block concerned, where known.
        to_block: Last block concerned, where known.
    """

    kind: GapKind
    message: str
    batch_id: str | None = None
    from_block: int | None = None
    to_block: int | None = None


class EndReason(StrEnum):
    """Why a run is over."""

    FINISHED = "finished"
    """The subscription is done (204, or its `end_block` was reached)."""
    STOPPED = "stopped"
    """`stop_streaming()`, `disconnect()`, or the loop was left."""
    SIGNAL = "signal"
    """SIGINT or SIGTERM while in `run()`."""
    NOT_RECOVERABLE = "not_recoverable"
    """The service said that it can't recover (`recoverable` is false)."""
    REFUSED = "refused"
    """The service or the network refused for good (401, 403, 404, 422, a bad certificate, no token)."""
    CONNECTION_LOST = "connection_lost"
    """The connection was lost, and the policy allows no (further) try."""
    HANDLER_FAILED = "handler_failed"
    """A handler failed for good, and the policy was to stop."""
    UNREADABLE = "unreadable"
    """A line could not be read twice, and the policy was to stop."""
    CHECKPOINT_FAILED = "checkpoint_failed"
    """A position could not be stored."""
    LEASE_LOST = "lease_lost"
    """Another worker has taken over."""
    FAILED = "failed"
    """A defect of this library; please report it."""


@frozen(kw_only=True)
class Report:
    """
    How a run went; `run()` and `wait()` return it.

    Attributes:
        reason: Why it is over.
        events: Events that were handed to handlers or the loop.
        batches: Batches that were handled.
        acks: Batches whose acknowledgement the service took.
        reconnects: Connections after the first one.
        error: What it ended with, `None` for a good end.
        signal: Number of the signal that ended it.
    """

    reason: EndReason
    events: int = 0
    batches: int = 0
    acks: int = 0
    reconnects: int = 0
    error: BaseException | None = None
    signal: int | None = None


def summed_up(reports: Sequence[Report]) -> Report:
    """Make one report of runs that followed one another: a lease was lost, waited for and taken again."""
    return evolve(
        reports[-1],
        events=sum(each.events for each in reports),
        batches=sum(each.batches for each in reports),
        acks=sum(each.acks for each in reports),
        reconnects=sum(each.reconnects for each in reports),
    )


@frozen(kw_only=True)
class Stats:
    """
    The figures of a streaming client since it was made, a snapshot.

    Attributes:
        events: Events in handled batches.
        batches: Handled batches.
        acks: Batches whose acknowledgement the service took.
        pending_acks: Handled batches that wait for their acknowledgement.
        ack_failures: Batches whose acknowledgement was given up.
        reconnects: Connections after the first one, by the reason of the loss.
        queued_batches: Lines that are read and not handled yet.
        queued_bytes: Their size, bytes.
        held_batches: Batches that wait for confirmations.
        handler_errors: Failed calls of handlers.
        skipped: Batches and lines that the policy `skip` passed over.
        dead_letters: Batches and lines that were written down as not handled.
        duplicates: Events that de-duplication held back.
        unknown: Messages of a type that we don't know.
        heartbeats: Heartbeats that came.
        last_processed_block: The last block that is handled, `None` before the first.
        head_block: The chain's newest block, where the service tells it.
        lag_blocks: Blocks between the newest handled one and the chain's head, where the service tells it.
        lag_seconds: Seconds between the newest handled event's block and now, where events carry a time.
        seconds_since_last_byte: Age of the last sign of life, `None` before the first.
    """

    events: int = 0
    batches: int = 0
    acks: int = 0
    pending_acks: int = 0
    ack_failures: int = 0
    reconnects: Mapping[str, int] = field(factory=dict)
    queued_batches: int = 0
    queued_bytes: int = 0
    held_batches: int = 0
    handler_errors: int = 0
    skipped: int = 0
    dead_letters: int = 0
    duplicates: int = 0
    unknown: int = 0
    heartbeats: int = 0
    last_processed_block: int | None = None
    head_block: int | None = None
    lag_blocks: int | None = None
    lag_seconds: float | None = None
    seconds_since_last_byte: float | None = None


Countable = Literal[
    "acks", "ack_failures", "handler_errors", "skipped", "dead_letters", "duplicates", "unknown", "heartbeats"
]
"""What is counted one by one."""


@define
class Counters:
    """Counts since the client was made; they outlive a run. Meanings as in `Stats`."""

    events: int = 0
    batches: int = 0
    acks: int = 0
    ack_failures: int = 0
    reconnects: Counter[str] = field(factory=Counter)
    handler_errors: int = 0
    skipped: int = 0
    dead_letters: int = 0
    duplicates: int = 0
    unknown: int = 0
    heartbeats: int = 0
    head_block: int | None = None
    handled_block: int | None = None
    newest: dict[str, Any] | None = None

    def add(self, what: Countable, number: int = 1) -> None:
        """Count what has happened; names as in `Stats`."""
        setattr(self, what, getattr(self, what) + number)

    def reconnected(self, reason: str) -> None:
        """Count a connection after the first one, by the reason of the loss."""
        self.reconnects[reason] += 1

    def handled(self, events: int, last_block: int | None, newest: dict[str, Any] | None) -> None:
        """Count a handled batch."""
        self.batches += 1
        self.events += events
        self.handled_block = last_block
        self.newest = newest

    def saw_head(self, block: int) -> None:
        """Note how far the chain is."""
        self.head_block = block

    def copy(self) -> Counters:
        """Take a snapshot."""
        return evolve(self, reconnects=self.reconnects.copy())

    @property
    def handled_time(self) -> Any:
        """The time of the newest event that was handled."""
        return self.newest.get("timestamp") if type(self.newest) is dict else None


@frozen
class Gauges:
    """What a run holds just now, as in `Stats`; the last sign of life in monotonic seconds."""

    pending_acks: int = 0
    queued_batches: int = 0
    queued_bytes: int = 0
    held_batches: int = 0
    last_byte_at: float | None = None


def stats_of(counters: Counters, gauges: Gauges, now: float, lag_seconds: float | None) -> Stats:
    """Take a snapshot of the figures."""
    lag_blocks = None
    if counters.head_block is not None and counters.handled_block is not None:
        lag_blocks = max(0, counters.head_block - counters.handled_block)
    last_byte_at = gauges.last_byte_at
    return Stats(
        events=counters.events,
        batches=counters.batches,
        acks=counters.acks,
        pending_acks=gauges.pending_acks,
        ack_failures=counters.ack_failures,
        reconnects=dict(counters.reconnects),
        queued_batches=gauges.queued_batches,
        queued_bytes=gauges.queued_bytes,
        held_batches=gauges.held_batches,
        handler_errors=counters.handler_errors,
        skipped=counters.skipped,
        dead_letters=counters.dead_letters,
        duplicates=counters.duplicates,
        unknown=counters.unknown,
        heartbeats=counters.heartbeats,
        last_processed_block=counters.handled_block,
        head_block=counters.head_block,
        lag_blocks=lag_blocks,
        lag_seconds=lag_seconds,
        seconds_since_last_byte=None if last_byte_at is None else max(0.0, now - last_byte_at),
    )
