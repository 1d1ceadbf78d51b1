"""Dead letters as text: what is written of one, read again, and named."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime
from typing import Any

from attrs import frozen

from .._core.stream.checkpoint import DeadLetterRecord

ID_LENGTH = 12
"""Characters of a dead letter's id, hexadecimal digits."""


@frozen
class DeadLetter:
    """
    A dead letter that is kept somewhere.

    Attributes:
        id: Its name there: the first digits of the SHA-256 of what is written, so that it stays the same when
            others come and go.
        record: What it says.
    """

    id: str
    record: DeadLetterRecord


def as_json(record: DeadLetterRecord) -> str:
    """
    Write a record as one line of JSON.

    Returns:
        The line, without its end.
    """
    fields: dict[str, Any] = {
        "time": record.time.isoformat(),
        "kind": record.kind,
        "subscription_id": record.subscription_id,
        "batch_id": record.batch_id,
        "reason": record.reason,
        "handlers": list(record.handlers),
        "message": record.message,
        "raw_base64": None if record.raw is None else base64.b64encode(record.raw).decode(),
    }
    return json.dumps(fields, default=str)


def id_of(text: str) -> str:
    """Name a dead letter by what `as_json` gave."""
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


def from_json(text: str) -> DeadLetter:
    """
    Read what `as_json` wrote.

    Raises:
        ValueError: It is something else, or a part of one.
    """
    fields = json.loads(text)
    try:
        raw, message = fields["raw_base64"], fields["message"]
        if fields["kind"] not in {"batch", "line"} or not isinstance(message, dict | None):
            raise ValueError("not a dead letter")
        record = DeadLetterRecord(
            time=datetime.fromisoformat(fields["time"]),
            kind=fields["kind"],
            subscription_id=int(fields["subscription_id"]),
            batch_id=fields["batch_id"],
            reason=str(fields["reason"]),
            handlers=tuple(map(str, fields["handlers"])),
            message=message,
            raw=None if raw is None else base64.b64decode(raw),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("not a dead letter") from error
    return DeadLetter(id_of(text), record)
