"""From handled to committed to acknowledged, in this order: nothing is acknowledged that is not stored."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from .checkpoint import Checkpoint
from .commands import Failed, Lane, SaveCheckpoint
from .errors import LeaseLostError
from .notices import EndReason
from .progress import Entry
from .session import Session, Steps

logger = logging.getLogger(__name__)

GROUP_LIMIT = 1_000
"""Most batches that wait for one write with `checkpoint_interval`."""
SAVE_ATTEMPTS = 3
"""How often a write is tried before the run ends."""
SAVE_DELAY = 0.5
"""Seconds before the second try; doubles."""


def commit(session: Session, entry: Entry) -> Steps:
    """
    Commit a handled message.

    Args:
        session: The run.
        entry: The message; one without an id is committed and not acknowledged.
    """
    settings = session.settings
    if not settings.has_store:
        if session.progress.reaches(entry.block):
            session.progress.advance(entry.resume_token, entry.block)
        if entry.batch_id:
            session.acknowledge_later(entry.batch_id)
        return
    session.unsaved.append(entry)
    waited = session.clock() - session.saved_at
    if waited >= settings.checkpoint_interval or len(session.unsaved) >= GROUP_LIMIT:
        yield from save(session)


def save(session: Session) -> Steps:
    """
    Store the position behind all handled messages, then let them be acknowledged.

    Args:
        session: The run; it is concluded where the position can't be stored.
    """
    entries, session.unsaved = session.unsaved, []
    if (yield from store(session, entries)):
        for entry in entries:
            if entry.batch_id:
                session.acknowledge_later(entry.batch_id)


def store(session: Session, entries: Sequence[Entry]) -> Steps:
    """
    Move the committed position behind some messages, durably where there is a store.

    Args:
        session: The run.
        entries: Handled messages, in order.

    Returns:
        Whether that is done.
    """
    progress = session.progress
    moving = [entry for entry in entries if progress.reaches(entry.block)]
    if not moving:
        return True
    last = moving[-1]
    block = next((entry.block for entry in reversed(moving) if entry.block is not None), progress.block)
    if session.settings.has_store:
        checkpoint = Checkpoint(
            resume_token=last.resume_token,
            batch_id=last.batch_id or None,
            block=block,
            chain_id=last.chain_id,
        )
        for tried in range(SAVE_ATTEMPTS):
            outcome = yield SaveCheckpoint(checkpoint)
            if not isinstance(outcome, Failed):
                break
            if isinstance(outcome.error, LeaseLostError):
                session.conclude(EndReason.LEASE_LOST, outcome.error)
                return False
            logger.warning("subscription %s: %s", session.subscription_id, outcome.error)
            if tried + 1 == SAVE_ATTEMPTS or session.over:
                session.conclude(EndReason.CHECKPOINT_FAILED, outcome.error)
                return False
            yield from session.rest(SAVE_DELAY * 2**tried)
        session.saved_at = session.clock()
    progress.advance(last.resume_token, block)
    return True


def acknowledged_by_user(session: Session, batch_ids: Sequence[str]) -> Steps:
    """
    Commit what the user says is done (manual mode), before it is acknowledged.

    Args:
        session: The run.
        batch_ids: The batches.

    Returns:
        Whether it may be acknowledged now.
    """
    entries = [entry for batch_id in batch_ids for entry in session.progress.user_acknowledged(batch_id)]
    session.wake(Lane.DELIVER)
    return not entries or (yield from store(session, entries))
