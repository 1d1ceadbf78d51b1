"""
What could not be handled: handlers that raise, and lines that can't be read.

The batch is the unit of retry: only the handlers that failed are called again. A line that can't be read
makes the connection anew the first time, from the committed token: it may have been damaged on its way. The
second time at the same place the policy decides. A place is the committed token and how many lines behind it
were passed over already, so a line that is damaged in another way each time is the same place.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any

from event_streamer_sdk.exceptions import HandlerTimeoutError, StreamLineError

from .checkpoint import DeadLetterRecord
from .commands import (
    Call,
    Failed,
    Steps,
    write_dead_letter,
)
from .commands import (
    call as call_handler,
)
from .committing import commit
from .progress import Entry
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


def attempt(
    session: Session,
    calls: list[Call],
    batch_id: str,
    message: Mapping[str, Any],
    failed: Sequence[Failure] = (),
) -> Steps[Result]:
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
            error = yield from call_handler(call)
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


def _give_up(
    session: Session, failed: Sequence[Failure], batch_id: str, message: Mapping[str, Any]
) -> Steps[Result]:
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
    return Result.GIVEN_UP if (yield from bury(session, record)) else Result.NOT_HANDLED


def bury(session: Session, record: DeadLetterRecord) -> Steps[bool]:
    """
    Write down what could not be handled; the run ends where that fails.

    Args:
        session: The run.
        record: What to write.

    Returns:
        Whether it is written, and so counts as handled.
    """
    outcome = yield from ask_store(
        session, partial(write_dead_letter, record), code="DEAD_LETTERS_UNAVAILABLE", hearing=True
    )
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


def bad_line(session: Session, epoch: int, error: StreamLineError, value: Any) -> Steps[None]:
    """
    Deal with a line that can't be read.

    Args:
        session: The run.
        epoch: The connection that delivered it.
        error: What is wrong with it.
        value: What it was decoded to, where it could be decoded.
    """
    token = session.progress.token
    passed = session.passed_over[1] if session.passed_over[0] == token else 0
    place = (token, passed)
    if place not in session.bad_places:
        session.bad_places = {known for known in session.bad_places if known[0] == token} | {place}
        session.passed_over = (token, 0)
        session.drop_connection(epoch, Failed(error), "unreadable line")
        return
    session.passed_over = (token, passed + 1)
    policy = session.settings.on_handler_error
    message = value if isinstance(value, dict) else None
    batch_id = _text(message, "batch_id") or _text(message, "response_id")
    if policy == "stop":
        session.conclude(EndReason.UNREADABLE, error)
        return
    logger.error("subscription %s: passed over: %s", session.subscription_id, error)
    session.notify(
        "gap", Gap(kind=GapKind.UNREADABLE, message=f"Passed over, as told: {error}.", batch_id=batch_id)
    )
    if policy == "skip":
        session.counters.skipped += 1
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
        if not (yield from bury(session, record)):
            return
    # It may have been a reorg: then the blocks that follow lie before the committed one.
    session.may_go_back = True
    new_token = _text(message, "resume_token")
    if batch_id and new_token and not session.holding:
        # It said who it is, so it counts as handled like any batch. Else, and where batches before it still
        # wait for confirmations, the next batch's token covers it.
        entry = Entry(batch_id, new_token, None)
        entry.goes_back = True
        yield from commit(session, entry)


def _text(message: dict[str, Any] | None, name: str) -> str | None:
    value = message.get(name) if message else None
    return value if isinstance(value, str) else None
