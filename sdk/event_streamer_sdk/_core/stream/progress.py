"""
How far a subscription has come: what is committed, and what is handled but not committed yet.

`received` and `committed` are two things. The committed token is the end of the unbroken run of handled
batches, so a token that a user saves can never skip one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, takewhile

from .checkpoint import Checkpoint
from .dedupe import Key

STALE_LIMIT = 100_000
"""Most batches of earlier connections that are remembered; beyond it the oldest is forgotten."""


class Entry:
    """
    What committing and acknowledging a message needs, without its events.

    Attributes:
        batch_id: What is acknowledged; empty for a message that is committed only.
        resume_token: The token behind it.
        block: The last block it covers.
        chain_id: That block's chain.
        keys: Its events, as de-duplication remembers them once it is committed.
        done: Whether it is handled, and (manual mode) the user has said so.
        by_user: Whether the user acknowledges it.
        goes_back: Whether the position may go back to `block`, since a reorganisation took blocks away; where
            that is `None` nobody knows how far, and the next message may begin anywhere.
    """

    __slots__ = ("batch_id", "block", "by_user", "chain_id", "done", "goes_back", "keys", "resume_token")

    def __init__(
        self, batch_id: str, resume_token: str, block: int | None, chain_id: int | None = None
    ) -> None:
        self.batch_id = batch_id
        self.resume_token = resume_token
        self.block = block
        self.chain_id = chain_id
        self.keys: list[Key] | None = None
        self.done = False
        self.by_user = False
        self.goes_back = False


class Pen:
    """
    What positions are written down with: one through all runs of a client.

    Attributes:
        taken: Whether somebody writes with it. A second write at once might be done before the first.
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
        self.pen = Pen()
        self._chosen = False
        self.open: dict[str, Entry] = {}
        self.stale: dict[str, None] = {}

    def elsewhere(self, resume_token: str) -> Progress:
        """
        Make a position of the user's choice, for the next run: this one may still end behind a handler.

        Args:
            resume_token: Where to begin.

        Returns:
            The position. It knows what was delivered and not committed here.
        """
        chosen = Progress(resume_token)
        chosen._chosen = True
        chosen.pen = self.pen
        chosen.stale = {**self.stale, **dict.fromkeys(self.open)}
        return chosen

    @property
    def is_chosen(self) -> bool:
        """Whether it is where the user wants to be, and so comes before a stored one; until a commit."""
        return self._chosen and not self.commits

    def restore(self, checkpoint: Checkpoint) -> None:
        """
        Take over a stored position.

        Args:
            checkpoint: What the store held.
        """
        self.token = checkpoint.resume_token
        self.block = checkpoint.block

    def restart(self, token: str | None) -> None:
        """
        Give up the position, for its token is no longer good.

        Args:
            token: Where to go on instead.
        """
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
        """
        Move the committed position.

        Args:
            token: The token of the message that it is behind now.
            block: The last block that is covered; `None` where that isn't known.
        """
        self.token = token
        self.commits += 1
        self.block = block

    def wait_for_user(self, entry: Entry) -> None:
        """
        Keep a delivered message until it is done and committed (manual mode).

        Args:
            entry: The message.
        """
        self.open[entry.batch_id] = entry
        self.stale.pop(entry.batch_id, None)

    def done(self, batch_id: str) -> None:
        """
        Note that a message is done (manual mode).

        Args:
            batch_id: Its id.
        """
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
