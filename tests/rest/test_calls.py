"""Every call of the wire: what goes out, and what its answer becomes. One row a call, for both clients."""

import datetime
from typing import Any

import pytest
from attrs import Factory, frozen

from event_streamer_api.api import stream, subscriptions
from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_sdk.models import (
    ABIEvent,
    AbiEventsRequest,
    AbiEventsResponse,
    ActivityResponse,
    BatchAcknowledgmentRequest,
    BatchAcknowledgmentResponse,
    BlockResponse,
    BulkBatchAcknowledgmentRequest,
    BulkBatchAcknowledgmentResponse,
    ChainConfigRequest,
    ChainConfigResponse,
    ChainListResponse,
    ChainStatsResponse,
    CircuitBreakerConfigResponse,
    CircuitBreakerHealthResponse,
    CircuitBreakerMetrics,
    CircuitBreakerResetResponse,
    CircuitBreakerStatusResponse,
    ClientHeartbeatRequest,
    ClientHeartbeatResponse,
    HealthResponse,
    OverviewResponse,
    ProcessingStatusResponse,
    SubscriptionCreate,
    SubscriptionListResponse,
    SubscriptionResponse,
    SubscriptionUpdate,
)
from support.scripted_server import Reply, ScriptedServer
from support.twins import Twin

pytestmark = pytest.mark.quick

NOW = datetime.datetime(2024, 5, 23, 10, 30, tzinfo=datetime.UTC)
TOPIC0 = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TRANSFER = {
    "type": "event",
    "name": "Transfer",
    "inputs": [
        {"name": "from", "type": "address", "indexed": True},
        {"name": "to", "type": "address", "indexed": True},
        {"name": "value", "type": "uint256", "indexed": False},
    ],
    "anonymous": False,
}
SUBSCRIPTION = {
    "id": 123,
    "topic0": TOPIC0,
    "event_signature": TRANSFER,
    "addresses": [],
    "start_block": 5,
    "chain_id": 1,
    "subscriber_id": "my-app",
}
LISTING = {"subscriptions": [SUBSCRIPTION], "total": 1, "page": 1, "page_size": 20}
ACK = {"acknowledged": True, "batch_id": "b/1"}
OVERVIEW = {
    "timestamp": "2024-05-23T10:30:00Z",
    "version": "1.0.0",
    "caller": {"subscriber_id": "my-app", "is_admin": False, "needs_key": False},
    "chains": [],
    "subscriptions": [],
    "connections": [],
    "notices": [],
}
ACTIVITY = {"step": 5.0, "timestamps": [], "events_per_second": [], "blocks_behind": []}
BULK = {
    "total_batches": 2,
    "acknowledged_batches": 1,
    "failed_batches": 1,
    "failed_batch_ids": ["b2"],
    "total_events_acknowledged": 10,
}
PROCESSING = {"subscription_id": 123, "is_processing": True, "connection_count": 2}
BREAKERS = {"circuit_breakers": {"ethereum_rpc": {"state": "closed", "failure_count": 0}}}
CONFIG = {
    "failure_threshold": 5,
    "recovery_timeout": 60,
    "success_threshold": 3,
    "timeout": 30,
    "half_open_max_calls": 3,
}
CHAIN = {"chain_id": 137, "name": "Polygon"}
BLOCK = {"chain_id": 137, "number": 5, "hash": "0x" + "ab" * 32, "timestamp": "2024-01-01T00:01:00Z"}
POLYGON = ChainConfigRequest(chain_id=137, name="Polygon", rpc_urls=["https://polygon-rpc.com"])


@frozen
class Row:
    """A call, the request it makes, and what the answer is read as."""

    method: str
    arguments: tuple[Any, ...]
    request: str
    answer: Any
    result: Any
    query: dict[str, str] = Factory(dict)
    body: Any = None

    def __str__(self) -> str:
        return self.method


