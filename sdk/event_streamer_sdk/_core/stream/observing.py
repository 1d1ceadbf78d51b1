"""How traces and metrics look at a run: they see the commands of its lanes, and what comes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from .commands import Steps
from .in_hand import InHand
from .queue import ReadQueue
from .session import Session

T = TypeVar("T")


class Run(Protocol):
    """What there is to see of a run beside its commands: its lanes have it."""

    session: Session
    queue: ReadQueue
    in_hand: InHand


class RunObserver(Protocol):
    """Looks at one run."""

    queue_class: type[ReadQueue] | None
    """What keeps the lines that wait for their handlers, where it isn't to be the usual one."""

    def watch(self, steps: Steps[T]) -> Steps[T]:
        """
        Look at a lane, or a part of one.

        Returns:
            A generator of the same commands, which gets the same outcomes.
        """

    def settling(self, batch_ids: Sequence[str]) -> AbstractContextManager[None]:
        """Look at a call of the user's that acknowledges batches, while the context lasts."""


class Observer(Protocol):
    """Looks at all runs of a client."""

    def run(self, lanes: Run) -> RunObserver | None:
        """
        Begin to look at a run.

        Returns:
            What looks at it; `None` where nobody wants to know: then nothing is spent.
        """

    def headers(self) -> Mapping[str, str]:
        """Give the headers that requests carry just now."""
