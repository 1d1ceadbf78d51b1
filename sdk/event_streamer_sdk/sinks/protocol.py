"""What a sink is: four methods, and what they are given."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from attrs import evolve, field, frozen

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_api.models import ABIEvent, StreamingReorg, SubscriptionCreate, SubscriptionResponse
from event_streamer_sdk.abi import human_readable

from ..exceptions import SinkError, SinkFinishedError, SinkUnavailableError

__all__ = [
    "Sink",
    "SinkBatch",
    "SinkError",
    "SinkFinishedError",
    "SinkUnavailableError",
    "Source",
]


def about(subscription: SubscriptionCreate | SubscriptionResponse) -> dict[str, Any]:
    """
    Say what a subscription is for.

    Returns:
        JSON values. Two subscriptions for the same have the same.
    """
    event = subscription.event_signature
    topics = (subscription.topics or [])[0 if event.anonymous else 1 :]  # the first one names the event
    return {
        "chain_id": subscription.chain_id,
        "event": human_readable(event),
        "addresses": sorted(address.lower() for address in subscription.addresses),
        "topics": [sorted(each) if each else None for each in topics] if any(topics) else None,
        "start_block": subscription.start_block,
        "end_block": subscription.end_block,
    }


@frozen
class Source:
    """
    Where the events of a sink come from.

    Attributes:
        subscription: The subscription.
        options: What a sink stores of it, such as its columns, as JSON values: the next run must want the
            same. A sink sets it when it is opened.
    """

    subscription: SubscriptionResponse
    options: Mapping[str, Any] = field(factory=dict)

    def narrowed(self, *, columns: Sequence[str] | None, where: str | None) -> Source:
        """
        Note what is to be stored of the events.

        Args:
            columns: The parameters that are wanted; all where `None`.
            where: A condition for rows.

        Returns:
            The source, with these as its options.
        """
        chosen = {"columns": None if columns is None else list(columns), "where": where}
        return evolve(self, options={name: value for name, value in chosen.items() if value is not None})

    @property
    def event(self) -> ABIEvent:
        """The event that is subscribed to."""
        return self.subscription.event_signature

    @property
    def chain_id(self) -> int:
        """The chain that it is on (EIP-155)."""
        return self.subscription.chain_id

    @property
    def about(self) -> dict[str, Any]:
        """What the subscription is for. Two subscriptions for the same have the same."""
        return about(self.subscription)

    def position(self, resume_token: str | None, *, finished: bool = False) -> str:
        """
        Write what a place keeps beside the events: the token, and what it is a token of.

        Args:
            resume_token: The token behind the last event that is stored.
            finished: Whether the subscription has no further events.

        Returns:
            JSON. It holds the token, so it doesn't belong into a log.
        """
        return json.dumps(
            {
                "subscription_id": self.subscription.id,
                **self.about,
                **({"options": dict(self.options)} if self.options else {}),
                "resume_token": resume_token,
                "finished": finished,
            }
        )

    def token_in(self, stored: str | bytes | None, place: str) -> str | None:
        """
        Read what `position` wrote.

        Args:
            stored: What was found, `None` where there was nothing.
            place: Where it was found, for messages; without a password.

        Returns:
            The token to go on from; `None` where there is none yet.

        Raises:
            SinkFinishedError: Another subscription for the same has written all of it.
            SinkError: It belongs to another subscription, or can't be read.
        """
        if stored is None:
            return None
        found = _read(stored, place)
        about = self.about
        is_ours = found.get("subscription_id") == self.subscription.id
        compared = ("chain_id", "event") if is_ours else tuple(about)
        if any(found.get(name) != about[name] for name in compared):
            raise SinkError(
                f"{place} holds {found.get('event')} of chain {found.get('chain_id')}, written for "
                f"subscription {found.get('subscription_id')}, and not the events of {self.subscription.id}: "
                "name another place"
            )
        compare_options(place, found.get("options") or {}, self.options)
        token = found.get("resume_token")
        if is_ours:
            return token if isinstance(token, str) else None
        if found.get("finished"):
            raise SinkFinishedError(f"{place} already holds all events of this subscription")
        if token is None:
            return None  # whoever began has not come to store anything
        raise SinkError(
            f"{place} was written for subscription {found.get('subscription_id')} and is not finished: "
            f"go on with that one, or name another place for subscription {self.subscription.id}"
        )


def compare_options(place: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """
    Refuse to go on in another form than a place was begun in.

    Raises:
        SinkError: They differ.
    """
    for name in differing(found, wanted):
        raise SinkError(
            f"{place} was written {_shown(name, found.get(name))}, and not {_shown(name, wanted.get(name))}: "
            "ask for the same, or name another place"
        )


def differing(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Name the options that differ."""
    return [name for name in dict.fromkeys((*found, *wanted)) if found.get(name) != wanted.get(name)]


