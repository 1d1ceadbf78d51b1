"""What a run gets of its client: all of it, so that it need not know the client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from event_streamer_api.types import Operation

from .._core.stream.checkpoint import CheckpointStore, DeadLetters
from .._core.stream.commands import Acknowledge, SendHeartbeat
from .._core.stream.reports import Report


@frozen(kw_only=True)
class RunContext:
    """
    What a run needs to carry out the core's commands.

    Attributes:
        open_stream: Opens the stream; gets a resume token, and gives the open response.
        send: Sends a call; gets the call and the seconds it may take.
        acknowledgement: Makes the call that acknowledges batches.
        heartbeat: Makes the call that says that this client lives.
        subscription: Makes the call that asks what the subscription is for.
        store: Where positions are kept, where there is such a place.
        claims: Whether the store is claimed when the position is read, so that no other process may use it.
        key: The position's name there.
        dead_letters: Where dead letters go, where there is such a place.
        ended: Is told how the run went, when it is over.
    """

    open_stream: Callable[[str | None], Any]
    send: Callable[[Operation[Any], float | None], Any]
    acknowledgement: Callable[[Acknowledge], Operation[Any]]
    heartbeat: Callable[[SendHeartbeat], Operation[Any]]
    subscription: Callable[[], Operation[Any]]
    store: CheckpointStore | None
    claims: bool
    key: str
    dead_letters: DeadLetters | None
    ended: Callable[[Any, Report], None]
