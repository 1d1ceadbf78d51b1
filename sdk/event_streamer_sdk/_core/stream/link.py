"""The connection of a run: being opened, open, given up, gone. Only what stands here changes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from event_streamer_sdk.exceptions import EventStreamerConnectionError

from .commands import Connected, Failed, Lane


class Waker(Protocol):
    """What a link tells the lanes through."""

    def wake(self, *lanes: Lane) -> None:
        """Have lanes look again, should they wait."""

    def break_off(self) -> None:
        """Have the shell break off a connect or a read that is under way."""


class Connection:
    """
    One connection, from its opening to its end.

    Attributes:
        epoch: Counts connections within a run, from 1.
        id: The service's name for it, `None` until it is known.
        interval: Seconds between heartbeats.
        last_byte_at: Monotonic seconds of the last sign of life.
        silent_since: The same, but for what is not the service's fault: when it may have been silent from.
        next_heartbeat_at: When ours is due.
        line_since: When the line began that is arriving, `None` between lines.
        reading: Whether somebody reads; a stream that nobody reads is not silent.
        open: Whether the response has not ended.
        dropped: Why it has to go, once that is decided.
        dropped_reason: The same in a few words.
    """

    def __init__(self, epoch: int, id: str | None, interval: float, now: float) -> None:  # noqa: A002 - its name
        self.epoch = epoch
        self.id = id
        self.interval = interval
        self.last_byte_at = now
        self.silent_since = now
        self.next_heartbeat_at = now + interval
        self.line_since: float | None = None
        self.reading = True
        self.open = True
        self.dropped: Failed | None = None
        self.dropped_reason = ""

    def heard(self, now: float) -> None:
        """Note that bytes came."""
        self.last_byte_at = self.silent_since = now

    def excuse(self, now: float) -> None:
        """Begin to wait for bytes anew: it was not the service that kept them back."""
        self.silent_since = now

    def lines_came(self, *, completed: bool, pending: bool) -> None:
        """
        Note since when a line is arriving.

        Args:
            completed: Whether the bytes that came last completed a line.
            pending: Whether one has begun and not ended.
        """
        if not pending:
            self.line_since = None
        elif completed or self.line_since is None:
            self.line_since = self.last_byte_at

    def stop_reading(self) -> None:
        """Note that nobody reads."""
        self.reading = False

    def read_on(self, now: float) -> None:
        """Note that somebody reads again."""
        self.reading = True
        self.excuse(now)

    def end(self) -> None:
        """Note that the response has ended."""
        self.open = False

    def heartbeat_sent(self, now: float) -> None:
        """Note that our heartbeat is due again an interval from now."""
        self.next_heartbeat_at = now + self.interval

    def name(self, connection_id: str) -> None:
        """Note the service's name for it."""
        self.id = connection_id

    def drop(self, failure: Failed, reason: str) -> None:
        """Note that it has to go."""
        self.dropped = failure
        self.dropped_reason = reason


class Link:
    """The place of a run's connection."""

    def __init__(self, effects: Waker, clock: Callable[[], float]) -> None:
        self._effects = effects
        self._clock = clock
        self.connection: Connection | None = None
        self.adopted: Connected | None = None
        """What `connect()` opened ahead of the run, until that takes it over."""
        self.connecting_since: float | None = None
        self.epoch = 0
        self.settled_epoch = 0
        """The last connection all of whose messages are handled."""
        self._last_byte_at: float | None = None

    @property
    def is_connected(self) -> bool:
        """Whether a connection is open."""
        if self.adopted is not None:
            return True
        connection = self.connection
        return connection is not None and connection.open and connection.dropped is None

    @property
    def connection_id(self) -> str | None:
        """The service's name for the connection, `None` while there is none."""
        if self.adopted is not None:
            return self.adopted.connection_id
        return self.connection.id if self.connection is not None else None

    @property
    def last_byte_at(self) -> float | None:
        """Monotonic seconds of the last sign of life, over whichever connection."""
        return self.connection.last_byte_at if self.connection is not None else self._last_byte_at

    def discarded(self, epoch: int) -> bool:
        """Tell whether what a connection delivered is not wanted any more."""
        connection = self.connection
        return connection is None or connection.epoch != epoch or connection.dropped is not None

    # --- its way ---------------------------------------------------------------------------------

    def adopt(self, outcome: Connected) -> None:
        """Keep a connection that was opened ahead of the run."""
        self.adopted = outcome

    def take_adopted(self) -> Connected | None:
        """Give out the connection that was opened ahead of the run, where there is one."""
        adopted, self.adopted = self.adopted, None
        return adopted

    def connecting(self) -> None:
        """Note that a connect is under way."""
        self.connecting_since = self._clock()
        self._effects.wake(Lane.WATCH)

    def connect_ended(self) -> None:
        """Note that the connect has come to something, or to nothing."""
        self.connecting_since = None

    def give_up_connecting(self) -> None:
        """Break off a connect that takes too long."""
        self.connecting_since = None
        self._effects.break_off()

    def opened(self, connection_id: str | None, interval: float) -> Connection:
        """Begin a connection."""
        self.epoch += 1
        self.connection = Connection(self.epoch, connection_id, interval, self._clock())
        self._effects.wake(Lane.WATCH, Lane.ACKNOWLEDGE, Lane.DELIVER)
        return self.connection

    def learn_id(self, connection_id: str | None) -> None:
        """Note the service's name for the connection, where a message tells it and the header did not."""
        connection = self.connection
        if connection is not None and connection.id is None and connection_id is not None:
            connection.name(connection_id)
            self._effects.wake(Lane.ACKNOWLEDGE, Lane.WATCH)

    def drop(self, epoch: int, failure: Failed, reason: str) -> None:
        """
        Give up a connection: the read lane will connect again from the committed token.

        Args:
            epoch: Which one; an earlier one is gone already.
            failure: Why.
            reason: The same in a few words.
        """
        connection = self.connection
        if connection is None or connection.epoch != epoch or connection.dropped is not None:
            return
        connection.drop(failure, reason)
        self._effects.wake(Lane.DELIVER)
        self._effects.break_off()

    def gone(self, connection: Connection) -> None:
        """Give up a connection that the service doesn't know any more."""
        problem = f"the service doesn't know the connection {connection.id} any more"
        self.drop(connection.epoch, Failed(EventStreamerConnectionError(problem)), "connection gone")

    def settled(self, epoch: int) -> None:
        """Note that all that a connection delivered is handled."""
        self.settled_epoch = epoch
        self._effects.wake(Lane.READ)

    def closed(self) -> None:
        """Note that the run has no connection any more, not even one that it never came to take over."""
        self._last_byte_at = self.last_byte_at
        self.connection = None
        self.adopted = None
