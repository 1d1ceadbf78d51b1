"""All that can be chosen for a stream, with defaults, checked once when the client is made."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Literal, TypedDict, get_args

from attrs import field, frozen

from event_streamer_api.errors import EventStreamerValidationError

from ..backoff import Reconnect
from ..words import closest
from .checkpoint import CheckpointStore, DeadLetters

ErrorPolicy = Literal["stop", "skip", "dead_letter"]
"""What happens to a batch that can't be handled, and to a line that can't be read."""

TokenLostPolicy = Literal["raise", "restart"] | Callable[[Exception], Any]
"""What happens when the resume token is expired or invalid."""

MAX_HEARTBEAT_INTERVAL = 300.0
"""Longest heartbeat interval that a service may ask for, seconds: beyond it a dead peer shows too late."""


class StreamOptions(TypedDict, total=False):
    """
    Options of a streaming client beyond those of the document; all may be left out.

    Attributes:
        heartbeat_interval: Seconds between heartbeats, above 0; default what the service says, or 30.
            Silence of three of them is a dead connection.
        reconnect: A `Reconnect` policy; `True` for the default one, `False` to end with the first loss.
        checkpoint: A store for the committed position; a restarted program goes on from it. A path is a
            `FileCheckpoint`.
        checkpoint_key: The position's name in the store; default `<subscriber id>:<subscription id>`.
        checkpoint_interval: Seconds between two writes while more batches are waiting; default 0, a write
            for each batch. Nothing is acknowledged before it is written.
        typed: Whether events come as values (integers as `int`) and not as strings.
        dedupe: Drop events that were handled before: `True` remembers 100,000 of them, a number that many.
        confirmations: Hold events back until their block is so many blocks deep; default 0.
        on_handler_error: `stop` (default), `skip` or `dead_letter`.
        dead_letter: Where dead letters go: a store, or the path of a JSONL file.
        handler_retries: How often handlers that failed are called again, 0 or more; default 3.
        handler_retry_delay: Seconds before the first of these; doubles up to 30. Default 0.5.
        handler_timeout: Seconds one call of a handler may take; default none.
        handler_stall_timeout: A handler that runs longer than so many seconds stops the heartbeats,
            so that the service may give up the connection; default 300.
        on_token_lost: `raise` (default), `restart` from the service's choice, or a function that gets
            the error and returns a token or `None`.
        max_line_bytes: Longest line that is read, bytes; default 16 MiB.
        line_timeout: Longest time that one line may take to arrive, seconds; default 300.
        queue_batches: Batches that are read ahead of the handlers, 1 or more; default 1,000.
        queue_bytes: Their size, bytes; default 4 MiB. At half of either the client reads on.
        max_unacknowledged: With `auto_acknowledge=False`, batches that may wait for your acknowledgement
            before delivery pauses; default 10,000.
        stop_timeout: Seconds that stopping may take; default 10.
    """

    heartbeat_interval: float | None
    reconnect: Reconnect | bool
    checkpoint: CheckpointStore | str | os.PathLike[str] | None
    checkpoint_key: str | None
    checkpoint_interval: float
    typed: bool
    dedupe: bool | int
    confirmations: int
    on_handler_error: ErrorPolicy
    dead_letter: DeadLetters | str | os.PathLike[str] | None
    handler_retries: int
    handler_retry_delay: float
    handler_timeout: float | None
    handler_stall_timeout: float
    on_token_lost: TokenLostPolicy
    max_line_bytes: int
    line_timeout: float
    queue_batches: int
    queue_bytes: int
    max_unacknowledged: int
    stop_timeout: float


def _one_of(values: tuple[Any, ...]) -> Callable[[Any, Any, Any], None]:
    def check(_: object, attribute: Any, value: object) -> None:
        if value not in values:
            allowed = ", ".join(map(repr, values))
            raise EventStreamerValidationError(f"{attribute.name} must be one of {allowed}, not {value!r}")

    return check


def _number(
    minimum: float, *, above: bool = False, optional: bool = False
) -> Callable[[Any, Any, Any], None]:
    bound = f"above {minimum:g}" if above else f"{minimum:g} or more"

    def check(_: object, attribute: Any, value: Any) -> None:
        if value is None and optional:
            return
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise EventStreamerValidationError(f"{attribute.name} must be a number, not {value!r}")
        if not (value > minimum if above else value >= minimum):
            raise EventStreamerValidationError(f"{attribute.name} must be {bound}, not {value!r}")

    return check


def _policy_or_function(_: object, attribute: Any, value: object) -> None:
    if value not in ("raise", "restart") and not callable(value):
        raise EventStreamerValidationError(
            f"{attribute.name} must be 'raise', 'restart' or a function, not {value!r}"
        )


@frozen(kw_only=True)
class CheckedOptions:
    """
    The options of a stream, checked. Names and meanings are those of `StreamOptions`.

    `reconnect` is `None` where the stream ends with the first loss. A position is also written when
    `checkpoint_batches` wait for it, and `checkpoint_when_idle` as soon as no more batches wait.
    """

    auto_acknowledge: bool = True
    batch_ack_interval: float = field(default=3.0, validator=_number(0))
    heartbeat_interval: float | None = field(default=None, validator=_number(0, above=True, optional=True))
    reconnect: Reconnect | None = field(factory=Reconnect)
    checkpoint_interval: float = field(default=0.0, validator=_number(0))
    checkpoint_batches: int = 1_000
    checkpoint_when_idle: bool = True
    typed: bool = False
    dedupe: int = field(default=0, validator=_number(0))
    confirmations: int = field(default=0, validator=_number(0))
    on_handler_error: ErrorPolicy = field(default="stop", validator=_one_of(get_args(ErrorPolicy)))
    handler_retries: int = field(default=3, validator=_number(0))
    handler_retry_delay: float = field(default=0.5, validator=_number(0))
    handler_timeout: float | None = field(default=None, validator=_number(0, above=True, optional=True))
    handler_stall_timeout: float = field(default=300.0, validator=_number(0, above=True))
    on_token_lost: TokenLostPolicy = field(default="raise", validator=_policy_or_function)
    max_line_bytes: int = field(default=16 * 1024 * 1024, validator=_number(1))
    line_timeout: float = field(default=300.0, validator=_number(0, above=True))
    queue_batches: int = field(default=1_000, validator=_number(1))
    queue_bytes: int = field(default=4 * 1024 * 1024, validator=_number(1))
    max_unacknowledged: int = field(default=10_000, validator=_number(1))
    stop_timeout: float = field(default=10.0, validator=_number(0))
    has_store: bool = False
    has_lease: bool = False
    ack_chunk: int = 1_000
    ack_buffer: int = 100_000
    ack_attempts: int = 5
    ack_timeout: float = 10.0


DEDUPE_DEFAULT = 100_000
"""Events that `dedupe=True` remembers: about 25 MB."""


def settings_from(
    options: StreamOptions, *, auto_acknowledge: bool, batch_ack_interval: float, has_lease: bool
) -> CheckedOptions:
    """
    Check the options of a streaming client.

    Raises:
        EventStreamerValidationError: An option that doesn't exist, or a value out of range.
    """
    unknown = sorted(set(options) - set(StreamOptions.__annotations__))
    if unknown:
        near = closest(unknown[0], StreamOptions.__annotations__)
        raise EventStreamerValidationError(
            f"unknown option {', '.join(unknown)} of a streaming client; "
            f"{f'did you mean {near}? Known: ' if near else 'known: '}"
            f"{', '.join(sorted(StreamOptions.__annotations__))}"
        )
    chosen: dict[str, Any] = dict(options)
    store = chosen.pop("checkpoint", None)
    chosen.pop("checkpoint_key", None)
    dead_letter = chosen.pop("dead_letter", None)
    reconnect = chosen.pop("reconnect", True)
    if isinstance(reconnect, bool):
        reconnect = Reconnect() if reconnect else None
    elif not isinstance(reconnect, Reconnect):
        raise EventStreamerValidationError(
            f"reconnect must be a Reconnect policy, True or False, not {reconnect!r}"
        )
    if chosen.get("dedupe") is True:
        chosen["dedupe"] = DEDUPE_DEFAULT
    elif chosen.get("dedupe") in (False, None):
        chosen.pop("dedupe", None)
    if chosen.get("on_handler_error") == "dead_letter" and dead_letter is None:
        raise EventStreamerValidationError(
            "on_handler_error='dead_letter' needs a place: dead_letter='dead-letters.jsonl'"
        )
    return CheckedOptions(
        auto_acknowledge=auto_acknowledge,
        batch_ack_interval=batch_ack_interval,
        reconnect=reconnect,
        has_store=store is not None,
        has_lease=has_lease,
        **chosen,
    )
