"""What a feed holds until it is written: pieces of the stream, in their order, and notices between them."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from event_streamer_api.models import StreamingReorg

__all__ = ["Piece", "begins", "block_of", "join", "token_of"]


@frozen
class Piece:
    """Events that wait to be written, and the token behind them."""

    events: Sequence[Mapping[str, Any]]
    prepared: tuple[Any, ...]
    size: int
    token: str
    first_block: int | None
    last_block: int | None


def token_of(each: Piece | StreamingReorg) -> str:
    """Give the position behind it."""
    return each.resume_token if isinstance(each, StreamingReorg) else each.token


def block_of(each: Piece | StreamingReorg) -> int:
    """Give the block that it ends with."""
    return each.common_ancestor if isinstance(each, StreamingReorg) else each.last_block or 0


def join(pieces: list[Piece]) -> Piece:
    """Make one of neighbours that are not prepared yet, or whose prepared parts the caller has."""
    if len(pieces) == 1:
        return pieces[0]
    firsts = [piece.first_block for piece in pieces if piece.first_block is not None]
    lasts = [piece.last_block for piece in pieces if piece.last_block is not None]
    return Piece(
        events=[event for piece in pieces for event in piece.events],
        prepared=(),
        size=sum(piece.size for piece in pieces),
        token=pieces[-1].token,
        first_block=min(firsts, default=None),
        last_block=max(lasts, default=None),
    )


def begins(sent: Sequence[Any], due: Sequence[Any]) -> bool:
    """Say whether what was sent early is what the rows that are due begin with: the very same objects."""
    return len(sent) <= len(due) and all(map(operator.is_, sent, due))
