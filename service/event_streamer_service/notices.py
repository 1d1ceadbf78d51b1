"""What went wrong lately, for people to look at: a short memory, newest first. Pure bookkeeping, no I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import define

from event_streamer_service.delivery.connection import Connection, Ending

_KEPT = 200
_WORTH_TELLING = {
    "reader_stalled": "The reader took nothing for too long, and its stream was cut off.",
    "key_revoked": "The API key of an open stream was revoked.",
}
"""Endings that come without a message to the client, or whose message doesn't say it to the others."""


@define
class Notice:
    """
    Something that happened, once or several times in a row.

    Attributes:
        at: Unix time of the last time.
        code: Its name for programs.
        message: One sentence.
        severity: `info`, `warning` or `error`.
        chain_id: The chain that it is about.
        subscription_id: The subscription that it is about.
        owner: Whose subscription that is; `None`: only admins are to know.
        shows_nodes: The message may name nodes.
        count: How often.
    """

    at: float
    code: str
    message: str
    severity: str
    chain_id: int | None
    subscription_id: int | None
    owner: str | None
    shows_nodes: bool
    count: int = 1

    def is_for(self, subscriber: str | None, *, shows_nodes: bool) -> bool:
        """Tell whether a caller may see it: admins (`None`) see everything."""
        if subscriber is None:
            return True
        return self.owner == subscriber and (shows_nodes or not self.shows_nodes)


class Notices:
    """
    The service's short memory of what went wrong.

    Args:
        now: Tells the Unix time.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._notices: deque[Notice] = deque(maxlen=_KEPT)

    def note(
        self,
        code: str,
        message: str,
        *,
        severity: str = "warning",
        chain_id: int | None = None,
        subscription_id: int | None = None,
        owner: str | None = None,
        shows_nodes: bool = False,
    ) -> None:
        """Keep a notice; one that says the same as the last one about the same thing is counted there."""
        for known in self._notices:
            about = known.code, known.message, known.chain_id, known.subscription_id
            if about == (code, message, chain_id, subscription_id):
                self._notices.remove(known)
                known.at, known.count = self._now(), known.count + 1
                self._notices.append(known)
                return
        self._notices.append(
            Notice(self._now(), code, message, severity, chain_id, subscription_id, owner, shows_nodes)
        )

    def of_stream(self, connection: Connection, ending: Ending) -> None:
        """Keep what a stream's client was told. Of those that only look on nothing is kept."""
        if connection.watches or ending.code is None or ending.reason == "shutdown":
            return
        subscription = connection.subscription
        self.note(
            ending.code,
            ending.message,
            severity="warning" if ending.recoverable else "error",
            chain_id=subscription.chain_id,
            subscription_id=subscription.id,
            owner=subscription.subscriber_id,
            shows_nodes=connection.shows_nodes,
        )

    def of_closing(self, connection: Connection, ending: Ending) -> None:
        """Keep why a stream ended, where its client can't be told."""
        message = _WORTH_TELLING.get(ending.reason)
        if message is None:
            return
        subscription = connection.subscription
        self.note(
            ending.reason.upper(),
            message,
            chain_id=subscription.chain_id,
            subscription_id=subscription.id,
            owner=subscription.subscriber_id,
        )

    def newest_first(self, subscriber: str | None, *, shows_nodes: bool) -> list[Notice]:
        """Return the notices that a caller may see."""
        return [each for each in reversed(self._notices) if each.is_for(subscriber, shows_nodes=shows_nodes)]
