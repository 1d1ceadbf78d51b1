"""What the client puts into subscriptions before they are sent: its own id, topic0, the event."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve

from event_streamer_api.api import subscriptions as calls
from event_streamer_api.errors import EventStreamerSDKError, EventStreamerValidationError
from event_streamer_api.models import (
    ABIEvent,
    SubscriptionCreate,
    SubscriptionListResponse,
    SubscriptionResponse,
    SubscriptionUpdate,
)
from event_streamer_api.types import Operation

from ..exceptions import EventStreamerTimeoutError

logger = logging.getLogger(__name__)

_CALL_IS_UNKNOWN = frozenset({404, 405, 501})
"""What a service answers to a call that it doesn't have."""
_PAGE_SIZE = 100
_MOST_ALTERNATIVES = 100
"""Values of one parameter that a subscription may ask for: so many does the service take."""


def completed(subscription: SubscriptionCreate, subscriber_id: str | None) -> SubscriptionCreate:
    """
    Fill in what a new subscription leaves to the client.

    Args:
        subscription: The subscription as the user made it; not changed.
        subscriber_id: The client's own id, which every subscription of the client carries; `None` where the
            service knows it by the key.

    Raises:
        EventStreamerValidationError: If its topic0 is not that of its event, or the event is none.
    """
    if not isinstance(subscription, SubscriptionCreate):
        raise EventStreamerValidationError(
            f"create_subscription takes a SubscriptionCreate, not {type(subscription).__name__}"
        )
    return evolve(
        subscription,
        topic0=_topic0("SubscriptionCreate", subscription.event_signature, subscription.topic0),
        subscriber_id=subscriber_id or subscription.subscriber_id,
    )


def get_or_create(
    wanted: SubscriptionCreate,
) -> Generator[Operation[Any], Any, SubscriptionResponse]:
    """
    Get the oldest subscription that asks for just this, or create it.

    One call does it, at once for however many programs. A service that has no such call is known by its
    refusal, before anything was made: there the subscriber's list is looked through. Two programs that
    both find nothing both create one; then both see both, and the younger one is taken back.

    Yields:
        The next call. Send its result, or throw its error.

    Raises:
        EventStreamerSDKError: The error of the call that failed.
    """
    try:
        found: SubscriptionResponse = yield calls.get_or_create_subscription(wanted)
    except EventStreamerSDKError as error:
        if getattr(error, "status_code", None) not in _CALL_IS_UNKNOWN:
            raise
    else:
        if _ignores_topics(wanted, found):
            # Whether it was made just now, or is somebody's, can't be told: it stays.
            raise _topics_unknown(f" It answered with subscription {found.id}, which gets every log.")
        return found
    listed = yield from _oldest_like(wanted)
    if listed is not None:
        return listed
    made = yield from create(wanted)
    oldest = yield from _oldest_like(wanted)
    if oldest is None or oldest.id >= made.id:
        return made
    yield calls.delete_subscription(made.id)
    return oldest


def create(
    wanted: SubscriptionCreate, idempotency_key: str | None = None
) -> Generator[Operation[Any], Any, SubscriptionResponse]:
    """
    Create a subscription; take it back where the service would deliver more than is wanted.

    A service that doesn't know `topics` ignores them.

    Args:
        wanted: The subscription to send, completed.
        idempotency_key: The request's key; one is made where there is none.

    Yields:
        The next call. Send its result, or throw its error.

    Raises:
        EventStreamerSDKError: The error of the call that failed, or the service doesn't know `topics`.
    """
    made: SubscriptionResponse = yield calls.create_subscription(wanted, idempotency_key=idempotency_key)
    if _ignores_topics(wanted, made):
        yield calls.delete_subscription(made.id)
        raise _topics_unknown("")
    return made


def _ignores_topics(wanted: SubscriptionCreate, made: SubscriptionResponse) -> bool:
    further = (wanted.topics or [])[0 if wanted.event_signature.anonymous else 1 :]
    return any(further) and made.topics is None


def _topics_unknown(more: str) -> EventStreamerSDKError:
    return EventStreamerSDKError(
        "this service can't select logs by the event's indexed parameters: it ignores the field topics."
        f"{more} Leave where= out and filter in the handler"
    )


