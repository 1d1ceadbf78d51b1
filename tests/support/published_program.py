"""
A program for the published package, run in its environment: every call and a stream, against the URL it is
given.

It prints one JSON object: what each step gave. Nothing of this project is imported here.
"""

import asyncio
import json
import sys
from typing import Any

from event_streamer_schemas import ChainConfigRequest
from event_streamer_sdk import EventStreamer
from event_streamer_sdk.exceptions import EventStreamerSDKError
from event_streamer_sdk.models.abi import ABIEvent, ABIInput
from event_streamer_sdk.models.subscriptions import SubscriptionCreate, SubscriptionUpdate

TOPIC0 = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TOKEN = "0xA0b86a33E6417b3c4555ba476F04245600306D5D"
START = 19_000_000

seen: dict[str, Any] = {}


def wanted(end_block: int | None) -> SubscriptionCreate:
    inputs = [
        ABIInput(name="from", type="address", indexed=True),
        ABIInput(name="to", type="address", indexed=True),
        ABIInput(name="value", type="uint256", indexed=False),
    ]
    return SubscriptionCreate(
        topic0=TOPIC0,
        event_signature=ABIEvent(type="event", name="Transfer", inputs=inputs),
        addresses=[TOKEN],
        start_block=START,
        end_block=end_block,
        chain_id=1,
        subscriber_id="published",
    )


async def calls(client: EventStreamer) -> None:
    seen["health"] = [await client.health_check(), (await client.get_health())["status"]]
    made = await client.create_subscription(wanted(START + 20))
    seen["created"] = [made.id, made.topic0, made.end_block, made.subscriber_id, made.is_streaming]
    seen["read"] = (await client.get_subscription(made.id)).id
    seen["updated"] = (
        await client.update_subscription(made.id, SubscriptionUpdate(end_block=START + 30))
    ).end_block
    seen["last_block"] = await client.get_subscription_last_processed_block(made.id, 1)
    await client.delete_subscription(made.id)
    try:
        await client.get_subscription(made.id)
    except EventStreamerSDKError as error:
        seen["deleted"] = type(error).__name__

    status = await client.get_circuit_breaker_status()
    name = next(iter(status.circuit_breakers))
    seen["breakers"] = [status.circuit_breakers[name].state, sorted(status.rpc_clients), bool(status.summary)]
    health = await client.get_circuit_breaker_health()
    seen["breaker_health"] = [
        health.healthy_circuit_breakers,
        health.total_circuit_breakers,
        health.overall_health,
    ]
    seen["metrics"] = (await client.get_circuit_breaker_metrics(name)).name == name
    seen["resets"] = [
        (await client.reset_all_circuit_breakers()).status,
        (await client.reset_circuit_breaker(name)).status,
    ]
    seen["breaker_config"] = (await client.get_circuit_breaker_config()).failure_threshold > 0

    chain = ChainConfigRequest(
        chain_id=137,
        name="polygon",
        historical_rpc_url="http://127.0.0.1:1",
        live_websocket_url="ws://127.0.0.1:1",
    )
    seen["chains"] = [
        (await client.create_chain(chain)).chain_id,
        (await client.get_chain(137)).chain_id,
        (await client.update_chain(137, chain)).chain_id,
        (await client.delete_chain(137)).chain_id,
        bool((await client.refresh_chains()).message),
        (await client.get_chain_stats()).total_chains,
    ]


async def stream(
    client: EventStreamer, subscription_id: int, token: str | None, until: int
) -> dict[str, Any]:
    """Stream until so many events have come, and say what came."""
    streaming = client.create_streaming_client(
        subscription_id, resume_token=token, client_metadata={"v": "1"}
    )
    events: list[Any] = []
    done, beaten = asyncio.Event(), asyncio.Event()

    @streaming.on_event("Transfer")
    async def handle(batch: list[Any]) -> None:
        events.extend(batch)
        if len(events) >= until:
            done.set()

    @streaming.on_heartbeat
    async def beat(heartbeat: Any) -> None:
        assert heartbeat.timestamp
        beaten.set()

    await streaming.start_streaming()
    await asyncio.wait_for(done.wait(), 20)
    status = await streaming.check_processing_status()
    heartbeat = await streaming.send_heartbeat()
    await asyncio.wait_for(beaten.wait(), 20)
    await asyncio.sleep(0.2)  # its acknowledgement goes out behind the handler
    last = streaming.get_current_resume_token()
    await streaming.disconnect()
    return {
        "events": len(events),
        "first": events[0],
        "last": events[-1]["block_number"],
        "token": last,
        "processing": [status.is_processing, status.connection_count],
        "heartbeat": heartbeat.acknowledged,
    }


async def main(url: str) -> None:
    async with EventStreamer(url, "published") as client:
        await calls(client)
        live = await client.create_subscription(wanted(None))
        seen["subscription"] = live.id
        seen["stream"] = await stream(client, live.id, None, 500)
        seen["resumed"] = await stream(client, live.id, seen["stream"]["token"], 1)
    print(json.dumps(seen))


asyncio.run(main(sys.argv[1]))
