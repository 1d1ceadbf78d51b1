"""
Only type-checked (by test_types.py), never run: a program that uses every public call.

Its blocking twin is made of it by taking the words of asyncio out.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from event_streamer_sdk import EventStreamer, Reconnect, Report, StreamingClient
from event_streamer_sdk.frames import EventFrame
from event_streamer_sdk.models import (
    ABIEvent,
    AbiEventsRequest,
    BatchAcknowledgmentRequest,
    BulkBatchAcknowledgmentRequest,
    ChainConfigRequest,
    ClientHeartbeatRequest,
    StreamingError,
    StreamingHeartbeat,
    StreamingReorg,
    SubscriptionCreate,
    SubscriptionResponse,
    SubscriptionUpdate,
)
from event_streamer_sdk.sinks import sink_for
from event_streamer_sdk.streaming_client import Batch, Gap, Stats, Status

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"


async def subscriptions(client: EventStreamer) -> int:
    event: ABIEvent = client.extract_abi_event(TRANSFER, "Transfer")
    events: dict[str, ABIEvent] = client.extract_abi_events([event.to_dict()])
    parsed: dict[str, Any] = client.parse_contract_abi([event.to_dict()])
    wanted = SubscriptionCreate(event_signature=event, chain_id=1, start_block=0, addresses=[])
    made: SubscriptionResponse = await client.create_subscription(wanted)
    same: SubscriptionResponse = await client.get_or_create_subscription(wanted)
    live: SubscriptionResponse = await client.subscribe(event, chain_id=1, start_block=0, new=True)
    await client.update_subscription(live.id, SubscriptionUpdate(end_block=5))
    listed: list[SubscriptionResponse] = (await client.list_subscriptions(1, 50)).subscriptions
    found = [(each.id, each.addresses) async for each in client.iter_subscriptions(page_size=10)]
    again: SubscriptionResponse = await client.get_subscription(made.id)
    block: int | None = await client.get_subscription_last_processed_block(again.id)
    processing: bool = (await client.check_processing_status(same.id)).is_processing
    gone: bool = await client.delete_subscription(made.id)
    print(events, parsed, listed, found, block, processing, gone)
    return live.id


async def chains(client: EventStreamer) -> None:
    config = ChainConfigRequest(chain_id=1, name="Ethereum", rpc_urls=["https://node.example"])
    made: int = (await client.create_chain(config)).chain_id
    await client.update_chain(made, config)
    names: list[str] = [chain.name for chain in (await client.get_all_chains()).chains]
    one = await client.get_chain(1, timeout=2, max_retries=0, headers={"X-Trace": "a1"})
    first: str = (await client.get_block(made, 0)).hash
    total: int = (await client.get_chain_stats()).total_chains
    await client.refresh_chains()
    await client.delete_chain(one.chain_id)
    states: list[str] = [
        b.state for b in (await client.get_circuit_breaker_status()).circuit_breakers.values()
    ]
    rate: float = (await client.get_circuit_breaker_metrics("node")).success_rate
    threshold: int = (await client.get_circuit_breaker_config()).failure_threshold
    health = await client.get_circuit_breaker_health()
    await client.reset_circuit_breaker("node")
    await client.reset_all_circuit_breakers()
    healthy: bool = await client.health_check()
    status: str = (await client.get_health()).status
    print(names, first, total, states, rate, threshold, health, healthy, status)


async def comforts(subscription_id: int) -> None:
    async with EventStreamer.from_env(subscriber_id="my-app") as client:
        patient: EventStreamer = client.with_options(timeout=60, max_retries=5, headers={"X-Team": "data"})
        raw = await patient.with_raw_response.get_chain(1)
        told: tuple[int, str | None, str | None] = (raw.status, raw.request_id, raw.parsed.name)
        one: SubscriptionResponse = await client.wait_until_done(subscription_id, timeout=10)
        pages: list[int] = [page.total async for page in client.iter_subscription_pages(50)]
        some: SubscriptionResponse = await client.subscribe(
            TRANSFER, chain_id=1, start_block=0, where={"to": ["0x" + "ab" * 20]}
        )
        print(told, one.id, one.request_id, pages, some.topics)


async def looks(client: EventStreamer) -> None:
    chains: list[int] = [chain.chain_id for chain in (await client.get_overview()).chains]
    lags: list[float | None] = (await client.get_activity(1, minutes=60)).blocks_behind
    found = (await client.read_abi_events(AbiEventsRequest(source=TRANSFER))).events
    answers: list[Any] = [
        await client.get("/api/new", params={"page": 1}),
        await client.post("/api/new", json={"name": "x"}),
        await client.put("/api/new/1", json={"name": "y"}),
        await client.patch("/api/new/1", json={"name": "z"}),
        await client.delete("/api/new/1"),
        await client.request("GET", "/api/new", headers={"X-Team": "data"}),
    ]
    print(chains, lags, found, answers)


async def by_hand(client: EventStreamer) -> None:
    one = await client.acknowledge_batch(1, "c", BatchAcknowledgmentRequest(batch_id="b"))
    many = await client.acknowledge_batch_bulk(
        1, "c", BulkBatchAcknowledgmentRequest(batch_ids=["b"], connection_id="c")
    )
    request = ClientHeartbeatRequest(timestamp=datetime.now(UTC), sequence_number=1)
    beat = await client.send_heartbeat("c", request)
    print(one.acknowledged, many.failed_batch_ids, beat.acknowledged)


def handlers(stream: StreamingClient) -> None:
    @stream.on_event("Transfer")
    def transfers(events: list[dict[str, Any]]) -> None:
        print(len(events))

    @stream.on_all_events
    async def everything(events: dict[str, list[dict[str, Any]]]) -> None:
        print(events.keys())

    @stream.on_error
    def error(message: StreamingError) -> None:
        print(message.error_code, message.recoverable)

    @stream.on_gap
    def gap(notice: Gap) -> None:
        print(notice.kind)

    @stream.on_heartbeat
    def heartbeat(message: StreamingHeartbeat) -> None:
        print(message.timestamp)

    @stream.on_reorg
    def reorg(message: StreamingReorg) -> None:
        print(message.common_ancestor)

    @stream.on_status
    def status(notice: Status) -> None:
        print(notice.kind.value, notice.reason)

    @stream.on_unknown
    def unknown(message: dict[str, Any]) -> None:
        print(message["type"])

    transfers([])


async def streams(client: EventStreamer, subscription_id: int) -> None:
    stream: StreamingClient = client.create_streaming_client(
        subscription_id,
        resume_token=None,
        client_metadata={"version": "1"},
        auto_acknowledge=False,
        batch_ack_interval=1.0,
        checkpoint="place.json",
        typed=True,
        dedupe=1000,
        confirmations=3,
        on_handler_error="dead_letter",
        dead_letter="dead.jsonl",
        reconnect=Reconnect(attempts=3),
    )
    handlers(stream)
    await stream.connect()
    await stream.start_streaming()
    await stream.resume("token")
    await stream.acknowledge_batch("b")
    failed: list[str] = (await stream.acknowledge_batch_bulk(["b"])).failed_batch_ids
    processing: bool = (await stream.check_processing_status()).is_processing
    beat: bool = (await stream.send_heartbeat()).acknowledged
    token: str | None = stream.get_current_resume_token()
    place = (stream.current_resume_token, stream.connection_id, stream.is_connected, stream.is_running)
    current: Batch | None = stream.current_batch
    name: str | None = stream.current_batch_id
    figures: Stats = stream.stats
    await stream.stop_streaming()
    ended: Report = await stream.wait()
    last: Report | None = stream.report
    print(failed, processing, beat, token, place, current, name, figures.events, ended.reason, last)
    async for batch in stream:
        print(batch.batch_id, batch.events, batch.resume_token)
        await batch.ack()
    one_by_one: AsyncIterator[dict[str, Any]] = stream.events()
    print([event async for event in one_by_one])
    report: Report = await stream.run(into=sink_for("transfers.parquet"), handle_signals=False)
    await stream.disconnect()
    print(report.events)


async def frames(client: EventStreamer) -> None:
    frame: EventFrame = await client.fetch(
        TRANSFER, chain_id=1, start_block=0, end_block=9, where="value > 0"
    )
    values: list[int] = [event["value"] for event in frame]
    print(values, len(frame), frame.column("value"), frame.to_pandas(), frame.to_polars())
    frame.to_arrow()  # pyright: ignore[reportUnknownMemberType]  # pyarrow brings no types
    frame.plot("sum", of="value").save("picture.png")


async def main() -> None:
    async with EventStreamer("http://localhost:8000", "me", api_key="key", max_retries=1) as client:
        number = await subscriptions(client)
        await chains(client)
        await by_hand(client)
        await streams(client, number)
        await frames(client)
        await client.close()
