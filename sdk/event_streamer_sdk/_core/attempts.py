"""Handlers and their retries: the batch is the unit, and only the handlers that failed are called again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from .checkpoint import DeadLetterRecord
from .commands import Call, Failed, WriteDeadLetter
from .errors import HandlerTimeoutError
from .notices import EndReason
from .session import Session, Steps
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


def attempt(
    session: Session,
    calls: list[Call],
    batch_id: str,
    message: Mapping[str, Any],
    failed: Sequence[Failure] = (),
) -> Steps:
    """
    Call handlers until all have succeeded, the retries are used up, or the run is over.

    Args:
        session: The run.
        calls: What to call.
        batch_id: The batch they handle.
        message: The batch as it came, for a dead letter.
        failed: Calls that were made once and failed, beside `calls`.

    Returns:
        A `Result`.
    """
    settings = session.settings
    retries = 0
    while True:
        failed = list(failed)
        for call in calls:
            error = yield call
            if error is not None:
                failed.append((call, error))
        if not failed:
            return Result.HANDLED
        session.counters.handler_errors += len(failed)
        for call, error in failed:
            logger.warning(
                "subscription %s: handler %s failed on batch %s (try %d): %r",
                session.subscription_id, name_of(call), batch_id, retries + 1, error,
            )  # fmt: skip
        calls = [call for call, _ in failed]
        # Neither resting nor writing a dead letter is hanging: the stall timer starts anew with each try.
        session.handler_since = None
        hung = any(isinstance(error, HandlerTimeoutError) and error.abandoned for _, error in failed)
        if retries >= settings.handler_retries or hung:
            return (yield from _give_up(session, failed, batch_id, message))
        delay = min(MAX_RETRY_DELAY, settings.handler_retry_delay * 2.0**retries)
        retries += 1
        yield from session.rest(delay)
        if session.over:
            return Result.NOT_HANDLED
        session.handler_since = session.clock()
        failed = ()


def _give_up(session: Session, failed: Sequence[Failure], batch_id: str, message: Mapping[str, Any]) -> Steps:
    error = failed[0][1]
    names = tuple(name_of(call) for call, _ in failed)
    policy = session.settings.on_handler_error
    if policy == "stop":
        error.add_note(f"raised by the handler {names[0]} for batch {batch_id}; the batch is not committed")
        session.conclude(EndReason.HANDLER_FAILED, error)
        return Result.NOT_HANDLED
    reason = f"handler {', '.join(names)} failed: {error!r}"
    session.notify_error("HANDLER_FAILED", f"batch {batch_id} is passed over: {reason}")
    if policy == "skip":
        session.counters.skipped += 1
        logger.error("subscription %s: batch %s is skipped: %s", session.subscription_id, batch_id, reason)
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
    return Result.GIVEN_UP if (yield from write_dead_letter(session, record)) else Result.NOT_HANDLED


def write_dead_letter(session: Session, record: DeadLetterRecord) -> Steps:
    """
    Write down what could not be handled; the run ends where that fails.

    Args:
        session: The run.
        record: What to write.

    Returns:
        Whether it is written, and so counts as handled.
    """
    outcome = yield from ask_store(session, WriteDeadLetter(record), hearing=True)
    if isinstance(outcome, Failed):
        session.conclude(EndReason.HANDLER_FAILED, outcome.error)
        return False
    session.counters.dead_letters += 1
    logger.error("subscription %s: dead letter: %s", session.subscription_id, record.reason)
    return True


def name_of(call: Call) -> str:
    """Give a handler's name for a log."""
    function: Any = getattr(call.function, "__wrapped__", call.function)
    return str(getattr(function, "__qualname__", None) or repr(function))
