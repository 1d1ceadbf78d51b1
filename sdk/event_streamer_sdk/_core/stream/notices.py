"""What handlers are told besides batches: errors, gaps and statuses wait here for the deliver lane."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from event_streamer_api.models import StreamingError

from .commands import Call, Lane, Steps, call
from .handlers import HandlerRegistry
from .link import Link, Waker
from .messages import Control
from .reports import Counters, Gap, Status

logger = logging.getLogger(__name__)

Notice = Control | Gap | Status | Mapping[str, Any]
"""What the handlers of one of `handlers.NOTICES` get."""


class Notices:
    """Notices that wait for their handlers."""

    def __init__(
        self,
        registry: HandlerRegistry,
        counters: Counters,
        effects: Waker,
        link: Link,
        subscription_id: int,
        utc_now: Callable[[], datetime],
        timeout: float | None,
    ) -> None:
        self._registry = registry
        self._counters = counters
        self._effects = effects
        self._link = link
        self._subscription_id = subscription_id
        self._utc_now = utc_now
        self._timeout = timeout
        self.waiting: deque[tuple[str, Notice]] = deque()
        """Those whose handlers are still to be called: a kind of `handlers.NOTICES`, and what they get."""

    def tell(self, kind: str, notice: Notice) -> None:
        """Have the deliver lane call the handlers of a notice, between two batches."""
        if self._registry.notice(kind):
            self.waiting.append((kind, notice))
            self._effects.wake(Lane.DELIVER)

    def tell_error(self, code: str, message: str, *, recoverable: bool = True) -> None:
        """Tell `on_error` of a trouble that the client found itself."""
        connection = self._link.connection
        self.tell(
            "error",
            StreamingError(
                connection_id=connection.id if connection else None,
                subscription_id=self._subscription_id,
                error_code=code,
                error_message=message,
                timestamp=self._utc_now(),
                recoverable=recoverable,
            ),
        )

    def call_waiting(self) -> Steps[None]:
        """Call the handlers of all notices that wait: in the deliver lane, between two batches."""
        while self.waiting:
            kind, notice = self.waiting.popleft()
            yield from self.call_now(kind, notice)

    def call_now(self, kind: str, notice: Notice) -> Steps[None]:
        """Call the handlers of a notice. One that raises is logged: there is no batch to send again."""
        for handler in self._registry.notice(kind):
            outcome = yield from call(Call(handler, notice, self._timeout))
            if outcome is not None:
                self._counters.add("handler_errors")
                logger.error(
                    "subscription %s: a handler of on_%s raised",
                    self._subscription_id,
                    kind,
                    exc_info=outcome,
                )
