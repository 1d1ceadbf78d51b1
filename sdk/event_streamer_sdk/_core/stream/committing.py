"""
From handled to committed to acknowledged, in this order: nothing is acknowledged that is not stored.

`received` and `committed` are two things. The committed token is the end of the unbroken run of handled
batches, so a token that a user saves can never skip one.

    Entry       what is kept of a message until it is acknowledged
    Progress    the committed position, and what is handled but not committed: through all runs of a client
    Committer   moves the position, durably where there is a store, and lets ids be acknowledged
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice, takewhile

from event_streamer_sdk.exceptions import LeaseLostError

from .acknowledging import AckBuffer
from .checkpoint import Checkpoint
from .commands import Failed, Lane, Steps, Wait, save_checkpoint
from .dedupe import Deduplicator, Key
from .reports import EndReason
from .session import Session
from .storing import ask_store

STALE_LIMIT = 100_000
"""Most batches of earlier connections that are remembered; beyond it the oldest is forgotten."""
WRITE_LOCK_POLL_SECONDS = 0.01
"""How often to look whether the previous run's write has ended, seconds. It is rarely needed."""


class Entry:
    """
    What committing and acknowledging a message needs, without its events.

    Args:
        batch_id: What is acknowledged; empty for a message that is committed only.
        resume_token: The token behind it.
        block: The last block it covers.
        chain_id: That block's chain.
        goes_back: Whether the position may go back to `block`, since a reorganisation took blocks away; where
            that is `None` nobody knows how far, and the next message may begin anywhere.
        keys: Its events, as de-duplication remembers them once it is committed.

    Attributes:
        done: Whether it is handled, and (manual mode) the user has said so.
        by_user: Whether the user acknowledges it.
    """

    __slots__ = ("batch_id", "block", "by_user", "chain_id", "done", "goes_back", "keys", "resume_token")

    def __init__(
        self,
        batch_id: str,
        resume_token: str,
        block: int | None,
        chain_id: int | None = None,
        *,
        goes_back: bool = False,
        keys: list[Key] | None = None,
    ) -> None:
        self.batch_id = batch_id
        self.resume_token = resume_token
        self.block = block
        self.chain_id = chain_id
        self.goes_back = goes_back
        self.keys = keys
        self.done = False
        self.by_user = False


class WriteLock:
    """
    Lets one position be stored at a time, through all runs of a client.

    Attributes:
        taken: Whether one is being stored. A second write at the same time might be done before the first.
    """

    def __init__(self) -> None:
        self.taken = False