ROWS = [
    Row("get_health", (), "GET /health", {"status": "healthy"}, HealthResponse),
    Row(
        "create_subscription",
        (SubscriptionCreate(event_signature=ABIEvent.from_dict(TRANSFER), start_block=5, chain_id=1),),
        "POST /subscriptions",
        SUBSCRIPTION,
        SubscriptionResponse,
        body={
            "topic0": TOPIC0,
            "event_signature": TRANSFER,
            "addresses": [],
            "start_block": 5,
            "chain_id": 1,
            "subscriber_id": "my-app",
        },
    ),
    Row(
        "list_subscriptions",
        (2, 50),
        "GET /subscriptions",
        LISTING,
        SubscriptionListResponse,
        query={"subscriber_id": "my-app", "page": "2", "page_size": "50"},
    ),
    Row(
        "list_subscriptions",
        (),
        "GET /subscriptions",
        LISTING,
        SubscriptionListResponse,
        query={"subscriber_id": "my-app", "page": "1", "page_size": "20"},
    ),
    Row(
        "get_subscription",
        (123,),
        "GET /subscriptions/123",
        SUBSCRIPTION,
        SubscriptionResponse,
        query={"subscriber_id": "my-app"},
    ),
    Row(
        "update_subscription",
        (123, SubscriptionUpdate(end_block=None, is_streaming=True)),
        "PUT /subscriptions/123",
        SUBSCRIPTION,
        SubscriptionResponse,
        body={"end_block": None, "is_streaming": True},
    ),
    Row("delete_subscription", (123,), "DELETE /subscriptions/123", None, True),
    Row(
        "acknowledge_batch",
        (123, "conn_1", BatchAcknowledgmentRequest(batch_id="b/1")),
        "POST /subscriptions/123/stream/conn_1/ack/batch",
        ACK,
        BatchAcknowledgmentResponse,
        body={"batch_id": "b/1"},
    ),
    Row(
        "acknowledge_batch_bulk",
        (123, "conn_1", BulkBatchAcknowledgmentRequest(batch_ids=["b1", "b2"], connection_id="conn_1")),
        "POST /subscriptions/123/stream/conn_1/ack/batch/bulk",
        BULK,
        BulkBatchAcknowledgmentResponse,
        body={"batch_ids": ["b1", "b2"], "connection_id": "conn_1"},
    ),
    Row(
        "send_heartbeat",
        ("conn_1", ClientHeartbeatRequest(timestamp=NOW, sequence_number=3)),
        "POST /stream/conn_1/heartbeat",
        {"acknowledged": True},
        ClientHeartbeatResponse,
        body={"timestamp": "2024-05-23T10:30:00Z", "sequence_number": 3},
    ),
    Row(
        "check_processing_status",
        (123,),
        "GET /subscriptions/123/processing-status",
        PROCESSING,
        ProcessingStatusResponse,
    ),
    Row(
        "get_subscription_last_processed_block",
        (123, 1),
        "GET /subscriptions/123/last-processed-block",
        {"last_processed_block": 19_000_001},
        19_000_001,
        query={"chain_id": "1"},
    ),
    Row(
        "get_circuit_breaker_status",
        (),
        "GET /api/circuit-breakers/status",
        BREAKERS,
        CircuitBreakerStatusResponse,
    ),
    Row(
        "get_circuit_breaker_health", (), "GET /api/circuit-breakers/health", {}, CircuitBreakerHealthResponse
    ),
    Row(
        "get_circuit_breaker_config",
        (),
        "GET /api/circuit-breakers/config",
        CONFIG,
        CircuitBreakerConfigResponse,
    ),
    Row(
        "get_circuit_breaker_metrics",
        ("ethereum rpc/1",),
        "GET /api/circuit-breakers/ethereum%20rpc%2F1/metrics",
        {"name": "ethereum rpc/1", "success_rate": 0.5},
        CircuitBreakerMetrics,
    ),
    Row(
        "reset_all_circuit_breakers",
        (),
        "POST /api/circuit-breakers/reset",
        {"reset_count": 2},
        CircuitBreakerResetResponse,
    ),
    Row(
        "reset_circuit_breaker",
        ("polygon_rpc",),
        "POST /api/circuit-breakers/polygon_rpc/reset",
        {"message": "reset", "status": "success"},
        CircuitBreakerResetResponse,
    ),
    Row("get_all_chains", (), "GET /api/chains", {"chains": [CHAIN]}, ChainListResponse),
    Row("get_chain_stats", (), "GET /api/chains/stats", {"total_chains": 1}, ChainStatsResponse),
    Row("get_chain", (137,), "GET /api/chains/137", CHAIN, ChainConfigResponse),
    Row("get_block", (137, 5), "GET /api/chains/137/blocks/5", BLOCK, BlockResponse),
    Row("create_chain", (POLYGON,), "POST /api/chains", CHAIN, ChainConfigResponse, body=POLYGON.to_dict()),
    Row(
        "update_chain",
        (137, POLYGON),
        "PUT /api/chains/137",
        CHAIN,
        ChainConfigResponse,
        body=POLYGON.to_dict(),
    ),
    Row("delete_chain", (137,), "DELETE /api/chains/137", CHAIN, ChainConfigResponse),
    Row("get_overview", (), "GET /api/overview", OVERVIEW, OverviewResponse),
    Row(
        "get_activity",
        (7, 60),
        "GET /api/activity",
        ACTIVITY,
        ActivityResponse,
        query={"subscription_id": "7", "minutes": "60"},
    ),
    Row(
        "read_abi_events",
        (AbiEventsRequest(source="event A()"),),
        "POST /api/abi/events",
        {"events": [], "left_out": []},
        AbiEventsResponse,
        body={"source": "event A()"},
    ),
    Row("refresh_chains", (), "POST /api/chains/refresh", CHAIN, ChainConfigResponse),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_call_sends_its_request_and_reads_its_answer(
    row: Row, client: Twin, server: ScriptedServer
) -> None:
    server.script(Reply(204 if row.answer is None else 200, row.answer))
    result = getattr(client, row.method)(*row.arguments)
    assert result == (row.result.from_dict(row.answer) if isinstance(row.result, type) else row.result)
    [request] = server.requests
    assert f"{request.method} {request.path}" == row.request
    assert request.query == row.query
    assert request.json == row.body
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"].startswith("event-streamer-sdk/1.")


def test_every_call_of_the_wire_has_a_row() -> None:
    from event_streamer_api.client import AsyncCalls

    generated = {name for name in vars(AsyncCalls) if not name.startswith("_")}
    assert generated <= {row.method for row in ROWS}


def test_the_stream_request_is_built_for_the_reader() -> None:
    operation = stream.stream_subscription(123, "rt_a+/=&#%", x_client_metadata='{"version":"1.0.0"}')
    assert (operation.method, operation.path) == ("GET", "/subscriptions/123/stream")
    assert operation.params == {"resume_token": "rt_a+/=&#%"}
    assert operation.headers == {"X-Client-Metadata": '{"version":"1.0.0"}'}
    assert operation.safe


def test_only_what_may_be_repeated_says_so() -> None:
    body = SubscriptionCreate(event_signature=ABIEvent.from_dict(TRANSFER), start_block=5, chain_id=1)
    assert not subscriptions.create_subscription(body).safe
    assert subscriptions.delete_subscription(1).safe
    assert stream.acknowledge_batch(1, "c", BatchAcknowledgmentRequest(batch_id="b")).safe


def test_an_operation_is_immutable() -> None:
    operation = subscriptions.get_subscription(1)
    with pytest.raises(AttributeError):
        operation.path = "/other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("method", "arguments", "told"),
    [
        ("get_subscription", (0,), "get_subscription: subscription_id must be 1 or more, got 0"),
        ("get_subscription", ("1",), "get_subscription: subscription_id must be an integer, got '1'"),
        ("list_subscriptions", (0,), "list_subscriptions: page must be 1 or more, got 0"),
        ("list_subscriptions", (1, 5000), "list_subscriptions: page_size must be 1000 or less, got 5000"),
        ("get_chain", (-1,), "get_chain: chain_id must be 1 or more, got -1"),
        ("reset_circuit_breaker", ("",), "reset_circuit_breaker: name must have 1 character or more"),
        ("create_chain", ({"chain_id": 1},), "create_chain: config must be of the model ChainConfigRequest"),
        (
            "create_subscription",
            ({"chain_id": 1},),
            "create_subscription takes a SubscriptionCreate, not dict",
        ),
        (
            "update_subscription",
            (1, None),
            "update_subscription: update must be of the model SubscriptionUpdate",
        ),
    ],
)
def test_a_wrong_argument_is_told_before_anything_is_sent(
    method: str, arguments: Any, told: str, client: Twin, server: ScriptedServer
) -> None:
    with pytest.raises(EventStreamerValidationError) as caught:
        getattr(client, method)(*arguments)
    assert str(caught.value).startswith(told)
    assert not server.requests


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(200, {"status": "healthy", "timestamp": "2024-05-23T10:30:00Z"}), None),
        (Reply(200, {"status": "degraded"}), "it is 'degraded'"),
        (Reply(200, body=b"<html>"), "JSON"),
        (Reply(503, {"error": "starting"}), "503"),
        (Reply(401, {"error": "no key"}), "no key"),
        (Reply(404, {"error": "no such path"}), "404"),
    ],
)
def test_health_check_is_true_or_false_and_the_log_says_why(
    reply: Reply, why: str | None, client: Twin, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "event_streamer_sdk")
    server.script(reply)
    assert client.health_check() is (why is None)
    assert len(server.requests) == 1
    told = [record.getMessage() for record in caplog.records if "health_check" in record.getMessage()]
    assert len(told) == (why is not None)
    assert why is None or why in told[0]


