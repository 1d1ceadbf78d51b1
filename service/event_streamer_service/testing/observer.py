"""The observer of tests: keeps a journal, and lets faults strike."""

from __future__ import annotations

from starlette.types import ASGIApp

from event_streamer_service.clock import Clock, isoformat
from event_streamer_service.errors import error_body
from event_streamer_service.observer import Observer
from event_streamer_service.responses import json_response
from event_streamer_service.testing.damage import Damage
from event_streamer_service.testing.faults import Faults
from event_streamer_service.testing.journal import Journal


class TestObserver(Observer):
    """
    Writes down what happens, and lets it go wrong where a test has asked for that.

    Args:
        clock: Gives the entries their time.
        faults: The faults that wait.
    """

    __test__ = False  # pytest takes classes of this name for tests

    def __init__(self, clock: Clock, faults: Faults | None = None) -> None:
        self.faults = faults if faults is not None else Faults()
        self.journal = Journal(clock)
        self._clock = clock

    def note(
        self,
        kind: str,
        /,
        *,
        subscription_id: int | None = None,
        connection_id: str | None = None,
        **detail: object,
    ) -> None:
        """Write it into the journal."""
        self.journal.add(kind, subscription_id=subscription_id, connection_id=connection_id, **detail)

    def on_request(self, path: str) -> ASGIApp | None:
        """Answer with the status that a fault names."""
        fault = None if path.startswith("/admin/") else self.faults.on_request(path)
        if fault is None:
            return None
        body = error_body(
            fault.status,
            "Injected fault",
            f"A test asked for status {fault.status}.",
            "INJECTED_FAULT",
            timestamp=isoformat(self._clock.time()),
            request_id=None,
        )
        headers = {} if fault.retry_after is None else {"retry-after": fault.retry_after}
        return json_response(body, fault.status, headers=headers)

    def on_token(self, subscription_id: int) -> bool:
        """Tell whether a fault lets the token expire."""
        return self.faults.on_token(subscription_id)

    def on_batch(self, subscription_id: int) -> Damage | None:
        """Return the faults that strike the batch."""
        struck = self.faults.on_batch(subscription_id)
        return Damage(struck) if struck else None

    def on_heartbeat(self, subscription_id: int) -> bool:
        """Tell whether a fault mutes the heartbeat."""
        return self.faults.on_heartbeat(subscription_id)
