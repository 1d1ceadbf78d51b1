"""The secrets that sign resume tokens: the newest signs, those before it are believed for a while."""

from __future__ import annotations

import json
import secrets
import time

from sqlalchemy import Connection

from event_streamer_service.store.migrations import (
    hold_setting,
    read_or_make_setting,
    read_setting,
    write_setting,
)

_NEWEST = "token_secret"
_BEFORE = "token_secrets_before"
_BYTES = 32


def token_secrets(connection: Connection) -> list[bytes]:
    """Return the secrets that are good now, the newest first; makes one where there is none."""
    newest = read_or_make_setting(connection, _NEWEST, lambda: secrets.token_hex(_BYTES))
    return [bytes.fromhex(newest), *(bytes.fromhex(secret) for secret, _ in _good_ones(connection))]


def rotate(connection: Connection, *, keep: float) -> None:
    """
    Make a new secret.

    Args:
        connection: Of the service's database.
        keep: Seconds for which tokens of the secret so far stay good.
    """
    token_secrets(connection)
    before = hold_setting(connection, _NEWEST)
    good = [[before, time.time() + keep], *_good_ones(connection)] if keep > 0 else []
    write_setting(connection, _BEFORE, json.dumps(good))
    write_setting(connection, _NEWEST, secrets.token_hex(_BYTES))


def _good_ones(connection: Connection) -> list[tuple[str, float]]:
    kept = json.loads(read_setting(connection, _BEFORE) or "[]")
    return [(secret, until) for secret, until in kept if until > time.time()]
