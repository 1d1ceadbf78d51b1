"""
Bytes → blocks of whole lines.

A service may write a line a chunk or a thousand, and the network cuts where it likes. A reader that
looked at each line in Python would be the bottleneck, so whole lines stay together: one block is all
that a chunk completed, and is decoded in one call. Only a line feed ends a line (a JSON string may hold
U+2028). Parts of a line are kept and joined once: joining rest and chunk each time would be quadratic.
"""

from __future__ import annotations

from attrs import frozen

KEPT_OF_A_LONG_LINE = 4096
"""Bytes of a line over the limit that are kept, to say in a dead letter what it was."""


@frozen
class Block:
    """
    Whole lines that arrived together.

    Attributes:
        data: The lines, each ended by a line feed.
        lines: How many.
    """

    data: bytes
    lines: int


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
        last = chunk.rfind(b"\n")
        if last < 0:
            return self._keep(chunk)
        out: list[Block | LongLine] = []
        whole = chunk if last + 1 == len(chunk) else chunk[: last + 1]
        if self._head_of_long is not None:
            # The rest of a line that was too long, up to its end; it has been reported already.
            whole = whole[whole.index(b"\n") + 1 :]
            self._head_of_long = None
        elif self._parts:
            first_end = whole.index(b"\n") + 1
            if self._size + first_end - 1 > self._limit:
                out.append(self._long(whole[:first_end]))
                whole = whole[first_end:]
            else:
                self._parts.append(whole)
                whole = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        if whole:
            out.extend(self._blocks(whole))
        if last + 1 < len(chunk):
            out.extend(self._keep(chunk[last + 1 :]))
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
        head = b"".join(self._parts)[:KEPT_OF_A_LONG_LINE]
        self._parts.clear()
        return LongLine((head + part)[:KEPT_OF_A_LONG_LINE], self._limit)

    def _blocks(self, whole: bytes) -> list[Block | LongLine]:
        if len(whole) <= self._limit:
            return [Block(whole, whole.count(b"\n"))]
        # Rare: a block larger than one line may be. Look at each line, for one may be too long.
        out: list[Block | LongLine] = []
        for line in whole[:-1].split(b"\n"):
            if len(line) > self._limit:
                out.append(LongLine(line[:KEPT_OF_A_LONG_LINE], self._limit))
            else:
                out.append(Block(line + b"\n", 1))
        return out
