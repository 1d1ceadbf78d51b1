"""From handled to committed to acknowledged, in this order: nothing is acknowledged that is not stored."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from event_streamer_sdk.exceptions import LeaseLostError

from .checkpoint import Checkpoint
from .commands import (
    Failed,
    Lane,
    Steps,
    Wait,
    save_checkpoint,
)
from .progress import Entry
from .reports import EndReason
from .session import Session
from .storing import ask_store

PEN_SECONDS = 0.01
"""How often to look whether a write of the run before has ended, seconds: hardly ever is one under way."""


def commit(session: Session, entry: Entry) -> Steps[None]:
    """
    Commit a handled message.

    Args:
        session: The run.
        entry: The message; one without an id is committed and not acknowledged.
    """
    settings = session.settings
    if not settings.auto_acknowledge:
        # It takes its place behind those that wait for the user.
        session.progress.wait_for_user(entry)
        yield from finish(session, [entry.batch_id])
        return
    if not settings.has_store:
        last, block = session.progress.behind([entry])
        if last is not None:
            session.progress.advance(last.resume_token, block)
        _committed(session, entry)
        return
    session.unsaved.append(entry)
    if until_save(session) <= 0:
        yield from save(session)


def until_save(session: Session) -> float:
    """
    Tell when the position is to be stored while messages come.

    Args:
        session: The run.

    Returns:
        Seconds from now; 0 or less: it is due.
    """
    settings = session.settings
    if len(session.unsaved) >= settings.checkpoint_batches:
        return 0.0
    return settings.checkpoint_interval - (session.clock() - session.saved_at)


def save(session: Session) -> Steps[None]:
    """
    Store the position behind all handled messages, then let them be acknowledged.

    Args:
        session: The run; it is concluded where the position can't be stored.
    """
    entries, session.unsaved = session.unsaved, []
    if (yield from _store(session, entries, hearing=True)):
        for entry in entries:
            _committed(session, entry)


def finish(session: Session, batch_ids: Sequence[str]) -> Steps[list[str] | None]:
    """
    Commit what is done, in manual mode: the unbroken run of delivered messages that are.

    A message behind one that is still open, or is just being committed by somebody else, waits; when it is
    committed the acknowledge lane sends its id.

    Args:
        session: The run.
        batch_ids: What is done now.

    Returns:
        Those of the ids that are to be acknowledged now; `None` where the position could not be stored.
    """
    progress = session.progress
    for batch_id in batch_ids:
        progress.done(batch_id)
    if not session.committing:
        # One at a time, else the position of an earlier message might be stored behind that of a later one.
        session.committing = True
        try:
            while run := progress.done_run():
                if not (yield from _store(session, run)):
                    return None
                progress.close(run)
                session.wake(Lane.DELIVER)
                for entry in run:
                    entry.by_user = entry.by_user and entry.batch_id in batch_ids
                    _committed(session, entry)
        finally:
            session.committing = False
    return [batch_id for batch_id in batch_ids if progress.is_committed(batch_id)]


def _committed(session: Session, entry: Entry) -> None:
    """Do what may be done only when a message is committed: remember its events, acknowledge it."""
    if entry.keys and session.dedupe is not None:
        session.dedupe.mark(entry.keys)
    if entry.batch_id and not entry.by_user:
        session.acks.add(entry.batch_id)


def _store(session: Session, entries: Sequence[Entry], *, hearing: bool = False) -> Steps[bool]:
    """
    Move the committed position behind some messages, durably where there is a store.

    Args:
        session: The run.
        entries: Handled messages, in order.
        hearing: As in `ask_store`.

    Returns:
        Whether that is done.
    """
    progress, pen = session.progress, session.progress.pen
    while pen.taken:
        yield Wait(PEN_SECONDS)
    last, block = progress.behind(entries)
    if last is None:
        return True
    if session.settings.has_store:
        checkpoint = Checkpoint(
            resume_token=last.resume_token,
            batch_id=last.batch_id or None,
            block=block,
            chain_id=last.chain_id,
        )
        pen.taken = True
        try:
            outcome = yield from ask_store(session, partial(save_checkpoint, checkpoint), hearing=hearing)
        finally:
            pen.taken = False
        if isinstance(outcome, Failed):
            lost = isinstance(outcome.error, LeaseLostError)
            session.conclude(EndReason.LEASE_LOST if lost else EndReason.CHECKPOINT_FAILED, outcome.error)
            return False
        session.saved_at = session.clock()
    progress.advance(last.resume_token, block)
    return True
