"""Both kinds of service are read: what the document shows, and what the published package's models expect."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_sdk._core.call.compat import normalised
from support.scripted_server import Reply, ScriptedServer
from support.twins import Twin

pytestmark = pytest.mark.quick

NOW = "2024-05-23T10:30:00.000Z"


@pytest.mark.parametrize(
    ("method", "arguments", "answer", "expected"),
    [
        (
            "get_circuit_breaker_health",
            (),
            {
                "overall_health": "healthy",
                "health_percentage": 75.0,
                "total_circuit_breakers": 4,
                "healthy_circuit_breakers": 3,
                "unhealthy_circuit_breakers": 1,
                "rpc_clients": {"1": {"state": "closed"}},
                "last_updated": NOW,
            },
            {"healthy_rpcs": 3, "total_rpcs": 4, "unhealthy_chains": None, "health_percentage": 75.0},
        ),
        (
            "get_circuit_breaker_health",
            (),
            {"healthy_rpcs": 3, "total_rpcs": 4, "unhealthy_chains": [137]},
            {"healthy_circuit_breakers": 3, "total_circuit_breakers": 4, "unhealthy_chains": [137]},
        ),
        (
            "get_chain_stats",
            (),
            {
                "loaded": True,
                "total_chains": 3,
                "supported_chain_ids": [1, 137],
                "last_refresh": NOW,
                "timestamp": NOW,
            },
            {"active_chains": 2, "healthy_rpcs": None, "total_chains": 3, "loaded": True},
        ),
        (
            "get_chain_stats",
            (),
            {"total_chains": 3, "active_chains": 1, "healthy_rpcs": 5},
            {"active_chains": 1},
        ),
        ("get_chain", (1,), {"chain_id": 1, "name": "E", "is_active": False}, {"status": "inactive"}),
        ("get_chain", (1,), {"chain_id": 1, "status": "odd", "is_active": True}, {"status": "odd"}),
        (
            "delete_chain",
            (1,),
            {"message": "deleted", "chain_id": 1, "timestamp": NOW},
            {"message": "deleted", "status": None, "rpc_urls": None},
        ),
        ("reset_all_circuit_breakers", (), {"message": "done", "status": "success"}, {"reset_count": None}),
        ("reset_all_circuit_breakers", (), {"reset_count": 4}, {"message": None, "reset_count": 4}),
    ],
)
def test_what_one_kind_lacks_is_filled_in_or_none(
    method: str,
    arguments: tuple[Any, ...],
    answer: Any,
    expected: dict[str, Any],
    client: Twin,
    server: ScriptedServer,
) -> None:
    server.script(Reply(200, answer))
    result = getattr(client, method)(*arguments)
    assert {name: getattr(result, name) for name in expected} == expected


@pytest.mark.parametrize("name", ["timestamp", "server_timestamp"])
def test_a_heartbeats_time_is_read_under_either_name(name: str, client: Twin, server: ScriptedServer) -> None:
    import datetime

    from event_streamer_sdk.models import ClientHeartbeatRequest

    server.script(Reply(200, {"acknowledged": True, name: NOW}))
    beat = ClientHeartbeatRequest(timestamp=datetime.datetime.now(datetime.UTC))
    answer = client.send_heartbeat("conn_1", beat)
    assert answer.timestamp == answer.server_timestamp == datetime.datetime.fromisoformat(NOW)


def test_chains_are_a_list_whether_they_come_as_a_list_or_a_map(client: Twin, server: ScriptedServer) -> None:
    server.script(
        Reply(200, {"chains": [{"chain_id": 1, "name": "Ethereum", "status": "active"}]}),
        Reply(
            200,
            {
                "chains": {
                    "1": {"name": "Ethereum", "is_active": True, "historical_rpc_url": "http://node"},
                    "137": {"chain_id": 137},
                },
                "total_chains": 2,
                "timestamp": NOW,
            },
        ),
    )
    listed, mapped = client.get_all_chains(), client.get_all_chains()
    assert [(chain.chain_id, chain.name, chain.status) for chain in listed.chains] == [
        (1, "Ethereum", "active")
    ]
    assert [(chain.chain_id, chain.name, chain.status) for chain in mapped.chains] == [
        (1, "Ethereum", "active"),
        (137, "137", None),
    ]
    assert mapped.chains[0]["historical_rpc_url"] == "http://node"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(
    ["chains", "is_active", "status", "supported_chain_ids", "healthy_rpcs", "timestamp", "server_timestamp"]
)
calls = st.sampled_from(
    [
        "get_all_chains",
        "get_chain",
        "get_chain_stats",
        "get_circuit_breaker_health",
        "send_heartbeat",
        "other",
    ]
)


@given(calls, st.dictionaries(keys, json_values) | json_values)
def test_no_answer_is_changed_in_place_or_makes_it_fail(call: str, body: Any) -> None:
    before = repr(body)
    once = normalised(call, body)
    assert repr(body) == before
    assert normalised(call, once) == once
