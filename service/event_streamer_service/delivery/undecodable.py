"""Logs that bear the event's topic0 and are not that event: when a reader is told, and what. Pure, no I/O."""

from __future__ import annotations

from event_streamer_api.models import ABIEvent
from event_streamer_sdk.abi import human_readable
from event_streamer_service.chains.types import Log

CODE = "UNDECODABLE_LOGS"
TELL_EVERY = 600.0
"""Seconds between two messages of a stream: its reader is reminded, not flooded."""


class UndecodableLogs:
    """
    The logs of one stream that could not be delivered.

    Where all contracts are watched some of them are usual: ERC-20's and ERC-721's Transfer share their
    topic0. So there they are told of only as long as no log at all could be decoded, as with an event whose
    parameters are not marked `indexed`. A contract that was named is expected to emit the event as named. The
    logs of an anonymous event bear no topic0, so that all other logs of its contract come along.

    Args:
        event: The event that was subscribed to.
        expected: Every log is expected to be the event: the subscription names its contracts.
    """

    def __init__(self, event: ABIEvent, *, expected: bool) -> None:
        self._event = event
        self._expected = expected and not event.anonymous
        self._count = 0
        self._told = 0
        self._tell_at = float("-inf")
        self._last: tuple[Log, str] | None = None

    def note(self, log: Log, reason: str, count: int = 1) -> None:
        """Note a log that is not the event, and why: the newest of so many."""
        self._count += count
        self._last = log, reason

    def due(self, *, delivered: int, now: float) -> str | None:
        """
        Return what the reader is to be told now, in a sentence or two; `None` where that is nothing.

        Args:
            delivered: Events that this stream has delivered.
            now: The time, in seconds, on a clock that only goes forward.
        """
        usual = delivered > 0 and not self._expected
        if self._last is None or usual or self._count == self._told or now < self._tell_at:
            return None
        self._told, self._tell_at = self._count, now + TELL_EVERY
        log, reason = self._last
        logs = "1 log is" if self._count == 1 else f"{self._count:,} logs are"
        like = "the contract is" if self._event.anonymous else "the topic0 is"
        return (
            f"{logs} not delivered: {like} that of the subscription, and the rest is not "
            f"{human_readable(self._event)}. The newest one, log {log.log_index} of block {log.block_number} "
            f"from {log.address}: {reason}."
        )
