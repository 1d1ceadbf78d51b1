"""
Handlers whose event a subscription doesn't deliver.

A handler for a misspelt name would never be called, and every batch would count as handled. So the
service is asked once what the subscription is for; where it doesn't tell, only a warning is left, with the
first batch that nobody hears.
"""

from __future__ import annotations

import difflib
import logging

from event_streamer_api.errors import EventStreamerValidationError

from .commands import (
    Failed,
    Steps,
    ask_for_event,
)
from .reports import EndReason
from .session import Session

logger = logging.getLogger(__name__)

TRIES = 3
"""On how many connections of a run the service is asked, where it doesn't answer."""


def names_are_due(session: Session) -> bool:
    """
    Tell whether the names of handlers are to be checked now.

    Args:
        session: The run.
    """
    connection = session.connection
    return (
        connection is not None
        and connection.epoch > session.names_asked_at
        and session.names_asked_at < TRIES
        and session.registry.has_unchecked_names
    )


def check_names(session: Session) -> Steps[None]:
    """
    Check the names that handlers are registered for; the run is concluded where nobody would hear a thing.

    A name that is not the subscription's is only warned of where another handler hears the events: a program
    may register the same handlers for each of its subscriptions.

    Args:
        session: The run.
    """
    registry = session.registry
    assert session.connection is not None
    session.names_asked_at = session.connection.epoch
    if registry.event_name is None:
        outcome = yield from ask_for_event()
        if isinstance(outcome, Failed):
            told = outcome.error
            logger.debug("subscription %s: its event is not known: %s", session.subscription_id, told)
            if isinstance(getattr(told, "status_code", None), int):
                session.names_asked_at = TRIES  # it has answered, and would do so again
            return
        registry.event_name = outcome
    wrong = registry.take_unchecked_names() - {registry.event_name}
    if not wrong:
        return
    name = registry.event_name
    near = difflib.get_close_matches(name, wrong, 1)
    hint = f" (is {near[0]!r} a typo?)" if near else ""
    problem = (
        f"subscription {session.subscription_id} is for the event {name!r}: a handler of "
        f"{', '.join(map(repr, sorted(wrong)))} will never be called{hint}"
    )
    if registry.hears(name) or session.iterating:
        logger.warning("%s", problem)
    else:
        session.conclude(EndReason.REFUSED, EventStreamerValidationError(problem))
