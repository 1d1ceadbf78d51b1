"""Which blocks were delivered, and whether the next batch goes on behind them."""

from __future__ import annotations


class Blocks:
    """Follows the block numbers of what is delivered over one connection after the other."""

    def __init__(self) -> None:
        self.seen: int | None = None
        """The highest block that was delivered, `None` where that isn't known."""
        self.doubtful = False
        """Whether a line was passed over that may have been a reorg: the next batch may begin anywhere."""

    def begin(self, block: int | None) -> None:
        """Begin anew, with a new connection."""
        self.seen = block
        self.doubtful = False

    def follow(self, first: int, last: int) -> bool:
        """
        Follow a batch.

        Returns:
            Whether it lies behind what was delivered; asking again about one that doesn't changes nothing.
        """
        seen = self.seen
        if seen is None or last > seen:
            self.seen = last
        return seen is None or first >= seen

    def go_back(self, block: int) -> None:
        """Follow a reorganisation, which leaves the blocks up to this one."""
        self.seen = block

    def doubt(self) -> None:
        """Note that a line was passed over that may have been a reorg."""
        self.doubtful = True

    def take_doubt(self) -> bool:
        """Tell whether the next batch may begin anywhere, once."""
        doubtful, self.doubtful = self.doubtful, False
        return doubtful
