"""
What could not be handled: handlers that raise, and lines that can't be read.

The batch is the unit of retry: only the handlers that failed are called again. A line that can't be read
makes the connection anew the first time, from the committed token: it may have been damaged on its way. The
second time at the same place the policy decides. A place is the committed token and how many lines behind it
were passed over already, so a line that is damaged in another way each time is the same place.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any

from event_streamer_sdk.exceptions import HandlerTimeoutError, LeaseLostError, StreamLineError

from .blocks import Blocks
from .checkpoint import DeadLetterRecord
from .commands import Call, Failed, OutputClosedError, Steps, write_dead_letter
from .committing import Committer, Entry
from .decoding import Decoded
from .in_hand import InHand
from .reports import EndReason, Gap, GapKind
from .session import Session
from .storing import ask_store

logger = logging.getLogger(__name__)


class Result(Enum):
    """What came of a batch."""

    HANDLED = "handled"
    """All handlers have succeeded."""
    GIVEN_UP = "given up"
    """It counts as handled: skipped, or written down as a dead letter."""
    NOT_HANDLED = "not handled"
    """It comes again; the run is over."""


MAX_RETRY_DELAY = 30.0
"""Upper bound of the wait between two tries of a handler, seconds."""


Failure = tuple[Call, BaseException]
"""A handler's call, and what it raised."""


