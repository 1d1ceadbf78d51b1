"""Keys that change while the service runs: at SIGHUP, and when their file does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path

from event_streamer_service.configuration import Configuration, KeySet
from event_streamer_service.errors import StartupError
from event_streamer_service.logs import fields
from event_streamer_service.service import Service

logger = logging.getLogger(__name__)

_LOOK_EVERY = 2.0
"""Seconds between two looks at the files: mounted secrets tell nobody that they change."""


class Reloading:
    """
    Keeps a service's keys and the secrets of its tokens current.

    Args:
        path: The configuration file; `None`: there is none.
        keys: Keys of the command line, which stay.
    """

    def __init__(self, path: Path | None, keys: KeySet) -> None:
        self._path = path
        self._keys = keys
        self._asked = asyncio.Event()
        self._files: tuple[Path, ...] = ()
        self._seen: list[tuple[int, ...] | None] = []

    async def run(self, service: Service) -> None:
        """Reload as long as the task lives."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError, AttributeError):  # Windows has no SIGHUP
            loop.add_signal_handler(signal.SIGHUP, self._asked.set)
        if self._path is not None:
            self._files = Configuration.read(self._path).files
            self._seen = self._marks()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if self._path is None else _LOOK_EVERY):
                    await self._asked.wait()
            changed = self._marks() != self._seen
            if self._asked.is_set() or changed:
                self._asked.clear()
                await self._reload(service)

    async def _reload(self, service: Service) -> None:
        try:
            keys = self._keys
            if self._path is not None:
                self._seen = self._marks()
                configuration = Configuration.read(self._path)
                self._files = configuration.files
                self._seen = self._marks()
                keys = keys | configuration.keys
            service.use_keys(keys)
            await service.reload_token_secrets()
        except StartupError as problem:
            logger.error("The keys stay as they were", extra=fields(reason=str(problem)))
        except Exception:
            logger.exception("The keys can't be read anew; they stay as they were")
        else:
            logger.info("Keys read anew", extra=fields(subscribers=len(set(keys.api_keys.values()))))

    def _marks(self) -> list[tuple[int, ...] | None]:
        return [_mark(path) for path in self._files]


def _mark(path: Path) -> tuple[int, ...] | None:
    """What is another where a file has changed; a replaced one has another inode."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
