"""
Every Python block of the document, run against the service as it stands, and as its blocking twin.

The blocks are taken from the document itself. A block that leaves something to the reader (a function, a
placeholder, a token of another service) gets just that; what is changed stands with its test. The blocks that
show a shape and no program are compared with the real thing in `test_document_shapes.py`.
"""

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import event_streamer_sdk
from event_streamer_sdk import models
from event_streamer_sdk.models import (
    StreamingError,
    StreamingHeartbeat,
    SubscriptionCreate,
)
from event_streamer_sdk.streaming_client import get_current_batch_id
from event_streamer_service import DevChain, LocalService
from event_streamer_service.chains.config import ChainConfig
from event_streamer_service.devchain.server import DevChainServer
from support.document_tables import MESSAGES, MODELS, SIGNATURES
from support.documents import Block
from support.scene import DOCUMENT, Scene, python_blocks, scene
from support.twins import KINDS

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not DOCUMENT.exists(), reason=f"the document {DOCUMENT.name} is not beside the project"
    ),
    pytest.mark.quick,
]

Test = Callable[[Scene, Block], None]

TOKEN = "0xA0b86a33E6417b3c4555ba476F04245600306D5D"
TRANSFER = "event Transfer(address indexed from, address indexed to, uint256 value)"
APPROVAL = "event Approval(address indexed owner, address indexed spender, uint256 value)"
FIRST = 19_000_000
FOREVER = ("asyncio.sleep(30)", "asyncio.sleep(0.01)")
"""The document waits half a minute between two looks."""

SHOWN: dict[tuple[str, int], Test] = {}
"""Heading and number of a block → the test that runs it."""


def shows(heading: str, number: int = 0) -> Callable[[Test], Test]:
    """Say which block a test runs."""

    def register(test: Test) -> Test:
        SHOWN[heading, number] = test
        return test

    return register


BLOCKS = python_blocks() if DOCUMENT.exists() else {}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stage(kind: str) -> Iterator[Scene]:
    with scene(kind) as made:
        yield made


def test_every_python_block_is_run_or_compared() -> None:
    shapes = MODELS | MESSAGES | set(SIGNATURES)
    assert set(SHOWN) | shapes == set(BLOCKS)
    assert not set(SHOWN) & shapes


# --- streams ------------------------------------------------------------------------------------------


def subscribe(stage: Scene, *, blocks: int | None = 20, event: str = TRANSFER) -> int:
    """Subscribe to the document's token over the first blocks of the chain, or from its head on for ever."""
    start = FIRST if blocks is not None else stage.service.chain.head_number + 1
    end = None if blocks is None else FIRST + blocks
    made = stage.wait(
        stage.client.subscribe(event, addresses=[TOKEN], chain_id=1, start_block=start, end_block=end)
    )
    return int(made.id)


def streaming(stage: Scene, **options: Any) -> Any:
    """A streaming client of a subscription that lasts."""
    return stage.client.create_streaming_client(subscribe(stage, blocks=None), **options)


def start(stage: Scene, client: Any) -> None:
    stage.wait(client.start_streaming())
    stage.eventually(lambda: client.is_connected)


def mine_until(stage: Scene, happened: Callable[[], Any]) -> None:
    """Mine block after block until their events have done something."""

    def look() -> Any:
        stage.service.chain.mine()
        return happened()

    stage.eventually(look)


@shows("HTTP Streaming Example")
def quick_start(stage: Scene, block: Block) -> None:
    printed = stage.run(block)
    assert "Created subscription: 1\n" in printed
    shown = re.findall(r"^Transfer: (0x\w{40}) -> (0x\w{40}): \d+$", printed, re.MULTILINE)
    assert len(shown) == stage.wait(stage.client.get_subscription(1)).events_delivered > 1000
    assert stage.service.journal.acknowledged(1)


@shows("Resume Capability Example")
def resume(stage: Scene, block: Block) -> None:
    # The token and the subscription are another service's: ours take their places.
    subscription = subscribe(stage, blocks=2000)
    stage.names["first"] = stage.client.create_streaming_client(subscription)
    stage.run_code(block, "async for batch in first:\n    break")
    before = stage.names["batch"]
    printed = stage.run(
        block,
        ("rt_eyJzdWJzY3JpcHRpb25faWQiOjEyMywi...", before.resume_token),
        ("subscription_id=123", f"subscription_id={subscription}"),
        FOREVER,
    )
    assert stage.service.journal.tokens(subscription) == [None, before.resume_token]
    total = stage.wait(stage.client.get_subscription(subscription)).events_delivered
    assert printed.count("Transfer: 0x") == total - len(before.events["Transfer"]) > 0
    assert "Error" not in printed


