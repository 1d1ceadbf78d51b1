"""
Lines that can't be read.

The first time the connection is made anew from the committed token: the line may have been damaged on its
way. The second time at the same place the policy decides. A place is the committed token and how many lines
behind it were passed over already, so a line that is damaged in another way each time is the same place.
"""

from __future__ import annotations

import logging
from typing import Any

from .attempts import write_dead_letter
from .checkpoint import DeadLetterRecord
from .commands import Failed
from .committing import commit
from .errors import StreamLineError
from .notices import EndReason, Gap, GapKind
from .progress import Entry
from .session import Session, Steps

logger = logging.getLogger(__name__)


def bad_line(session: Session, epoch: int, error: StreamLineError, value: Any) -> Steps:
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
        if not (yield from write_dead_letter(session, record)):
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
