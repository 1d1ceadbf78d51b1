"""A snapshot of a streaming client's figures."""

from __future__ import annotations

from .counters import Counters
from .notices import Stats
from .session import Session


def stats_of(counters: Counters, session: Session | None, now: float, lag_seconds: float | None) -> Stats:
    """
    Take a snapshot of the figures.

    Args:
        counters: The counts.
        session: The run of the moment, where there is one.
        now: Monotonic seconds.
        lag_seconds: Age of the newest handled event's block.

    Returns:
        The figures.
    """
    lag_blocks = None
    if counters.head_block is not None and counters.handled_block is not None:
        lag_blocks = max(0, counters.head_block - counters.handled_block)
    last_byte_at = session.last_byte_at if session else None
    return Stats(
        events=counters.events,
        batches=counters.batches,
        acks=counters.acks,
        pending_acks=len(session.acks) if session else 0,
        ack_failures=counters.ack_failures,
        reconnects=dict(counters.reconnects),
        queued_batches=session.queue.batches if session else 0,
        queued_bytes=session.queue.bytes if session else 0,
        held_batches=len(session.holding) if session and session.holding else 0,
        handler_errors=counters.handler_errors,
        skipped=counters.skipped,
        dead_letters=counters.dead_letters,
        duplicates=counters.duplicates,
        unknown=counters.unknown,
        heartbeats=counters.heartbeats,
        lag_blocks=lag_blocks,
        lag_seconds=lag_seconds,
        seconds_since_last_byte=None if last_byte_at is None else max(0.0, now - last_byte_at),
    )
