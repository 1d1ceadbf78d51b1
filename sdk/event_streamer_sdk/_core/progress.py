"""
How far a subscription has come: what is committed, and what is handled but not committed yet.

`received` and `committed` are two things. The committed token is the end of the unbroken run of handled
batches, so a token that a user saves can never skip one.
"""

from __future__ import annotations

from .checkpoint import Checkpoint


class Entry:
    """What committing and acknowledging a message needs, without its events."""

    __slots__ = ("batch_id", "block", "chain_id", "done", "resume_token")

    def __init__(self, batch_id: str, resume_token: str, block: int | None, chain_id: int | None) -> None:
        self.batch_id = batch_id
        self.resume_token = resume_token
        self.block = block
        self.chain_id = chain_id
        self.done = False


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
        self.open: dict[str, Entry] = {}
        self.stale: frozenset[str] = frozenset()
        self._replaying = False

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
        self.open.clear()
        self._replaying = False

    def connected(self) -> None:
        """Note that a connection was opened from the committed position."""
        self.stale = frozenset(self.open)
        self.open.clear()
        self._replaying = self.token is not None and self.block is not None

    def reorganised(self, common_ancestor: int) -> None:
        """
        Note that blocks were removed, so that lower block numbers are right again.

        Args:
            common_ancestor: The newest block that stays.
        """
        self._replaying = False
        if self.block is not None and self.block > common_ancestor:
            self.block = common_ancestor

    def reaches(self, block: int | None) -> bool:
        """
        Tell whether a handled message lies at or behind the committed position.

        A server that lags behind the token it was given may send older batches first. They are handled
        (at least once), but the position does not go back to them.

        Args:
            block: The last block that the message covers.

        Returns:
            Whether its token may become the committed one.
        """
        if self._replaying:
            if block is not None and self.block is not None and block < self.block:
                return False
            self._replaying = False
        return True

    def advance(self, token: str, block: int | None) -> None:
        """
        Move the committed position behind a handled message that `reaches` it.

        Args:
            token: The message's token.
            block: The last block it covers.
        """
        self.token = token
        self.commits += 1
        if block is not None:
            self.block = block

    def wait_for_user(self, entry: Entry) -> None:
        """
        Keep a delivered message until the user acknowledges it.

        Args:
            entry: The message.
        """
        self.open[entry.batch_id] = entry

    def user_acknowledged(self, batch_id: str) -> list[Entry]:
        """
        Take the user's word that a batch is done.

        Args:
            batch_id: Its id.

        Returns:
            The messages that can be committed now: the unbroken run of those that are done.
        """
        entry = self.open.get(batch_id)
        if entry is None:
            return []
        entry.done = True
        run = []
        for first in self.open.values():
            if not first.done:
                break
            run.append(first)
        for first in run:
            del self.open[first.batch_id]
        return run
