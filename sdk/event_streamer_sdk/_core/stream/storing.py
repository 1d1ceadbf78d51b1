"""What is asked of a store, and how long one that is away is waited for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from ..backoff import Backoff, Reconnect
from .commands import Failed, Steps
from .failures import store_may_come_back
from .session import Session

logger = logging.getLogger(__name__)

T = TypeVar("T")

TRIES_WITHOUT_RECONNECT = 3
"""How often a store is asked where `reconnect=False` ends a run with the first loss of its connection."""


def ask_store(
    session: Session,
    request: Callable[[], Steps[T | Failed]],
    *,
    code: str = "CHECKPOINT_UNAVAILABLE",
    hearing: bool = False,
    patient: bool = True,
) -> Steps[T | Failed]:
    """
    Have a store do something; one that is away is waited for, with the back-off of the `reconnect` policy.

    Args:
        session: The run.
        request: What it is to do, such as `load_checkpoint`.
        code: What `on_error` is told where it is waited for.
        hearing: Whether this is the deliver lane, which calls the handlers of notices while it waits.
        patient: Whether to wait at all.

    Returns:
        The outcome; `Failed` where trying again would not help, the policy allows no further try, or the run
        is over.
    """
    policy = session.settings.reconnect or Reconnect(attempts=TRIES_WITHOUT_RECONNECT)
    backoff = Backoff(policy, session.random)
    while True:
        outcome = yield from request()
        if not isinstance(outcome, Failed):
            return outcome
        delay = backoff.next_delay()
        if not patient or session.over or backoff.exhausted or not store_may_come_back(outcome.error):
            return outcome
        problem = str(outcome.error) or type(outcome.error).__name__
        logger.warning("subscription %s: %s; next try in %.1f s", session.subscription_id, problem, delay)
        if backoff.failures == 1:
            session.notices.tell_error(code, f"{problem}; still trying")
        yield from session.rest(delay, hearing=hearing)
