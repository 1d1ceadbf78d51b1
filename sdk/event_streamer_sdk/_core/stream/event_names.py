"""
Streams that nobody hears: without a handler for events, or with handlers of another event.

A handler for a misspelt name would never be called, and every batch would count as handled. So the
service is asked once what the subscription is for; where it doesn't tell, only a warning is left, with the
first batch that nobody hears.
"""

from __future__ import annotations

import difflib
import logging

from event_streamer_api.errors import EventStreamerValidationError

from .commands import Failed, Steps, ask_for_subscription
from .reports import EndReason
from .session import Session

logger = logging.getLogger(__name__)

TRIES = 3
"""On how many connections of a run the service is asked, where it doesn't answer."""


def without_handler(subscription_id: int) -> EventStreamerValidationError:
    """Say that a stream has no handler for events at all: they would be acknowledged, and be lost."""
    return EventStreamerValidationError(
        f"subscription {subscription_id} has no handler for its events, so they would be acknowledged "
        "unseen: register one with on_event() or on_all_events() before the start, or loop over the stream"
    )


class EventNameCheck:
    """Checks the names that handlers are registered for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked_at = 0  # the connection on which the service was asked last

    def is_due(self) -> bool:
        """Tell whether the names of handlers are to be checked now."""
        connection = self._session.link.connection
        return (
            connection is not None
            and connection.epoch > self._asked_at
            and self._asked_at < TRIES
            and self._session.registry.has_unchecked_names
        )

    def check(self, *, iterating: bool) -> Steps[None]:
        """
        Check the names of handlers; the run is concluded where nobody would hear a thing.

        A name that is not the subscription's is only warned of where another handler hears the events: a
        program may register the same handlers for each of its subscriptions.
        """
        session, registry = self._session, self._session.registry
        self._asked_at = session.link.epoch
        if registry.event_name is None:
            outcome = yield from ask_for_subscription()
            if isinstance(outcome, Failed):
                told = outcome.error
                logger.debug("subscription %s: its event is not known: %s", session.subscription_id, told)
                if isinstance(getattr(told, "status_code", None), int):
                    self._asked_at = TRIES  # it has answered, and would do so again
                return
            registry.learn_event_name(outcome.event_name)
        name = registry.event_name
        assert name is not None
        wrong = registry.take_unchecked_names() - {name}
        if not wrong:
            return
        near = difflib.get_close_matches(name, wrong, 1)
        hint = f" (is {near[0]!r} a typo?)" if near else ""
        problem = (
            f"subscription {session.subscription_id} is for the event {name!r}: a handler of "
            f"{', '.join(map(repr, sorted(wrong)))} will never be called{hint}"
        )
        if registry.hears(name) or iterating:
            logger.warning("%s", problem)
        else:
            session.conclude(EndReason.REFUSED, EventStreamerValidationError(problem))