def test_a_subscription_that_is_not_processed_has_no_last_block(client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(404, {"detail": "not processing"}), Reply(200, {"last_processed_block": None}))
    assert client.get_subscription_last_processed_block(123, 1) is None
    assert client.get_subscription_last_processed_block(123) is None


def test_all_pages_are_gone_through(client: Twin, server: ScriptedServer) -> None:
    def page(number: int, ids: list[int]) -> Reply:
        found = [{**SUBSCRIPTION, "id": each} for each in ids]
        return Reply(200, {"subscriptions": found, "total": 5, "page": number, "page_size": 2})

    server.script(page(1, [1, 2]), page(2, [3, 4]), page(3, [5]))
    assert [found.id for found in client.iter_subscriptions(page_size=2)] == [1, 2, 3, 4, 5]
    assert [request.query["page"] for request in server.requests] == ["1", "2", "3"]


def test_the_iterator_ends_when_subscriptions_vanish_meanwhile(client: Twin, server: ScriptedServer) -> None:
    server.script(
        Reply(200, {"subscriptions": [SUBSCRIPTION], "total": 9, "page": 1, "page_size": 1}),
        Reply(200, {"subscriptions": [], "total": 9, "page": 2, "page_size": 1}),
    )
    assert len(client.iter_subscriptions(page_size=1)) == 1
