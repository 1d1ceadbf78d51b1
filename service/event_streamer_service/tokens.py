"""
Resume tokens: how far a reader has come, signed so that nobody can write one.

A token is `rt_`, the position as JSON in base64url, a dot, and an HMAC-SHA256 (RFC 2104) over it.
It holds what it belongs to, so that it is worth nothing elsewhere, and the time at which it expires.
To callers it is opaque: the format may change with any release.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

import orjson
from attrs import frozen

from event_streamer_service.chains.types import Position
from event_streamer_service.clock import Clock
from event_streamer_service.errors import TokenRefused
from event_streamer_service.store.subscriptions import Progress, Subscription

PREFIX = "rt_"
_SIGNATURE_BYTES = 16
"""128 bits of the HMAC are kept (RFC 2104, section 5): tokens are sent with every batch."""


@frozen
class TokenScope:
    """
    What a resume token belongs to: a subscription, as long as it follows the same chain from the same block.

    Attributes:
        subscription_id: The subscription.
        chain_id: The chain that it follows.
        start_block: Where it starts.
    """

    subscription_id: int
    chain_id: int
    start_block: int

    @classmethod
    def of(cls, subscription: Subscription) -> TokenScope:
        """Return what a subscription's tokens belong to now."""
        return cls(subscription.id, subscription.chain_id, subscription.start_block)


class Tokens:
    """
    Makes and reads resume tokens.

    Args:
        secret: Key of the signature, at least 16 bytes.
        older: Keys before it, which are still believed.
        lifetime: Seconds for which a token is valid.
        clock: Tells when a token is made and read.
    """

    def __init__(self, secret: bytes, *, lifetime: float, clock: Clock, older: Sequence[bytes] = ()) -> None:
        self.use(secret, older)
        self._lifetime = lifetime
        self._clock = clock

    def use(self, secret: bytes, older: Sequence[bytes] = ()) -> None:
        """Take other secrets."""
        self._hmacs = [hmac.new(each, digestmod=hashlib.sha256) for each in (secret, *older)]

    def make(self, scope: TokenScope, position: Position, total: int) -> str:
        """
        Return a token for everything up to and including `position`.

        Args:
            scope: What it belongs to.
            position: How far its bearer has come.
            total: Events of the subscription up to there.
        """
        payload = {
            "subscription_id": scope.subscription_id,
            "chain_id": scope.chain_id,
            "start": scope.start_block,
            "events": total,
            "block": position.block,
            "log_index": position.log_index,
            "block_hash": position.block_hash,
            "expires": int(self._clock.time() + self._lifetime),
        }
        body = to_base64(orjson.dumps(payload))
        return f"{PREFIX}{body}.{_signed(self._hmacs[0], body)}"

    def read(self, token: str, scope: TokenScope) -> Progress:
        """
        Return how far the bearer of a token has come.

        Raises:
            TokenRefused: It expired, was changed, or belongs to another subscription.
        """
        body, _, signature = token.removeprefix(PREFIX).partition(".")
        if not token.startswith(PREFIX) or not self._is_ours(body, signature):
            raise TokenRefused(
                "The resume token was not made by this service. Start without a token, "
                "or with one that a batch of this subscription brought."
            )
        payload = orjson.loads(from_base64(body))
        if TokenScope(payload["subscription_id"], payload["chain_id"], payload["start"]) != scope:
            raise TokenRefused(
                "The resume token belongs to another subscription, or to this one before its chain or its "
                "start block was changed. Start without a token."
            )
        if payload["expires"] <= self._clock.time():
            raise TokenRefused(
                "The resume token has expired. Start without a token: delivery goes on after the "
                "last acknowledged batch.",
                code="RESUME_TOKEN_EXPIRED",
            )
        position = Position(payload["block"], payload["log_index"], payload["block_hash"])
        return Progress(position=position, events_delivered=payload["events"])

    def _is_ours(self, body: str, signature: str) -> bool:
        given = signature.encode("utf-8", "surrogateescape")
        return any(hmac.compare_digest(_signed(each, body).encode(), given) for each in self._hmacs)


def _signed(key: hmac.HMAC, body: str) -> str:
    mac = key.copy()
    mac.update(body.encode("utf-8", "surrogateescape"))
    return to_base64(mac.digest()[:_SIGNATURE_BYTES])


def to_base64(raw: bytes) -> str:
    """Write bytes in base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_base64(text: str) -> bytes:
    """
    Read what `to_base64` has written.

    Raises:
        TokenRefused: It is something else.
    """
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error) as problem:  # only a signer with our key could write this
        raise TokenRefused("The resume token can't be read.") from problem
