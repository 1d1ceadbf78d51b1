"""Rows and position in one transaction: the handler writes the token itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

from event_streamer_api.errors import EventStreamerValidationError

from .._core.stream.checkpoint import Checkpoint
from .._runs.responses import is_coroutine_function


class HandlerCheckpoint:
    """
    Leaves writing the position to your handler, which does it in the transaction of its rows.

    Then rows and position can't come apart: after a crash the stream goes on behind the last transaction that
    was committed, and nothing is written twice. The handler finds the token in
    `streaming_client.current_batch.resume_token`.

    Args:
        load: Reads the token that your handler wrote, `None` where there is none yet; with the asyncio client
            it may be a coroutine function. The blocking client calls it in a thread of its own, before any
            handler runs: a connection that both use must bear that (sqlite3 does with
            `check_same_thread=False`).

    Example:
        >>> db = sqlite3.connect("transfers.sqlite3", check_same_thread=False)
        >>> checkpoint = HandlerCheckpoint(lambda: db.execute("SELECT token FROM position").fetchone()[0])
        >>> streaming_client = client.create_streaming_client(subscription_id, checkpoint=checkpoint)
        >>> @streaming_client.on_event("Transfer")
        ... def handle(events):
        ...     with db:  # one transaction
        ...         db.executemany("INSERT INTO transfers VALUES (?, ?)", rows(events))
        ...         db.execute("UPDATE position SET token = ?", [streaming_client.current_batch.resume_token])
    """

    blocking = False

    def __init__(self, load: Callable[[], str | None] | Callable[[], Awaitable[str | None]]) -> None:
        self._load = load
        self.asynchronous: bool = is_coroutine_function(load)

    def load(self, key: str) -> Any:  # noqa: ARG002 - the protocol of a store
        """
        Ask for the token that the handler wrote.

        Args:
            key: Not needed: the function knows where to look.

        Returns:
            The position, `None` where there is none yet; an awaitable of it where `load` is a coroutine
            function.
        """
        try:
            token = self._load()
        except Exception as error:
            if type(error).__name__ == "ProgrammingError" and "thread" in str(error):
                error.add_note(
                    "load is called in another thread than the handlers: open the connection with "
                    "check_same_thread=False, or open another one in load."
                )
            raise
        return _position_later(token) if isawaitable(token) else _position(token)

    def save(self, key: str, checkpoint: Checkpoint) -> None:
        """
        Do nothing: the handler has done it.

        Args:
            key: Not needed.
            checkpoint: Not needed.
        """

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


def _position(token: object) -> Checkpoint | None:
    if token is not None and not isinstance(token, str):
        raise EventStreamerValidationError(
            f"load of HandlerCheckpoint must return a token or None, not {type(token).__name__}"
        )
    return Checkpoint(resume_token=token) if token else None


async def _position_later(token: Awaitable[object]) -> Checkpoint | None:
    return _position(await token)
