"""`EVENT_STREAMER_LOG=debug`: what the SDK logs, on standard error, without a change to the program."""

from __future__ import annotations

import logging
import os

from event_streamer_api.errors import EventStreamerValidationError

VARIABLE = "EVENT_STREAMER_LOG"
LEVELS = ("debug", "info", "warning", "error")

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_logger = logging.getLogger("event_streamer_sdk")


def set_up_logging() -> None:
    """
    Log as `EVENT_STREAMER_LOG` says, where it is set: `debug`, `info`, `warning` or `error`.

    A program that has set up logging itself keeps its handlers: only the SDK's level is set.

    Raises:
        EventStreamerValidationError: If it is another word.
    """
    wanted = os.environ.get(VARIABLE, "").strip().lower()
    if not wanted:
        return
    if wanted not in LEVELS:
        raise EventStreamerValidationError(f"{VARIABLE} must be one of {', '.join(LEVELS)}, not {wanted!r}")
    _logger.setLevel(wanted.upper())
    if not any(not isinstance(handler, logging.NullHandler) for handler in _handlers()):
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(_FORMAT))
        _logger.addHandler(handler)


def _handlers() -> list[logging.Handler]:
    return [*_logger.handlers, *logging.getLogger().handlers]
