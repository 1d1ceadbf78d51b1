"""Commands of the core that ask something of the service or of a store, for asyncio."""

from __future__ import annotations

import abc
import logging
from collections.abc import Callable
from typing import Any

from ..._core.stream import commands as do
from ..._core.stream.lanes import Lanes
from ..context import RunContext
from ..responses import failed

logger = logging.getLogger(__name__)


class AsyncCommands(abc.ABC):
    """Carries commands out. How a run connects, reads, and calls a user's functions is its own business."""

    def __init__(self, context: RunContext, lanes: Lanes) -> None:
        self.lanes = lanes
        self.session = lanes.session
        self._context = context
        self._response: Any = None
        self._perform: dict[type, Callable[[Any], Any]] = {
            do.Connect: self._connect,
            do.Read: self._read,
            do.Disconnect: self._disconnect,
            do.Ask: self._ask,
            do.AskForSubscription: self._ask_for_subscription,
            do.LoadCheckpoint: lambda _: self._in_store("claim" if context.claims else "load"),
            do.SaveCheckpoint: lambda command: self._in_store("save", command.checkpoint),
            do.AcquireLease: lambda _: self._in_store("acquire"),
            do.RenewLease: lambda _: self._in_store("renew"),
            do.ReleaseLease: lambda _: self._in_store("release"),
            do.WriteDeadLetter: self._write_dead_letter,
            do.Acknowledge: self._acknowledge,
            do.SendHeartbeat: self._send_heartbeat,
        }

    @abc.abstractmethod
    async def _connect(self, command: do.Connect) -> Any:
        """Open the stream."""

    @abc.abstractmethod
    async def _read(self, _: do.Read) -> Any:
        """Wait for the next piece of the stream."""

    @abc.abstractmethod
    async def _ask(self, command: do.Ask) -> do.Answer | do.Failed:
        """Call a function of the user's for its answer."""

    @abc.abstractmethod
    async def _stored(self, store: Any, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a method of a store of the user's."""

    async def _disconnect(self, _: do.Disconnect | None) -> None:
        response, self._response = self._response, None
        if response is None:
            return
        try:
            await response.close()
        except Exception as error:  # noqa: BLE001 - it is being thrown away
            logger.debug("closing a connection failed: %r", error)

    # --- the service ---------------------------------------------------------------------------

    async def _acknowledge(self, command: do.Acknowledge) -> Any:
        try:
            timeout = self.session.settings.ack_timeout
            answer = await self._context.send(self._context.acknowledgement(command), timeout)
        except Exception as error:  # noqa: BLE001 - the core judges it
            return failed(error)
        return do.Acknowledged(tuple(answer.failed_batch_ids or ()))

    async def _send_heartbeat(self, command: do.SendHeartbeat) -> do.Failed | None:
        try:
            await self._context.send(self._context.heartbeat(command), command.timeout)
        except Exception as error:  # noqa: BLE001 - the core judges it
            return failed(error)
        return None

    async def _ask_for_subscription(self, _: do.AskForSubscription) -> do.KnownSubscription | do.Failed:
        try:
            timeout = self.session.settings.ack_timeout
            subscription = await self._context.send(self._context.subscription(), timeout)
        except Exception as error:  # noqa: BLE001 - the core judges it
            return failed(error)
        return do.KnownSubscription(subscription.event_signature.name, subscription.events_delivered)

    # --- stores --------------------------------------------------------------------------------

    async def _in_store(self, method: str, *arguments: Any) -> Any:
        store = self._context.store
        return await self._stored(store, getattr(store, method), self._context.key, *arguments)

    async def _write_dead_letter(self, command: do.WriteDeadLetter) -> Any:
        letters: Any = self._context.dead_letters
        return await self._stored(letters, letters.write, command.record)
