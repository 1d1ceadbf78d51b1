"""Keys that change while the service runs: at SIGHUP, and when their file does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from event_streamer_service.configuration import Configuration, Files, KeySet, mark_of
from event_streamer_service.errors import StartupError
from event_streamer_service.logs import fields
from event_streamer_service.service import Service

logger = logging.getLogger(__name__)

_LOOK_EVERY = 2.0
"""Seconds between two looks at the files: mounted secrets tell nobody that they change."""
_AGAIN_AFTER = 1.0
"""Seconds after which a database that was away is asked again."""


class Reloading:
    """
    Keeps a service's keys and the secrets of its tokens current.

    Args:
        path: The configuration file; `None`: there is none.
        keys: Keys of the command line, which stay.
        files: What the configuration was read from when the service was made.
    """

    def __init__(self, path: Path | None, keys: KeySet, files: Files) -> None:
        self._path = path
        self._keys = keys
        self._asked = asyncio.Event()
        self._seen = files
        self._told = False
        """Another replica has asked, and knows."""

    async def run(self, service: Service) -> None:
        """Reload as long as the task lives."""
        loop = asyncio.get_running_loop()
        service.ask_for_keys = self._hear
        with contextlib.suppress(NotImplementedError, AttributeError):  # Windows has no SIGHUP
            loop.add_signal_handler(signal.SIGHUP, self._asked.set)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if self._path is None else _LOOK_EVERY):
                    await self._asked.wait()
            if self._asked.is_set() or self._marks() != self._seen:
                self._asked.clear()
                told, self._told = self._told, False
                try:
                    await self._reload(service)
                except SQLAlchemyError:
                    logger.warning("The secrets of tokens can't be read: the database is away; trying again")
                    self._told = told
                    self._asked.set()
                    await asyncio.sleep(_AGAIN_AFTER)
                    continue
                if not told:
                    await self._tell(service)

    def _hear(self) -> None:
        self._told = True
        self._asked.set()

    async def _tell(self, service: Service) -> None:
        try:
            await service.tell(keys=True)
        except SQLAlchemyError:
            logger.warning("Other replicas can't be told that keys have changed: the database is away")

    async def _reload(self, service: Service) -> None:
        try:
            keys = self._keys
            if self._path is not None:
                self._seen = self._marks()  # a file that can't be used is told of once
                configuration = Configuration.read(self._path)
                self._seen = configuration.files
                keys = keys | configuration.keys
            service.use_keys(keys)
            await service.reload_token_secrets()
        except StartupError as problem:
            logger.error("The keys stay as they were", extra=fields(reason=str(problem)))
        except SQLAlchemyError:
            raise
        except Exception:
            logger.exception("The keys can't be read anew; they stay as they were")
        else:
            logger.info("Keys read anew", extra=fields(subscribers=len(set(keys.api_keys.values()))))

    def _marks(self) -> Files:
        return {path: mark_of(path) for path in self._seen}
