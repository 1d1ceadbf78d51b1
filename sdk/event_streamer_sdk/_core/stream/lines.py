"""
Bytes → blocks of whole lines.

A service may write a line a chunk or a thousand, and the network cuts where it likes. Whole lines stay
together: one block is all that a chunk completed, a span of it and no copy, with the place where each line
ends, which is looked for once. Only a line feed ends a line (a JSON string may hold
U+2028). Parts of a line are kept and joined once: joining rest and chunk each time would be quadratic.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

KEPT_OF_A_LONG_LINE = 4096
"""Bytes of a line over the limit that are kept, to say in a dead letter what it was."""


@frozen
class Block:
    """
    Whole lines that arrived together.

    Attributes:
        data: What the lines lie in.
        start: Where the first one begins.
        ends: Where each one ends, behind its line feed.
    """

    data: bytes
    start: int
    ends: Sequence[int]

    @property
    def lines(self) -> int:
        """How many lines."""
        return len(self.ends)

    @property
    def size(self) -> int:
        """Bytes of all lines together."""
        return self.ends[-1] - self.start


def whole_line(line: bytes) -> Block:
    """Make a block of one line."""
    return Block(line + b"\n", 0, (len(line) + 1,))


@frozen
class LongLine:
    """
    A line over the size limit, which was thrown away as it came.

    Attributes:
        head: Its first bytes.
        limit: The limit that it broke, bytes.
    """

    head: bytes
    limit: int


class LineBuffer:
    """
    Cuts a byte stream into blocks of whole lines; memory is bounded by the limit on one line.

    Args:
        max_line_bytes: Longest line that is kept, bytes without its line feed.
    """

    def __init__(self, max_line_bytes: int) -> None:
        self._limit = max_line_bytes
        # No more than the limit: so much of a long line has come wherever the stream was cut.
        self._kept = min(KEPT_OF_A_LONG_LINE, max_line_bytes)
        self._parts: list[bytes] = []
        self._size = 0
        self._head_of_long: bytes | None = None

    @property
    def pending(self) -> int:
        """Bytes of the line that has begun and not ended yet (thrown-away ones count)."""
        return self._size

    def feed(self, chunk: bytes) -> list[Block | LongLine]:
        """
        Take bytes in, give out what they completed.

        Args:
            chunk: Bytes as they came.

        Returns:
            Blocks and over-long lines in the order of the stream; empty where no line ended.
        """
        end = chunk.rfind(b"\n") + 1
        if not end:
            return self._keep(chunk)
        out: list[Block | LongLine] = []
        start = 0
        if self._head_of_long is not None:
            # The rest of a line that was too long, up to its end; it has been reported already.
            start = chunk.index(b"\n") + 1
            self._head_of_long = None
        elif self._parts:
            start = chunk.index(b"\n") + 1
            if self._size + start - 1 > self._limit:
                out.append(self._long(chunk[:start]))
            else:
                self._parts.append(chunk[:start])
                line = b"".join(self._parts)
                out.append(Block(line, 0, (len(line),)))
        self._parts.clear()
        self._size = 0
        if start < end:
            out.extend(self._blocks(chunk, start, end))
        if end < len(chunk):
            out.extend(self._keep(chunk[end:]))
        return out

    def finish(self) -> bytes:
        """
        Give out what came after the last line feed, at the end of the stream.

        Returns:
            The unfinished line, empty where there is none.
        """
        rest = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        self._head_of_long = None
        return rest

    def _keep(self, part: bytes) -> list[Block | LongLine]:
        self._size += len(part)
        if self._head_of_long is not None:
            return []
        if self._size > self._limit:
            long = self._long(part)
            self._head_of_long = long.head
            return [long]
        self._parts.append(part)
        return []

    def _long(self, part: bytes) -> LongLine:
        head = b"".join(self._parts)[: self._kept]
        self._parts.clear()
        return LongLine((head + part)[: self._kept], self._limit)

    def _blocks(self, chunk: bytes, start: int, end: int) -> list[Block | LongLine]:
        if end - start <= self._limit:
            return [Block(chunk, start, _ends(chunk, start, end))]
        # Rare: a block larger than one line may be. Look at each line, for one may be too long.
        out: list[Block | LongLine] = []
        for behind in _ends(chunk, start, end):
            if behind - 1 - start > self._limit:
                out.append(LongLine(chunk[start : start + self._kept], self._limit))
            else:
                out.append(Block(chunk, start, (behind,)))
            start = behind
        return out


def _ends(chunk: bytes, start: int, end: int) -> list[int]:
    """Find where lines end, behind their line feeds."""
    find, ends = chunk.index, []
    while start < end:
        start = find(b"\n", start) + 1
        ends.append(start)
    return ends