@shows("Event Handler Registration")
def registration(stage: Scene, block: Block) -> None:
    # `client` is the streaming client here.
    service_heartbeats = stage.names["client"] = streaming(stage)
    stage.names.update(
        {"List": list, "Dict": dict, "Any": Any}
        | {"StreamingHeartbeat": StreamingHeartbeat, "StreamingError": StreamingError}
    )
    stage.run(block)
    handled: list[Any] = []
    service_heartbeats.on_all_events(stage.plain(handled.append))
    start(stage, service_heartbeats)
    with stage.printing() as printed:
        mine_until(stage, lambda: handled)
        stage.service.faults.add("end")
        mine_until(stage, lambda: "Error: " in printed())
    stage.wait(service_heartbeats.disconnect())


@shows("Bulk Acknowledgment")
def bulk_acknowledgment(stage: Scene, block: Block) -> None:
    # `current_batch_id` is "available in the handler context": as an attribute of the client.
    client = stage.names["streaming_client"] = streaming(stage, auto_acknowledge=False)
    start(stage, client)
    stage.run(
        block,
        ("batch_ids.append(current_batch_id)", "batch_ids.append(streaming_client.current_batch_id)"),
        ("asyncio.sleep(5)", "asyncio.sleep(0.01)"),
    )
    with stage.printing() as printed:
        mine_until(stage, lambda: stage.service.journal.acknowledged(client.subscription_id))
        # The program of the document does not expect to be stopped with an acknowledgement on its way.
        stage.eventually(lambda: everything_is_acknowledged(stage, client.subscription_id))
        stage.eventually(lambda: re.search(r"^Acknowledged [1-9]\d* batches$", printed(), re.MULTILINE))
        assert "Processing transfer: 0x" in printed()
        assert "Total events acknowledged: " in printed()
        assert "Failed to acknowledge" not in printed()
        stage.wait(client.disconnect())
        task = stage.names["bulk_task"]
        task.join() if stage.kind == "sync" else stage.wait(task)


def everything_is_acknowledged(stage: Scene, subscription_id: int) -> bool:
    sent = stage.service.journal.entries("batch", subscription_id=subscription_id)
    acknowledged = stage.service.journal.acknowledged(subscription_id)
    return len(acknowledged) == len(sent) and not stage.names["batch_ids"]


@shows("7. Handle Auto-Acknowledgment")
def auto_acknowledgment(stage: Scene, block: Block) -> None:
    # `get_current_batch_id` is "implementation specific": ours is a function of the SDK.
    handled: list[Any] = []
    stage.names.update(
        subscription_id=subscribe(stage, blocks=None),
        process_transfer=stage.plain(handled.append),
        get_current_batch_id=get_current_batch_id,
    )
    stage.run(block)
    client = stage.names["streaming_client"]
    start(stage, client)
    mine_until(stage, lambda: stage.service.journal.acknowledged(client.subscription_id))
    assert handled
    stage.wait(client.disconnect())


@shows("2. Handle Events Efficiently")
def efficient_handler(stage: Scene, block: Block) -> None:
    client = stage.names["client"] = streaming(stage)
    handled: list[Any] = []
    stage.names["process_event_async"] = stage.plain(handled.append)
    stage.run(block)
    start(stage, client)
    mine_until(stage, lambda: handled)
    assert handled[0]["address"] == TOKEN.lower()
    stage.wait(client.disconnect())


@shows("3. Use Specific Event Handlers")
def specific_handlers(stage: Scene, block: Block) -> None:
    client = stage.names["client"] = streaming(stage)
    stage.run(block)
    start(stage, client)
    mine_until(stage, lambda: client.stats.events)
    stage.wait(client.disconnect())


@shows("4. Implement Resume Token Persistence")
def token_persistence(stage: Scene, block: Block) -> None:
    subscription = subscribe(stage)
    stored: dict[int, str] = {}
    client = stage.client.create_streaming_client(subscription)
    client.on_all_events(lambda events: None)
    stage.wait(client.start_streaming())
    stage.eventually(lambda: not client.is_running)
    stage.names.update(
        streaming_client=client,
        subscription_id=subscription,
        save_resume_token_to_storage=stage.plain(stored.__setitem__),
        load_resume_token_from_storage=stage.plain(stored.__getitem__),
    )
    stage.run(block)
    assert stored[subscription].startswith("rt_")
    assert stage.names["streaming_client"] is not client
    assert stage.names["streaming_client"].get_current_resume_token() == stored[subscription]