def _oldest_like(
    wanted: SubscriptionCreate,
) -> Generator[Operation[Any], Any, SubscriptionResponse | None]:
    key = _key(wanted)
    oldest: SubscriptionResponse | None = None
    page: int | None = 1
    while page is not None:
        listing: SubscriptionListResponse = yield calls.list_subscriptions(
            wanted.subscriber_id, page=page, page_size=_PAGE_SIZE
        )
        for one in listing.subscriptions:
            is_ours = wanted.subscriber_id in (None, one.subscriber_id)
            if is_ours and (oldest is None or one.id < oldest.id) and _key(one) == key:
                oldest = one
        page = next_page(listing)
    return oldest


def _key(one: SubscriptionCreate | SubscriptionResponse) -> tuple[object, ...]:
    from ..abi import ABIParsingError, event_key

    try:
        event = event_key(one.event_signature)
    except ABIParsingError:  # a service may keep what this release can't read: it is like nothing else
        event = repr(one)
    addresses = frozenset(address.lower() for address in one.addresses)
    topics = _key_of_topics(one)
    return one.chain_id, event, addresses, topics, one.start_block, one.end_block


def _key_of_topics(one: SubscriptionCreate | SubscriptionResponse) -> tuple[object, ...]:
    first = 0 if one.event_signature.anonymous else 1  # topic0 follows from the event
    key = [None if each is None else frozenset(map(str.lower, each)) for each in (one.topics or [])[first:]]
    while key and key[-1] is None:
        key.pop()
    return tuple(key)


def completed_update(update: SubscriptionUpdate) -> SubscriptionUpdate:
    """
    Fill in topic0 where an update changes the event: the one belongs to the other.

    Args:
        update: The update as the user made it; not changed.

    Raises:
        EventStreamerValidationError: If its topic0 is not that of its event, or the event is none.
    """
    if not isinstance(update, SubscriptionUpdate) or update.event_signature is None:
        return update
    return evolve(update, topic0=_topic0("SubscriptionUpdate", update.event_signature, update.topic0))


def _topic0(model: str, event: ABIEvent, given: str | None) -> str:
    from ..abi import signature, topic0

    computed = topic0(event)
    # The logs of an anonymous event carry no topic0, so there is nothing that could contradict it.
    if given is not None and given.lower() != computed and not event.anonymous:
        raise EventStreamerValidationError(
            f"{model}.topic0 is {given}, but {signature(event)} has {computed}; "
            "leave it out to have it computed",
            field=f"{model}.topic0",
        )
    return given if given is not None else computed


def subscription_to(
    event: Any,
    name: str | None,
    *,
    addresses: str | Iterable[str],
    chain_id: int,
    start_block: int,
    end_block: int | None,
    where: Mapping[str, Any] | None = None,
) -> SubscriptionCreate:
    """
    Make a subscription from whatever describes an event.

    Args:
        event: An ABIEvent, a human-readable event, or an ABI in any form that `extract_abi_event` reads.
        name: The event's name or signature, where `event` is an ABI.
        addresses: The contracts; one address may stand alone.
        chain_id: The chain.
        start_block: The first block.
        end_block: The last block, or None for a live subscription.
        where: Values of indexed parameters by name, or lists of alternatives; see `topics_where`.

    Raises:
        EventStreamerValidationError: If the event or another value is wrong.
    """
    described = _event_of(event, name)
    if isinstance(start_block, int) and isinstance(end_block, int) and end_block < start_block:
        raise EventStreamerValidationError(
            f"end_block {end_block} is before start_block {start_block}", field="end_block"
        )
    if advice := advice_on(described):
        logger.warning("%s", advice)
    return SubscriptionCreate(
        event_signature=described,
        topics=None if where is None else topics_where(described, where),
        addresses=[addresses] if isinstance(addresses, str) else list(addresses),
        chain_id=chain_id,
        start_block=start_block,
        end_block=end_block,
    )


def advice_on(event: ABIEvent) -> str | None:
    """
    Say what is probably wrong with an event that can be subscribed to.

    Returns:
        A sentence about a canonical signature, as explorers show it, which leaves out what is indexed; or
        `None`.
    """
    if not event.inputs or any(each.name or each.indexed for each in event.inputs):
        return None
    signature = f"{event.name}({', '.join(each.type for each in event.inputs)})"
    return (
        f"{signature} marks no parameter as indexed: if the contract's event does, its logs can't be decoded"
    )


