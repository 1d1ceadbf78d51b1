"""
Calls for a connection of another replica: sent on to it as they are, and its answer sent back.

The process that has a stream alone knows which of its batches are acknowledged, in whatever order that was
said, so it alone judges. Who calls was found out by the replica that was called, and says so in a header that
it signs: with a secret that lies in the database, over all that the call is, for a few seconds of the
database's clock.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import orjson
from sqlalchemy import Connection
from starlette.responses import Response

from event_streamer_service.auth import Caller
from event_streamer_service.cluster.directory import Replica
from event_streamer_service.errors import Unauthorized, Unavailable
from event_streamer_service.store.migrations import read_or_make_setting
from event_streamer_service.tokens import from_base64, to_base64

HEADER = "x-event-streamer-replica"
_SECRET = "replica_secret"  # noqa: S105 - the name of a row
_GOOD_FOR = 30.0
"""Seconds: the time a call may be on its way, and that a replica may be wrong about the database's clock."""
_PATIENCE = httpx.Timeout(3.0, connect=1.0)
_HANDED_BACK = ("content-type", "retry-after", "www-authenticate")


def replica_secret(connection: Connection) -> bytes:
    """Return the secret that the replicas of a database share; makes one where there is none."""
    return bytes.fromhex(read_or_make_setting(connection, _SECRET, lambda: secrets.token_hex(32)))


class HandOver:
    """
    Sends calls to other replicas, and knows those that they send.

    Args:
        secret: What the replicas share.
        name: Name of this replica.
        now: The time by the database's clock, in seconds.
    """

    def __init__(self, secret: bytes, *, name: str, now: Callable[[], float]) -> None:
        self._secret = secret
        self._name = name
        self._now = now
        # What lies between replicas is theirs: no proxy of the environment has a say.
        self._client = httpx.AsyncClient(timeout=_PATIENCE, trust_env=False)

    async def close(self) -> None:
        """Close the connections to other replicas."""
        await self._client.aclose()

    async def send(self, to: Replica, path: str, body: bytes, caller: Caller) -> Response | None:
        """
        Send a call to another replica.

        Returns:
            Its answer; `None` where nobody listens there any more.

        Raises:
            Unavailable: It gives no answer in time.
        """
        said = {
            "to": to.id,
            "path": path,
            "body": hashlib.sha256(body).hexdigest(),
            "subscriber": caller.subscriber,
            "admin": caller.is_admin,
            "key": None if caller.key is None else caller.key.hex(),
            "until": self._now() + _GOOD_FOR,
        }
        text = to_base64(orjson.dumps(said))
        headers = {HEADER: f"{text}.{self._signature(text)}", "content-type": "application/json"}
        try:
            answer = await self._client.post(f"{to.url}{path}", content=body, headers=headers)
        except httpx.ConnectError:
            return None
        except httpx.HTTPError as problem:
            raise Unavailable(
                "The replica that has this connection doesn't answer.", retry_after=1
            ) from problem
        given = {name: answer.headers[name] for name in _HANDED_BACK if name in answer.headers}
        return Response(answer.content, answer.status_code, headers=given)

    def caller_of(self, signed: str, path: str, body: bytes) -> Caller:
        """
        Return who made a call that another replica has sent.

        Raises:
            Unauthorized: It was not sent by a replica, to this one, just now.
        """
        text, _, signature = signed.partition(".")
        if hmac.compare_digest(self._signature(text).encode(), signature.encode("utf-8", "surrogateescape")):
            said: Mapping[str, Any] = orjson.loads(from_base64(text))
            if (
                (said["to"], said["path"], said["body"])
                == (self._name, path, hashlib.sha256(body).hexdigest())
                and said["until"] > self._now()
            ):  # fmt: skip
                key = said["key"]
                return Caller(
                    said["subscriber"], said["admin"], key=None if key is None else bytes.fromhex(key)
                )
        raise Unauthorized("This call was not handed over by a replica of this service.")

    def _signature(self, text: str) -> str:
        raw = text.encode("utf-8", "surrogateescape")
        return to_base64(hmac.digest(self._secret, raw, hashlib.sha256))