@shows("5. Handle Connection Errors Gracefully")
def connection_errors(stage: Scene, block: Block) -> None:
    client = stage.names["streaming_client"] = streaming(stage)
    client.on_all_events(lambda events: None)
    stage.run(block, ("2 ** attempt + random.uniform(0, 1)", "0.01 * random.uniform(0, 1)"))
    handle_error = stage.names["handle_error"]
    assert stage.names["random"] is random
    start(stage, client)
    with stage.printing() as printed:
        for code in ("CONNECTION_LOST", "PROCESSING_STOPPED", "RATE_LIMITED"):
            stage.wait(handle_error(StreamingError(error_code=code, error_message="said the service")))
        shown = printed()
    assert "Reconnected successfully on attempt 1" in shown
    assert "Processing stopped - checking status..." in shown
    assert "Streaming error [RATE_LIMITED]: said the service" in shown
    assert client.is_running
    stage.wait(client.disconnect())


@shows("6. Monitor Connection Health")
def connection_health(stage: Scene, block: Block) -> None:
    client = stage.names["streaming_client"] = streaming(stage)
    client.on_all_events(lambda events: None)
    stage.wait(client.connect())
    printed = stage.run(block, FOREVER)
    assert re.search(r"^Client heartbeat acknowledged at \d{4}-\d\d-\d\d ", printed, re.MULTILINE)
    start(stage, client)
    before = len(stage.service.journal.entries("heartbeat"))
    code = "monitor = asyncio.create_task(monitor_connection_health())"
    stage.run_code(block, code)
    stage.eventually(lambda: len(stage.service.journal.entries("heartbeat")) > before + 2)
    assert stage.names["heartbeat_failures"] == 0
    stage.wait(client.disconnect())
    monitor = stage.names["monitor"]
    monitor.join() if stage.kind == "sync" else stage.wait(monitor)


@shows("Processing Status Monitoring")
def processing_status(stage: Scene, block: Block) -> None:
    # The block looks for ever; here it looks once.
    client = stage.names["streaming_client"] = streaming(stage)
    client.on_all_events(lambda events: None)
    start(stage, client)
    printed = stage.run(block, ("await asyncio.sleep(30)  # Check every 30 seconds", "break"))
    assert f"Subscription {client.subscription_id} processing: True" in printed
    assert "Active connections: 1" in printed
    assert "not being processed" not in printed
    stage.wait(client.disconnect())


# --- calls --------------------------------------------------------------------------------------------


@shows("1. Use Context Managers")
def context_manager(stage: Scene, block: Block) -> None:
    stage.names.update(service_url=stage.service.url, subscriber_id="my-app")
    stage.names.update(
        {name: getattr(event_streamer_sdk, name) for name in ("EventStreamer", "SyncEventStreamer")}
    )
    stage.run(block)


@shows("Supported Chains")
def supported_chains(stage: Scene, block: Block) -> None:
    assert re.search(r"^Chain 1: \S.* - Status: active$", stage.run(block), re.MULTILINE)


@shows("Error Handling", 1)
def error_handling(stage: Scene, block: Block) -> None:
    handler_client = streaming(stage)
    stage.names.update(
        subscription_data=SubscriptionCreate(
            event_signature=models.ABIEvent(type="event", name="Ping"), start_block=FIRST, chain_id=1
        ),
        streaming_client=handler_client,
    )
    short = [("asyncio.sleep(30)", "asyncio.sleep(0)"), ("asyncio.sleep(60)", "asyncio.sleep(0)")]
    printed = stage.run(block, *short)
    assert printed == "Chain not found\n"
    assert stage.names["subscription"].id == 2
    assert stage.names["status"].circuit_breakers
    handle = stage.names["handle_streaming_error"]
    with stage.printing() as printed_later:
        for code in ("SUBSCRIPTION_NOT_FOUND", "CIRCUIT_BREAKER_OPEN", "RATE_LIMITED", "OTHER"):
            stage.wait(handle(StreamingError(error_code=code, error_message="said the service")))
        shown = printed_later()
    assert "Subscription deleted - recreating..." in shown
    assert "Circuit breaker open - waiting for recovery..." in shown
    assert "Unhandled error: said the service" in shown


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (422, "Invalid subscription data: create_subscription failed: 422"),
        (503, "Connection failed: create_subscription failed: 503"),
        (401, "Authentication failed: create_subscription failed: 401"),
        (None, "Connection failed: create_subscription failed: "),
    ],
)
def test_each_branch_of_the_documents_error_handling_is_reached(
    fault: int | None, told: str, stage: Scene
) -> None:
    stage.names.update(
        subscription_data=SubscriptionCreate(
            event_signature=models.ABIEvent(type="event", name="Ping"), start_block=FIRST, chain_id=1
        ),
        streaming_client=streaming(stage),
    )
    if fault is None:
        stage.service.stop()
    else:
        stage.service.faults.add("status", status=fault, path="/subscriptions", times=None)
    block = BLOCKS["Error Handling", 1]
    end = block.code.index("# Circuit breaker error handling")
    assert told in stage.run_code(block, block.code[:end])


