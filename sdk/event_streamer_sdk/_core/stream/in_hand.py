"""The batch that is being handled, since when, and by whom."""

from __future__ import annotations

from typing import Any

from .handlers import current_batch_var
from .messages import Batch, BatchOwner
from .session import Session


class InHand:
    """What the deliver lane has in hand: the watch lane asks since when, the acknowledge lane who has it."""

    def __init__(self, session: Session, batch_class: type[Batch], owner: BatchOwner | None) -> None:
        self._clock = session.clock
        self._link = session.link
        self._batch_class = batch_class
        self._owner = owner
        self._message: Batch | dict[str, Any] | None = None
        self.since: float | None = None
        """When the handler began that is at work, monotonic seconds; `None` between two."""
        self.handed_over = False
        """Whether the user's loop has the batch."""

    @property
    def batch(self) -> Batch | None:
        """The batch that is being handled, `None` between two batches."""
        message = self._message
        return self.batch_of(message) if isinstance(message, dict) else message

    @property
    def message(self) -> dict[str, Any] | None:
        """The message that is being handled, as it came; `None` between two."""
        message = self._message
        return message.message if isinstance(message, Batch) else message

    def new_batch(self, message: dict[str, Any]) -> Batch:
        """
        Make a batch of a message that came over the connection of the moment.

        Raises:
            StreamLineError: It is not a batch.
        """
        return self._batch_class(message, epoch=self._link.epoch, owner=self._owner)

    def batch_of(self, message: dict[str, Any]) -> Batch:
        """
        Make a batch of a message that has been found to be one.

        Returns:
            The batch; the same one for each call while it is being handled.
        """
        current = self._message
        if isinstance(current, Batch) and current.message is message:
            return current
        batch = self.new_batch(message)
        if current is message:
            self._message = batch
        return batch

    def take(self, message: Batch | dict[str, Any]) -> None:
        """
        Take a batch in hand: its handlers are called next.

        Args:
            message: The batch, or the message that `batch_of` makes one of when somebody asks.
        """
        self._message = message
        current_batch_var.set(message)
        self.since = self._clock()

    def work(self) -> None:
        """Note that handlers are at work from now on."""
        self.since = self._clock()

    def pause(self) -> None:
        """Note that no handler is at work: neither resting nor storing is hanging."""
        self.since = None

    def put_down(self) -> None:
        """Be done with the batch."""
        self.since = None
        self._message = None
        current_batch_var.set(None)

    def leave(self) -> None:
        """Have nothing in hand, at the end of the lane; another stream's handler may be what ends it."""
        self._message = None

    def hand_over(self) -> None:
        """Note that the user's loop has the batch."""
        self.handed_over = True

    def take_back(self) -> None:
        """Note that the user's loop is done with the batch."""
        self.handed_over = False
