"""The body of an answer to a call: bounded as it comes, and when it is inflated."""

from __future__ import annotations

import zlib

from event_streamer_api.errors import EventStreamerValidationError

from ..inflate import Inflater


class BodyError(Exception):
    """
    A body that can't be read.

    Attributes:
        hopeless: Whether the next answer would be no better.
    """

    def __init__(self, problem: str, *, hopeless: bool) -> None:
        super().__init__(problem)
        self.hopeless = hopeless


class Body:
    """
    Collects a body.

    Args:
        limit: Most bytes that are taken, both as they come and inflated.
    """

    __slots__ = ("_limit", "_parts", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        """Take a part of the body."""
        self._size += len(part)
        if self._size > self._limit:
            self._parts.clear()
            raise BodyError(
                f"the answer is larger than max_response_bytes={self._limit}; "
                "raise that option if you expect more",
                hopeless=True,
            )
        self._parts.append(part)

    def content(self, encoding: str | None = None) -> bytes:
        """
        Give out the whole.

        Raises:
            BodyError: It is damaged, too large when inflated, or compressed in a way that nobody asked for.
        """
        whole = b"".join(self._parts)
        if not whole or encoding is None or encoding.strip().lower() in {"", "identity"}:
            return whole
        inflated = Body(self._limit)
        try:
            for piece in Inflater(encoding).feed(whole):
                inflated.add(piece)
        except EventStreamerValidationError as error:
            raise BodyError(str(error), hopeless=True) from None
        except zlib.error as error:
            raise BodyError(f"the compressed answer is damaged: {error}", hopeless=False) from None
        return inflated.content()
