"""
Structured logs: one JSON object a line, for machines, or one plain line, for eyes.

Modules log with `extra={"fields": {...}}`. Query strings, headers and bodies are never logged, so
that no API key and no resume token gets there. What a request or a node sent may hold anything: no
text can begin a line or a field of its own, and no terminal obeys what is in it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

import orjson

from event_streamer_sdk._core.visible import visible, visible_json
from event_streamer_service.clock import isoformat

ROOT = "event_streamer_service"


class JsonFormatter(logging.Formatter):
    """Writes a record as a JSON object: time, level, logger, message, and the record's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        line: dict[str, Any] = {
            "time": isoformat(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return visible_json(orjson.dumps(line, default=str).decode())


class TextFormatter(logging.Formatter):
    """Writes a record as a line that is read easily."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        known = {name: value for name, value in getattr(record, "fields", {}).items() if value is not None}
        fields = "".join(f" {name}={_value(value)}" for name, value in known.items())
        line = f"{isoformat(record.created)} {record.levelname:<7} {visible(record.getMessage())}{fields}"
        if record.exc_info:
            # Set in, so that no line of an error's text looks like a record.
            where = self.formatException(record.exc_info).split("\n")
            line = "\n  ".join([line, *map(visible, where)])
        return line


_PLAIN = re.compile(r"[^\s\"=]+")
"""What stands after a field's name without quotes."""


def _value(value: Any) -> str:
    text = str(value)
    if _PLAIN.fullmatch(text) and visible(text) == text:
        return text
    return visible_json(json.dumps(text, ensure_ascii=False))


def configure(level: str = "info", *, form: str = "json") -> None:
    """
    Send the service's logs to standard error.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        form: `json` or `text`.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    for name in (ROOT, "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(level.upper())
    # It says when a server process starts and ends; we say that ourselves, with an address.
    logging.getLogger("uvicorn.error").setLevel(max(logging.WARNING, logging.getLogger(ROOT).level))


def fields(**values: Any) -> dict[str, Any]:
    """Return what `Logger.info(..., extra=...)` takes: named values for the structured line."""
    return {"fields": values}
