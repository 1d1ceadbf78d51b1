"""
Compressed streams, undone a bounded piece at a time.

We ask for `identity`, but a proxy may compress all the same. HTTP libraries inflate a chunk in one go, so
64 KiB off the wire can become 64 MiB in memory; here no piece is larger than `PIECE`, and the reader can
stop between two of them when the queue is full.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from event_streamer_api.errors import EventStreamerValidationError

PIECE = 256 * 1024
"""Largest piece of inflated bytes that is given out at once, bytes."""


class Inflater:
    """
    Undoes a `Content-Encoding` of `gzip` or `deflate`.

    Args:
        encoding: The header's value.

    Raises:
        EventStreamerValidationError: An encoding that we didn't ask for and can't undo.
    """

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in {"gzip", "x-gzip", "deflate"}:
            raise EventStreamerValidationError(
                f"The answer came with Content-Encoding {encoding!r}, which was not asked for. "
                "Turn compression off in the service or the proxy before it, or use gzip."
            )
        # 32 added to the window size: zlib tells gzip and zlib headers apart by itself.
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """
        Inflate a chunk.

        Args:
            chunk: Compressed bytes.

        Yields:
            Pieces of at most `PIECE` bytes.

        Raises:
            zlib.error: The data is damaged.
        """
        rest = chunk
        full = False
        # A full piece may have left output inside zlib although all input is used up: ask once more.
        while rest or full:
            piece = self._stream.decompress(rest, PIECE)
            full = len(piece) == PIECE
            if piece:
                yield piece
            if self._stream.eof:
                # A gzip stream may have several members, each with a header of its own.
                rest = self._stream.unused_data
                self._stream = zlib.decompressobj(zlib.MAX_WBITS | 32)
            else:
                rest = self._stream.unconsumed_tail
