"""
Who calls, and what they may do.

With API keys each key belongs to a subscriber, who sees and changes only what is its own; what
belongs to others does not exist for it. Admin keys see everything and change what all share: chains,
circuit breakers. Metrics keys read figures and checks alone. Without any key (loopback only) everybody may do
everything.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen
from starlette.datastructures import Headers

from event_streamer_service.errors import (
    Forbidden,
    NotFound,
    StartupError,
    TooManyRequests,
    Unauthorized,
    WrongArgument,
)
from event_streamer_service.settings import Settings
from event_streamer_service.store.subscriptions import Subscription


@frozen
class Caller:
    """
    Whoever sent a request.

    Attributes:
        subscriber: Whose key it is; `None` for an admin, and for everybody where there are no keys.
        is_admin: May change what all subscribers share.
        watches_only: May read the figures, and nothing else.
        key: Digest of the key, `None` where there was none.
    """

    subscriber: str | None
    is_admin: bool
    watches_only: bool = False
    key: bytes | None = field(default=None, repr=False)

    @property
    def sees_operations(self) -> bool:
        """Whether figures, checks and the nodes' hosts are shown."""
        return self.is_admin or self.watches_only

    def acts_for(self, subscriber_id: str | None) -> str | None:
        """
        Return whose subscriptions are meant, where a request names `subscriber_id`.

        Raises:
            Forbidden: It names somebody else.
        """
        if self.subscriber is None:
            return subscriber_id
        if subscriber_id not in (None, self.subscriber):
            raise Forbidden("This API key belongs to another subscriber than the request names.")
        return self.subscriber

    def check_owns(self, subscription: Subscription | None, subscription_id: int) -> Subscription:
        """
        Return a subscription that the caller may see.

        Raises:
            NotFound: There is none, or it is somebody else's.
        """
        theirs = subscription is not None and self.subscriber in (None, subscription.subscriber_id)
        if subscription is None or not theirs:
            raise NotFound(
                f"There is no subscription {subscription_id}.",
                title="Subscription not found",
                code="SUBSCRIPTION_NOT_FOUND",
            )
        return subscription

    def check_admin(self) -> None:
        """Raise `Forbidden` unless the caller is an admin."""
        if not self.is_admin:
            raise Forbidden("This call changes what all subscribers share: it needs an admin key.")


ANYBODY = Caller(subscriber=None, is_admin=True)
"""The caller where no keys are set."""


class Keys:
    """
    The API keys of a service, kept as digests (SHA-256 of keys that are long and random).

    Args:
        settings: Holds the keys, as they are or as `sha256:` and their digest in hexadecimal.

    Raises:
        StartupError: What looks like a digest is none, or a key has two owners.
    """

    def __init__(self, settings: Settings) -> None:
        self._callers: dict[bytes, Caller] = {}
        for key, subscriber in settings.api_keys.items():
            self._add(key, subscriber=subscriber, is_admin=False)
        for key in settings.admin_keys:
            self._add(key, subscriber=None, is_admin=True)
        for key in settings.metrics_keys:
            self._add(key, subscriber=None, is_admin=False, watches_only=True)

    def _add(self, key: str, **who: Any) -> None:
        number = digest_of(key)
        caller = Caller(**who, key=number)
        if self._callers.setdefault(number, caller) != caller:
            raise StartupError("An API key has two owners: give each one a key of its own.")

    @property
    def required(self) -> bool:
        """Whether a request needs a key."""
        return bool(self._callers)

    def knows(self, key: bytes | None) -> bool:
        """Tell whether a caller's key is still valid."""
        return key in self._callers if self._callers else True

    def identify(self, headers: Headers) -> Caller:
        """
        Return who sends a request: by `X-API-Key`, or by `Authorization: Bearer` (RFC 6750).

        Raises:
            Unauthorized: No key, or one that nobody has.
        """
        if not self._callers:
            return ANYBODY
        key = headers.get("x-api-key")
        if key is None:
            scheme, _, credentials = headers.get("authorization", "").partition(" ")
            key = credentials.strip() if scheme.lower() == "bearer" else None
        if key is None:
            raise Unauthorized("An API key is needed: send it as X-API-Key.")
        caller = self._callers.get(_digest(key))
        if caller is None:
            raise Unauthorized("The API key is not known here.")
        return caller


def digest_of(key: str) -> bytes:
    """
    Return the digest of a key that is written as it is, or as `sha256:` and its digest in hexadecimal.

    Raises:
        WrongArgument: The digest has another length, or is not hexadecimal.
    """
    prefix, colon, digits = key.partition(":")
    if prefix != "sha256" or not colon:
        return _digest(key)
    try:
        found = bytes.fromhex(digits)
    except ValueError:
        found = b""
    if len(found) != hashlib.sha256().digest_size:
        raise WrongArgument(
            "A key's digest is sha256: and 64 hexadecimal digits, as `keys create` prints it."
        )
    return found


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


@define
class _Bucket:
    tokens: float
    filled_at: float


class RateLimit:
    """
    Limits the requests of each caller: a steady rate, with bursts of twice as many (a token bucket).

    Args:
        per_second: Requests a second; `None` limits nothing.
        now: The time, in seconds, on a clock that only goes forward.
    """

    _CALLERS = 10_000
    """Callers that are remembered; who is forgotten begins with a full bucket."""

    def __init__(self, per_second: float | None, *, now: Callable[[], float]) -> None:
        self._whole_rate = self._rate = per_second
        self._now = now
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def share_with(self, replicas: int) -> None:
        """Give callers this replica's part of their rate: a balancer spreads their requests evenly."""
        if self._whole_rate is not None:
            self._rate = self._whole_rate / max(1, replicas)

    def take(self, caller: str) -> None:
        """
        Count a request.

        Raises:
            TooManyRequests: It is one too many; tells when the next one may come.
        """
        if self._rate is None:
            return
        now, burst = self._now(), max(1.0, 2 * self._rate)
        bucket = self._buckets.setdefault(caller, _Bucket(burst, now))
        self._buckets.move_to_end(caller)
        if len(self._buckets) > self._CALLERS:
            self._buckets.popitem(last=False)
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.filled_at) * self._rate)
        bucket.filled_at = now
        if bucket.tokens < 1:
            wait = math.ceil((1 - bucket.tokens) / self._rate)
            raise TooManyRequests(
                f"More than {self._whole_rate:g} requests a second. Wait {wait} s.", retry_after=wait
            )
        bucket.tokens -= 1