class Progress:
    """
    The committed position, carried from run to run of one client.

    Args:
        resume_token: Where to begin, `None` for the service's choice.
    """

    def __init__(self, resume_token: str | None = None) -> None:
        self.token = resume_token
        self.block: int | None = None
        self.commits = 0
        self.write_lock = WriteLock()
        self._chosen = False
        self.open: dict[str, Entry] = {}
        self.stale: dict[str, None] = {}

    def elsewhere(self, resume_token: str) -> Progress:
        """
        Make a position of the user's choice, for the next run: this one may still end behind a handler.

        Returns:
            The position. It knows what was delivered and not committed here.
        """
        chosen = Progress(resume_token)
        chosen._chosen = True
        chosen.write_lock = self.write_lock
        chosen.stale = {**self.stale, **dict.fromkeys(self.open)}
        return chosen

    @property
    def is_chosen(self) -> bool:
        """Whether it is where the user wants to be, and so comes before a stored one; until a commit."""
        return self._chosen and not self.commits

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take over a stored position."""
        self.token = checkpoint.resume_token
        self.block = checkpoint.block

    def restart(self, token: str | None) -> None:
        """Give up the position, for its token is no longer valid."""
        self.token = token
        self.block = None
        self.connected()

    def connected(self) -> None:
        """Note that a connection was opened from the committed position: what was open comes again."""
        self.stale.update(dict.fromkeys(self.open))
        self.open.clear()
        for batch_id in list(islice(self.stale, max(0, len(self.stale) - STALE_LIMIT))):
            del self.stale[batch_id]

    def behind(self, entries: Sequence[Entry]) -> tuple[Entry | None, int | None]:
        """
        Tell where the position would be behind some handled messages.

        A server that lags behind the token it was given, or repeats itself, may send older batches. They are
        handled (at least once), but the position does not go back to them.

        Args:
            entries: The messages, in order.

        Returns:
            The one whose token it would have (`None`: it stays), and its block.
        """
        last, block = None, self.block
        for entry in entries:
            if entry.block is None:
                last, block = entry, None if entry.goes_back else block
            elif entry.goes_back or block is None or entry.block >= block:
                last, block = entry, entry.block
        return last, block

    def advance(self, token: str, block: int | None) -> None:
        """Move the committed position."""
        self.token = token
        self.commits += 1
        self.block = block

    def wait_for_user(self, entry: Entry) -> None:
        """Keep a delivered message until it is done and committed (manual mode)."""
        self.open[entry.batch_id] = entry
        self.stale.pop(entry.batch_id, None)

    def done(self, batch_id: str) -> None:
        """Note that a message is done (manual mode)."""
        entry = self.open.get(batch_id)
        if entry is not None:
            entry.done = True

    def done_run(self) -> list[Entry]:
        """Give the messages that can be committed now: the unbroken run of those that are done."""
        return list(takewhile(lambda entry: entry.done, self.open.values()))

    def close(self, run: Sequence[Entry]) -> None:
        """
        Let go of messages that are committed.

        Args:
            run: The messages; one that came again meanwhile, over another connection, stays open.
        """
        for entry in run:
            if self.open.get(entry.batch_id) is entry:
                del self.open[entry.batch_id]

    def is_committed(self, batch_id: str) -> bool:
        """
        Tell whether a batch may be acknowledged (manual mode).

        Args:
            batch_id: Its id. One that came over an earlier connection, and not again yet, may not.
        """
        return batch_id not in self.open and batch_id not in self.stale


class Committer:
    """Commits what is handled in one run."""

    def __init__(
        self, session: Session, progress: Progress, acks: AckBuffer, dedupe: Deduplicator | None
    ) -> None:
        self.progress = progress
        self._session = session
        self._acknowledge = acks.add
        self._dedupe = dedupe
        self._unsaved: list[Entry] = []
        self._saved_at = session.clock()
        self._finishing = False

    @property
    def has_unsaved(self) -> bool:
        """Whether handled messages wait for their position to be stored."""
        return bool(self._unsaved)

    def leave_to_user(self, entry: Entry) -> None:
        """Have a message wait until the user says that it is done (manual mode)."""
        entry.by_user = True
        self.progress.wait_for_user(entry)

    def commit(self, entry: Entry, *, given_up: bool = False) -> Steps[None]:
        """
        Commit a handled message, or leave that to the user who acknowledges it (manual mode).

        Args:
            entry: The message; one without an id is committed and not acknowledged.
            given_up: Whether it only counts as handled: of such a one the user can't say that it is done.
        """
        if entry.by_user and not given_up:
            return
        entry.by_user = False
        settings = self._session.settings
        if not settings.auto_acknowledge:
            # It takes its place behind those that wait for the user.
            self.progress.wait_for_user(entry)
            yield from self.finish([entry.batch_id])
            return
        if not settings.has_store:
            last, block = self.progress.behind([entry])
            if last is not None:
                self.progress.advance(last.resume_token, block)
            self._after_commit(entry)
            return
        self._unsaved.append(entry)
        if self.until_save() <= 0:
            yield from self.save()

    def commit_plain(self, batch_id: str, resume_token: str, block: int) -> None:
        """
        Commit a handled batch as `commit` does where there is no store, no user to wait for and no doubt.

        Args:
            batch_id: Its id.
            resume_token: The token behind it.
            block: The last block it covers, which doesn't lie before the committed one.
        """
        progress = self.progress
        progress.token = resume_token
        progress.block = block
        progress.commits += 1
        self._acknowledge(batch_id)

    def until_save(self) -> float:
        """
        Tell when the position is to be stored while messages come.

        Returns:
            Seconds from now; 0 or less: it is due.
        """
        settings = self._session.settings
        if len(self._unsaved) >= settings.checkpoint_batches:
            return 0.0
        return settings.checkpoint_interval - (self._session.clock() - self._saved_at)

    def save(self) -> Steps[None]:
        """
        Store the position behind all handled messages, then let them be acknowledged.

        The run is concluded where the position can't be stored.
        """
        entries, self._unsaved = self._unsaved, []
        if (yield from self._store(entries, hearing=True)):
            for entry in entries:
                self._after_commit(entry)

    def finish(self, batch_ids: Sequence[str]) -> Steps[list[str] | None]:
        """
        Commit what is done, in manual mode: the unbroken run of delivered messages that are.

        A message behind one that is still open, or is just being committed by somebody else, waits; when it
        is committed the acknowledge lane sends its id.

        Returns:
            Those of the ids that are to be acknowledged now; `None` where the position could not be stored.
        """
        progress = self.progress
        for batch_id in batch_ids:
            progress.done(batch_id)
        if not self._finishing:
            # One at a time, else an earlier message's position might be stored behind that of a later one.
            self._finishing = True
            try:
                while run := progress.done_run():
                    if not (yield from self._store(run)):
                        return None
                    progress.close(run)
                    self._session.effects.wake(Lane.DELIVER)
                    for entry in run:
                        entry.by_user = entry.by_user and entry.batch_id in batch_ids
                        self._after_commit(entry)
            finally:
                self._finishing = False
        return [batch_id for batch_id in batch_ids if progress.is_committed(batch_id)]

    def _after_commit(self, entry: Entry) -> None:
        """Do what may be done only when a message is committed: remember its events, acknowledge it."""
        if entry.keys and self._dedupe is not None:
            self._dedupe.mark(entry.keys)
        if entry.batch_id and not entry.by_user:
            self._acknowledge(entry.batch_id)

    def _store(self, entries: Sequence[Entry], *, hearing: bool = False) -> Steps[bool]:
        """Move the committed position behind some messages, durably where there is a store."""
        session, progress, lock = self._session, self.progress, self.progress.write_lock
        while lock.taken:
            yield Wait(WRITE_LOCK_POLL_SECONDS)
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
            lock.taken = True
            try:
                outcome = yield from ask_store(session, partial(save_checkpoint, checkpoint), hearing=hearing)
            finally:
                lock.taken = False
            if isinstance(outcome, Failed):
                lost = isinstance(outcome.error, LeaseLostError)
                session.conclude(EndReason.LEASE_LOST if lost else EndReason.CHECKPOINT_FAILED, outcome.error)
                return False
            self._saved_at = session.clock()
        progress.advance(last.resume_token, block)
        return True
