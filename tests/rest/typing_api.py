"""Only type-checked (by test_typing.py), never run: what a user's type checker has to accept."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime

import httpx

from event_streamer_schemas import ChainConfigRequest
from event_streamer_sdk import AsyncEventStreamer, EventStreamer, SyncEventStreamer
from event_streamer_sdk.exceptions import EventStreamerConnectionError, SubscriptionNotFoundError
from event_streamer_sdk.models import HealthResponse
from event_streamer_sdk.models.abi import ABIEvent, ABIInput
from event_streamer_sdk.models.circuit_breaker import CircuitBreakerStatus
from event_streamer_sdk.models.subscriptions import (
    SubscriptionCreate,
    SubscriptionListResponse,
    SubscriptionResponse,
    SubscriptionUpdate,
)

event = ABIEvent(type="event", name="Transfer", inputs=[ABIInput(name="to", type="address", indexed=True)])
subscription = SubscriptionCreate(event_signature=event, addresses=["0x"], start_block=1, chain_id=1)
update = SubscriptionUpdate(end_block=None)
config = ChainConfigRequest(chain_id=1, name="Ethereum", rpc_urls=["https://node"], average_block_time=12)


async def asynchronous() -> None:
    async with EventStreamer("http://localhost:8000", "me", timeout=httpx.Timeout(5)) as client:
        made: SubscriptionResponse = await client.create_subscription(subscription)
        other: SubscriptionResponse = await client.subscribe(
            [event.to_dict()], "Transfer", chain_id=1, start_block=0
        )
        listing: SubscriptionListResponse = await client.list_subscriptions(page=1, page_size=20)
        iterated: AsyncIterator[SubscriptionResponse] = client.iter_subscriptions()
        gone: bool = await client.delete_subscription(made.id)
        block: int | None = await client.get_subscription_last_processed_block(other.id, 1)
        health: HealthResponse = await client.get_health()
        when: datetime | None = health.timestamp
        breakers: dict[str, CircuitBreakerStatus] = (
            await client.get_circuit_breaker_status()
        ).circuit_breakers
        name: str = (await client.get_all_chains()).chains[0].name
        first: ABIEvent = client.extract_abi_event("[]", "Transfer")
        print(listing, iterated, gone, block, when, breakers, name, first)


def blocking() -> None:
    with SyncEventStreamer("http://localhost:8000", "me", api_key="k", max_retries=0) as client:
        made: SubscriptionResponse = client.update_subscription(1, update)
        iterated: Iterator[SubscriptionResponse] = client.iter_subscriptions(page_size=50)
        healthy: bool = client.health_check()
        rate: float = client.get_circuit_breaker_metrics("ethereum_rpc").success_rate
        created: int = client.create_chain(config).chain_id
        print(made, iterated, healthy, rate, created)


def errors(client: SyncEventStreamer) -> int | None:
    try:
        return client.get_subscription(1).id
    except SubscriptionNotFoundError as error:
        return error.status_code
    except EventStreamerConnectionError as error:
        print(error.method, error.path, error.request_id, error.retry_after)
        return None


def alias(client: AsyncEventStreamer) -> EventStreamer:
    return client


def wrong(client: SyncEventStreamer) -> None:
    client.get_subscription("1")  # type: ignore[arg-type]
    client.get_nothing(1)  # type: ignore[attr-defined]
    client.create_subscription(event)  # type: ignore[arg-type]
    ABIEvent(type="function", name="f")  # type: ignore[arg-type]
    ABIInput("from", "address")  # type: ignore[call-arg]
    SubscriptionCreate(event_signature=event, chain_id=1)  # type: ignore[call-arg]