def topics_where(event: ABIEvent, where: Mapping[str, Any]) -> list[list[str] | None] | None:
    """
    Write the topics of the logs whose indexed parameters have these values.

    Args:
        event: The event.
        where: By name a value, or a list, tuple or set of alternatives. Addresses and bytes are 0x-hex,
            integers numbers or decimal text. An indexed array or tuple is given as an alternative in a list.

    Returns:
        For each position the alternatives, or None for any; None where nothing is asked for.

    Raises:
        EventStreamerValidationError: No indexed parameter has such a name, or a value doesn't fit its type.

    Example:
        >>> topics_where(transfer, {"to": [alice, bob]})
        [None, None, ['0x000…', '0x000…']]
    """
    from ..abi import encode_topics

    if not isinstance(where, Mapping):
        raise EventStreamerValidationError(
            f"where must map indexed parameters to values, as in {{'to': address}}, not {where!r}",
            field="where",
        )
    topics: list[list[str] | None] = []
    for name, value in where.items():
        if value is None:
            continue
        alternatives = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
        if not alternatives or len(alternatives) > _MOST_ALTERNATIVES:
            raise EventStreamerValidationError(
                f"where[{name!r}] has {len(alternatives)} values; 1 to {_MOST_ALTERNATIVES} are allowed",
                field=f"where.{name}",
            )
        written = [encode_topics(event, {name: each}) for each in alternatives]
        topics = topics or [None] * len(written[0])
        place = next(
            i for i in range(len(topics)) if i >= (not event.anonymous) and written[0][i] is not None
        )
        topics[place] = [str(each[place]) for each in written]
    return topics or None


def _event_of(event: Any, name: str | None) -> ABIEvent:
    from ..abi import parse_abi

    if isinstance(event, ABIEvent):
        return event
    abi = parse_abi(event)
    return abi.only_event() if name is None else abi.event(name)


def next_page(listing: SubscriptionListResponse) -> int | None:
    """Say which page follows."""
    # An empty page ends it as well, whatever `total` says: subscriptions may be deleted meanwhile.
    if not listing.subscriptions or listing.page * listing.page_size >= listing.total:
        return None
    return listing.page + 1


def asked_for(
    listing: SubscriptionListResponse,
    chain_id: int | None,
    topic0: str | None,
    address: str | None,
    streaming_status: str | None,
) -> Iterator[SubscriptionResponse]:
    """Take the subscriptions that a filter asks for."""
    for each in listing.subscriptions:
        if (
            (chain_id is None or each.chain_id == chain_id)
            and (topic0 is None or each.topic0.lower() == topic0.lower())
            and (address is None or address.lower() in {known.lower() for known in each.addresses})
            and (streaming_status is None or each.streaming_status == streaming_status)
        ):
            yield each


class Patience:
    """
    Decides how long a subscription is waited for.

    Args:
        subscription: The subscription, or its id.
        timeout: Seconds at most; None for no limit.
        poll_interval: Seconds between two looks at it.
        now: The time, by a clock that never goes back.

    Attributes:
        subscription_id: Its id.

    Raises:
        EventStreamerValidationError: If a value is wrong.
    """

    def __init__(
        self,
        subscription: SubscriptionResponse | int,
        timeout: float | None,
        poll_interval: float,
        now: float,
    ) -> None:
        if not poll_interval > 0:
            raise EventStreamerValidationError(f"poll_interval must be more than 0, got {poll_interval!r}")
        if timeout is not None and not timeout >= 0:
            raise EventStreamerValidationError(f"timeout must be 0 or more, or None, got {timeout!r}")
        self.subscription_id = subscription if isinstance(subscription, int) else subscription.id
        self._timeout = timeout
        self._interval = poll_interval
        self._ends = None if timeout is None else now + timeout

    def pause(self, subscription: SubscriptionResponse, now: float) -> float | None:
        """
        Say how long to wait until the next look.

        Returns:
            Seconds; None where it is done.

        Raises:
            EventStreamerValidationError: If it is live.
            EventStreamerTimeoutError: If the time is over.
        """
        last, end = subscription.last_processed_block, subscription.end_block
        if end is None:
            raise EventStreamerValidationError(
                f"subscription {self.subscription_id} has no end_block: "
                "it goes on with the chain, and is never done"
            )
        if subscription.streaming_status == "finished" or (last is not None and last >= end):
            return None
        if self._ends is None:
            return self._interval
        if now >= self._ends:
            far = "no block is processed yet" if last is None else f"it is at block {last}"
            raise EventStreamerTimeoutError(
                f"subscription {self.subscription_id} is not done after {self._timeout:g} s: "
                f"{far}, and its last one is {end}"
            )
        return min(self._interval, self._ends - now)