def _shown(name: str, value: Any) -> str:
    if value is None:
        return f"without {name}"
    return f"with {name} {', '.join(value) if isinstance(value, list) else value}"


def _read(stored: str | bytes, place: str) -> dict[str, Any]:
    try:
        found = json.loads(stored)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "resume_token" not in found:
        raise SinkError(f"the position in {place} can't be read: it was not written by a sink, or is damaged")
    return found


@frozen
class SinkBatch:
    """
    Events that are written together with the token behind them: all of it, or nothing.

    It joins as many batches of the stream as have come since the last write.

    Attributes:
        events: The event objects, in order, as they came; empty where the sink prepares them.
        prepared: What the sink's `prepare` made of them, in order; the `len` of each is its number of rows.
        size: How many events came; a condition may leave some of them out.
        resume_token: The token behind the last one. Store it in the same transaction, and never log it.
        first_block: The first block that is covered, where known.
        last_block: The last block that is covered, where known.
    """

    events: Sequence[Mapping[str, Any]]
    prepared: Sequence[Any]
    size: int
    resume_token: str = field(repr=False)
    first_block: int | None = None
    last_block: int | None = None

    @property
    def rows(self) -> int:
        """How many events are to be stored, those that a condition leaves over."""
        return sum(map(len, self.prepared)) if self.prepared else len(self.events)


@runtime_checkable
class Sink(Protocol):
    """
    A place for events, which keeps the position in the stream together with them.

    The methods block, and are called one at a time and in order; with the asynchronous client they run in a
    thread, or are coroutine functions. What they raise ends the stream, but `SinkUnavailableError`: then the
    same call is made again, for `patience` seconds.

    A sink may also have:

    - `prepare(events)`: makes a compact form of some events, while they come, of which `write` gets a list;
      its `len` is the number of rows
    - `finish()`: is called before `close` when the subscription has no further events
    - `write_seconds`, `write_rows`: a write is due after so many seconds (default 1) or events (default
      50,000)
    - `writes_when_idle`: whether a write is also due as soon as no more events wait (default `True`)
    - `patience`: seconds that a place may be unavailable (default 60)
    - `prepares_while_writing`: whether `prepare` may be called while `write` runs (default `False`). Then
      `write` runs in a thread, so that rows are made while the place answers
    - `break_off()`: is called from another thread when the stream is to stop, and a call has been waiting
      for the place for three seconds: lets that call fail

    Example:
        >>> class Printer:
        ...     def open(self, source):
        ...         return None  # keeps no token
        ...     def write(self, batch):
        ...         print(batch.size, "events up to block", batch.last_block)
        ...     def undo(self, reorg):
        ...         print("blocks after", reorg.common_ancestor, "are replaced")
        ...     def close(self):
        ...         pass
        >>> streaming_client.run(into=Printer())
    """

    def open(self, source: Source) -> str | None:
        """
        Make ready for events.

        Args:
            source: The subscription and its event.

        Returns:
            The token that is stored with the events; `None` where there is none.

        Raises:
            SinkError: The place can't be used, or holds something else.
        """

    def write(self, batch: SinkBatch) -> None:
        """
        Store events and their token: both, or neither.

        Args:
            batch: The events. An empty one only moves the token.

        Raises:
            SinkUnavailableError: The place is away; nothing of it is stored.
            SinkError: It refuses; nothing of it is stored.
        """

    def undo(self, reorg: StreamingReorg) -> None:
        """
        Take back the events of all blocks after `reorg.common_ancestor`, and store `reorg.resume_token`.

        Where events can't be taken back, as in a log, a notice is appended.

        Args:
            reorg: The blocks that are replaced.

        Raises:
            SinkUnavailableError: The place is away; nothing has changed.
            SinkError: It refuses; nothing has changed.
        """

    def close(self) -> None:
        """Let go of files and connections. May be called more than once, and without `open`."""


METHODS = ("open", "write", "undo", "close")


def checked(sink: Any) -> Any:
    """
    Refuse what is not a sink.

    Raises:
        EventStreamerValidationError: It lacks a method, or is the name of a place.
    """
    if isinstance(sink, str | os.PathLike):
        # The name isn't repeated: a password may stand in it.
        raise EventStreamerValidationError(
            "into= takes a sink, not the name of a place: into=sink_for(name) makes one"
        )
    missing = [name for name in METHODS if not callable(getattr(sink, name, None))]
    if missing:
        raise EventStreamerValidationError(
            f"into= takes a sink, and {type(sink).__name__} has no method {', '.join(missing)}"
        )
    return sink
