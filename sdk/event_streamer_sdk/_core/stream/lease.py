"""The lease on a subscription that several workers share: taken by the read lane, kept by the watch lane."""

from __future__ import annotations

import logging

from event_streamer_sdk.exceptions import LeaseLostError

from .commands import Failed, Lane, ReleaseLease, Steps, acquire_lease, renew_lease
from .reports import EndReason, Status, StatusKind
from .session import Session
from .storing import ask_store

logger = logging.getLogger(__name__)

STANDBY_SECONDS = 2.0
"""How often a worker in standby asks for the lease, seconds."""


class RunLease:
    """The lease of one run; a store without leases never gives one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.held = False

    def take(self, *, patient: bool) -> Steps[None]:
        """
        Take the lease, waiting while another worker has it; the run is concluded where the store fails.

        A store that is away is waited for only if `patient`.
        """
        session = self._session
        waiting = False
        while not session.over:
            outcome = yield from ask_store(session, acquire_lease, patient=patient)
            if isinstance(outcome, Failed):
                session.conclude(EndReason.CHECKPOINT_FAILED, outcome.error)
                return
            if outcome:
                self.held = True
                session.effects.wake(Lane.WATCH)
                return
            if not waiting:
                waiting = True
                logger.info("subscription %s: another worker has the lease", session.subscription_id)
                standby = Status(kind=StatusKind.STANDBY, reason="another worker has the lease")
                session.notices.tell("status", standby)
            yield from session.rest(STANDBY_SECONDS)

    def renew(self) -> Steps[None]:
        """Prolong the lease; the run is concluded where somebody else has it."""
        session = self._session
        outcome = yield from renew_lease()
        if isinstance(outcome, Failed):
            logger.warning("subscription %s: %s", session.subscription_id, outcome.error)
            if isinstance(outcome.error, LeaseLostError):
                session.conclude(EndReason.LEASE_LOST, outcome.error)

    def give_back(self) -> Steps[None]:
        """Give the lease back, where it is ours."""
        if self.held:
            self.held = False
            yield ReleaseLease()
