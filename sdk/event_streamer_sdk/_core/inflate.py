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

MIN_WINDOW = 256
MAX_WINDOW = 64 * 1024
"""
How much compressed data zlib is given at once, bytes.

It copies what it has not used each time it stops: at the end of a gzip member, and at a full piece. Given
everything, a body of many tiny members, or one that inflates a thousandfold, takes quadratic time.
"""


MAX_CODINGS = 4
"""More than one layer of compression is an accident, more than a few are an attack."""


class Inflater:
    """
    Undoes a `Content-Encoding` of `gzip` or `deflate`, or several of them.

    Args:
        encoding: The header's value; the last coding was applied last (RFC 9110, section 8.4).

    Raises:
        EventStreamerValidationError: An encoding that we didn't ask for and can't undo.
    """

    def __init__(self, encoding: str) -> None:
        names = [name for name in (part.strip().lower() for part in encoding.split(",")) if name]
        names = [name for name in names if name != "identity"]
        if not {"gzip", "x-gzip", "deflate"}.issuperset(names) or len(names) > MAX_CODINGS:
            raise EventStreamerValidationError(
                f"The answer came with Content-Encoding {encoding!r}, which was not asked for. "
                "Turn compression off in the service or the proxy before it, or use gzip."
            )
        self._layers = [_Layer() for _ in names]

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """
        Inflate a chunk.

        Returns:
            Pieces of at most `PIECE` bytes.

        Raises:
            zlib.error: The data is damaged.
        """
        pieces: Iterator[bytes] = iter((chunk,))
        for layer in self._layers:
            pieces = layer.feed(pieces)
        return pieces


class _Layer:
    """One layer of compression."""

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        # 32 added to the window size: zlib tells gzip and zlib headers apart by itself.
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def feed(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            start, window = 0, MAX_WINDOW
            full = False
            # A full piece may have left output inside zlib although all input is used up: ask once more.
            while start < len(chunk) or full:
                given = chunk[start : start + window]
                piece = self._stream.decompress(given, PIECE)
                full = len(piece) == PIECE
                if piece:
                    yield piece
                if self._stream.eof:
                    # A gzip stream may have several members, each with a header of its own.
                    start += len(given) - len(self._stream.unused_data)
                    window = MIN_WINDOW
                    self._renew()
                else:
                    start += len(given) - len(self._stream.unconsumed_tail)
                    window = min(2 * window, MAX_WINDOW)