class Unhandled:
    """
    Deals with what could not be handled.

    Args:
        session: What the lanes share.
        committer: Where a line that counts as handled is committed.
        in_hand: What the deliver lane has in hand.
        blocks: The blocks that were delivered.
        holds_back: Whether batches wait for confirmations, and a later token must not be committed.
    """

    def __init__(
        self,
        session: Session,
        committer: Committer,
        in_hand: InHand,
        blocks: Blocks,
        *,
        holds_back: Callable[[], bool],
    ) -> None:
        self._session = session
        self._committer = committer
        self._in_hand = in_hand
        self._blocks = blocks
        self._holds_back = holds_back
        self._bad_places: set[tuple[str | None, int]] = set()
        self._passed_over: tuple[str | None, int] = (None, 0)

    def attempt(
        self,
        calls: list[Call],
        batch_id: str,
        message: Mapping[str, Any],
        failed: Sequence[Failure] = (),
    ) -> Steps[Result]:
        """
        Call handlers until all have succeeded, the retries are used up, or the run is over.

        Args:
            calls: What to call.
            batch_id: The batch they handle.
            message: The batch as it came, for a dead letter.
            failed: Calls that were made once and failed, besides `calls`.
        """
        session, settings = self._session, self._session.settings
        retries = 0
        while True:
            failed = list(failed)
            for call in calls:
                error = yield call
                if error is not None:
                    assert isinstance(error, BaseException)
                    failed.append((call, error))
            if not failed:
                return Result.HANDLED
            lost = next((error for _, error in failed if isinstance(error, LeaseLostError)), None)
            if lost is not None and settings.has_lease:
                session.conclude(EndReason.LEASE_LOST, lost)  # a handler that writes by itself has found out
                return Result.NOT_HANDLED
            closed = next((error for _, error in failed if isinstance(error, OutputClosedError)), None)
            if closed is not None:  # nor would a later batch be of use to anybody
                session.conclude(EndReason.HANDLER_FAILED, closed)
                return Result.NOT_HANDLED
            session.counters.add("handler_errors", len(failed))
            for call, error in failed:
                logger.warning(
                    "subscription %s: handler %s failed on batch %s (try %d): %r",
                    session.subscription_id, name_of(call), batch_id, retries + 1, error,
                )  # fmt: skip
            calls = [call for call, _ in failed]
            # Neither resting nor writing a dead letter is hanging: the stall timer starts anew with each try.
            self._in_hand.pause()
            hung = any(isinstance(error, HandlerTimeoutError) and error.abandoned for _, error in failed)
            if retries >= settings.handler_retries or hung:
                return (yield from self._give_up(failed, batch_id, message))
            delay = min(MAX_RETRY_DELAY, settings.handler_retry_delay * 2.0**retries)
            retries += 1
            yield from session.rest(delay)
            if session.over:
                return Result.NOT_HANDLED
            self._in_hand.work()
            failed = ()

    def _give_up(self, failed: Sequence[Failure], batch_id: str, message: Mapping[str, Any]) -> Steps[Result]:
        session, policy = self._session, self._session.settings.on_handler_error
        error = failed[0][1]
        names = tuple(name_of(call) for call, _ in failed)
        if policy == "stop":
            error.add_note(
                f"raised by the handler {names[0]} for batch {batch_id}; the batch is not committed"
            )
            session.conclude(EndReason.HANDLER_FAILED, error)
            return Result.NOT_HANDLED
        reason = f"handler {', '.join(names)} failed: {error!r}"
        session.notices.tell_error("HANDLER_FAILED", f"batch {batch_id} is passed over: {reason}")
        if policy == "skip":
            session.counters.add("skipped")
            logger.error(
                "subscription %s: batch %s is skipped: %s", session.subscription_id, batch_id, reason
            )
            return Result.GIVEN_UP
        record = DeadLetterRecord(
            time=session.utc_now(),
            kind="batch",
            subscription_id=session.subscription_id,
            reason=reason,
            batch_id=batch_id,
            message={name: value for name, value in message.items() if name != "resume_token"},
            handlers=names,
        )
        return Result.GIVEN_UP if (yield from self._bury(record)) else Result.NOT_HANDLED

    def _bury(self, record: DeadLetterRecord) -> Steps[bool]:
        """Write down what could not be handled; tell whether that is done: the run ends where it fails."""
        session = self._session
        outcome = yield from ask_store(
            session, partial(write_dead_letter, record), code="DEAD_LETTERS_UNAVAILABLE", hearing=True
        )
        if isinstance(outcome, Failed):
            session.conclude(EndReason.HANDLER_FAILED, outcome.error)
            return False
        session.counters.add("dead_letters")
        logger.error("subscription %s: dead letter: %s", session.subscription_id, record.reason)
        return True

    def bad_line(self, epoch: int, error: StreamLineError, value: Decoded) -> Steps[None]:
        """Deal with a line that can't be read."""
        session, policy = self._session, self._session.settings.on_handler_error
        if self._is_new(epoch, error):
            return
        message = value if isinstance(value, dict) else None
        batch_id = _text(message, "batch_id") or _text(message, "response_id")
        if policy == "stop":
            session.conclude(EndReason.UNREADABLE, error)
            return
        logger.error("subscription %s: passed over: %s", session.subscription_id, error)
        problem = f"Passed over, as on_handler_error says: {error}."
        session.notices.tell("gap", Gap(kind=GapKind.UNREADABLE, message=problem, batch_id=batch_id))
        if policy == "skip":
            session.counters.add("skipped")
        else:
            record = DeadLetterRecord(
                time=session.utc_now(),
                kind="line",
                subscription_id=session.subscription_id,
                reason=str(error),
                batch_id=batch_id,
                message=message and {name: part for name, part in message.items() if name != "resume_token"},
                raw=error.raw or None,
            )
            if not (yield from self._bury(record)):
                return
        # It may have been a reorg: then the blocks that follow lie before the committed one.
        self._blocks.doubt()
        new_token = _text(message, "resume_token")
        if batch_id and new_token and not self._holds_back():
            # It said who it is, so it counts as handled like any batch. Else, and where batches before it
            # still wait for confirmations, the next batch's token covers it.
            yield from self._committer.commit(Entry(batch_id, new_token, None, goes_back=True))

    def _is_new(self, epoch: int, error: StreamLineError) -> bool:
        """Make the connection anew where the line is bad for the first time, and tell whether it was so."""
        token = self._committer.progress.token
        passed = self._passed_over[1] if self._passed_over[0] == token else 0
        place = (token, passed)
        if place in self._bad_places:
            self._passed_over = (token, passed + 1)
            return False
        self._bad_places = {known for known in self._bad_places if known[0] == token} | {place}
        self._passed_over = (token, 0)
        self._session.link.drop(epoch, Failed(error), "unreadable line")
        return True


def name_of(call: Call) -> str:
    """Give a handler's name for a log."""
    function: Any = getattr(call.function, "__wrapped__", call.function)
    return str(getattr(function, "__qualname__", None) or repr(function))


def _text(message: Mapping[str, Any] | None, name: str) -> str | None:
    value = message.get(name) if message else None
    return value if isinstance(value, str) else None