@pytest.fixture
def two_chains() -> Iterator[LocalService]:
    """A service that reads two nodes, with the circuit breakers that the document names."""
    with (
        DevChainServer(DevChain(chain_id=1, first_block=FIRST)) as ethereum,
        DevChainServer(DevChain(chain_id=137)) as polygon,
    ):
        yield LocalService(
            chains=[
                ChainConfig(
                    chain_id=1, name="Ethereum Mainnet", rpc_urls=[ethereum.url], average_block_time=12.0
                ),
                ChainConfig(chain_id=137, name="Polygon", rpc_urls=[polygon.url], average_block_time=2.0),
            ]
        )


@shows("Circuit Breaker Management", 1)
def circuit_breakers(stage: Scene, block: Block) -> None:
    subscription = subscribe(stage)
    client = stage.client.create_streaming_client(subscription)
    client.on_all_events(lambda events: None)
    stage.wait(client.start_streaming())
    stage.eventually(lambda: not client.is_running)
    printed = stage.run(block)
    assert "Circuit breakers: 2\n" in printed
    assert "  ethereum_rpc: closed (failures: 0)" in printed
    assert "Healthy RPC clients: 2/2\n" in printed
    assert "Unhealthy chains" not in printed
    assert "Success rate: 100.00%\n" in printed
    assert re.search(r"^Average response time: \d+\.\d\dms$", printed, re.MULTILINE)
    assert "Reset 2 circuit breakers\nPolygon RPC circuit breaker reset\n" in printed


@shows("Chain Configuration Management", 1)
def chain_configuration(stage: Scene, block: Block) -> None:
    printed = stage.run(block)
    for line in ("Active chains: 1", "Total chains: 1", "Healthy RPC endpoints: 1", "Created chain: 137"):
        assert f"{line}\n" in printed
    assert re.search(r"^  Chain 1: \S.* - active$", printed, re.MULTILINE)
    assert "RPC URLs: [" in printed
    assert printed.endswith("Chain configurations refreshed\n")
    assert stage.wait(stage.client.get_chain(137)).rpc_urls == ["https://polygon-rpc.com"]


# --- ABI ----------------------------------------------------------------------------------------------


@shows("Extract Specific Event")
def extract_one(stage: Scene, block: Block) -> None:
    # The address is a placeholder; the block defines main() and leaves its call to the reader.
    stage.names.update(
        {name: getattr(event_streamer_sdk, name) for name in ("EventStreamer", "SyncEventStreamer")}
    )
    stage.names["SubscriptionCreate"] = SubscriptionCreate
    stage.run(block, ('"0x..."', f'"{TOKEN}"'))
    stage.run_code(block, "await main()")


@shows("Extract All Events")
def extract_all(stage: Scene, block: Block) -> None:
    stage.names["erc20_abi"] = f"{TRANSFER}\n{APPROVAL}"
    stage.run(block)
    assert stage.names["approval_event"].name == "Approval"


@shows("Complex Tuple Support")
def tuples(stage: Scene, block: Block) -> None:
    assert stage.run(block) == "Tuple components: 4\n"
    assert len(stage.names["position_event"].inputs[0].components[3].components) == 2


@shows("Error Handling")
def abi_errors(stage: Scene, block: Block) -> None:
    stage.names["abi_json"] = f"{TRANSFER}\n{APPROVAL}"
    stage.names["contract_abi"] = '[{"type": "function", "name": "f", "inputs": [], "outputs": []}]'
    printed = stage.run(block)
    assert printed.startswith("Event not found: ")
    assert "Transfer" in printed
    assert "Approval" in printed
    assert "f" in stage.names["functions"]
    stage.names["contract_abi"] = "[{]"
    assert "ABI parsing failed: " in stage.run(block)


@pytest.mark.parametrize("key", SHOWN, ids=lambda key: f"{key[0]}-{key[1]}")
def test_block(key: tuple[str, int], kind: str, request: pytest.FixtureRequest) -> None:
    test = SHOWN[key]
    service = request.getfixturevalue("two_chains") if test is circuit_breakers else None
    with scene(kind, service) as stage:
        test(stage, BLOCKS[key])
