"""Creates bear an `Idempotency-Key`, and are repeated where the service heeds it."""

import socket
import struct
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from event_streamer_sdk.exceptions import (
    EventStreamerConflictError,
    EventStreamerSDKError,
    EventStreamerServerError,
    EventStreamerValidationError,
)
from event_streamer_sdk.models import ABIEvent, ChainConfigRequest, SubscriptionCreate
from event_streamer_service import DevChain, LocalService
from support.relay import Relay
from support.scripted_server import Reply, ScriptedServer
from support.twins import Twin, twin

CHAIN = {"chain_id": 1, "name": "Ethereum Mainnet", "status": "active"}
CONFIG = ChainConfigRequest(chain_id=1, name="Ethereum", rpc_urls=["http://node.test"])
WANTED = SubscriptionCreate(event_signature=ABIEvent(type="event", name="E"), chain_id=1, start_block=0)
HEEDS = Reply(json={"status": "healthy", "features": ["idempotency-key"]})
BUSY = Reply(status=503, headers={"Retry-After": "0"})


def lost(handler: Any) -> None:
    """Take the request, and break the connection off."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    raise ConnectionError


def asked(server: ScriptedServer) -> list[str]:
    return [f"{request.method} {request.path}" for request in server.requests]


def keys(server: ScriptedServer) -> list[str | None]:
    return [request.headers.get("idempotency-key") for request in server.requests if request.method == "POST"]


def test_each_call_has_a_key_of_its_own(client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(json=CHAIN))
    client.create_chain(CONFIG)
    client.create_chain(CONFIG)
    client.get_chain(1)
    one, other = keys(server)
    assert UUID(one) != UUID(other)
    assert "idempotency-key" not in server.requests[-1].headers


@pytest.mark.parametrize(
    "trouble",
    [BUSY, Reply(before=lost), Reply(status=500), Reply(status=429)],
    ids=["503", "lost", "500", "429"],
)
def test_a_create_is_repeated_with_its_key_where_the_service_heeds_it(
    client: Twin, server: ScriptedServer, trouble: Reply
) -> None:
    server.script(trouble, HEEDS, trouble, Reply(json=CHAIN))
    assert client.create_chain(CONFIG).chain_id == 1
    assert asked(server) == ["POST /api/chains", "GET /health", "POST /api/chains", "POST /api/chains"]
    assert len(set(keys(server))) == 1


@pytest.mark.parametrize(
    "health",
    [
        Reply(json={"status": "healthy"}),
        Reply(json={"status": "healthy", "features": ["another"]}),
        Reply(json=["idempotency-key"]),
        Reply(body=b"OK"),
        Reply(status=404),
        Reply(status=401),
    ],
    ids=str,
)
def test_an_older_service_gets_it_once_as_before(client: Twin, server: ScriptedServer, health: Reply) -> None:
    server.script(BUSY, health)
    with pytest.raises(EventStreamerServerError, match="create_chain failed: 503"):
        client.create_chain(CONFIG)
    assert asked(server) == ["POST /api/chains", "GET /health"]


def test_a_service_that_restarts_is_asked_until_it_answers(client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(before=lost), Reply(before=lost), HEEDS, Reply(json=CHAIN))
    assert client.create_chain(CONFIG).chain_id == 1
    assert asked(server) == ["POST /api/chains", "GET /health", "GET /health", "POST /api/chains"]


def test_retries_bound_the_questions_too(client: Twin, server: ScriptedServer) -> None:
    server.script(BUSY)
    with pytest.raises(EventStreamerServerError):
        client.create_chain(CONFIG, max_retries=3)
    assert asked(server) == ["POST /api/chains", *["GET /health"] * 3]
    server.requests.clear()
    with pytest.raises(EventStreamerServerError):
        client.create_chain(CONFIG, max_retries=0)
    assert asked(server) == ["POST /api/chains"]


@pytest.mark.parametrize(
    "options", [{"idempotency_key": "order-7"}, {"headers": {"idempotency-key": "order-7"}}], ids=str
)
def test_a_key_of_ones_own_is_sent(client: Twin, server: ScriptedServer, options: dict[str, Any]) -> None:
    server.script(BUSY, HEEDS, Reply(json=CHAIN))
    client.create_chain(CONFIG, **options)
    assert keys(server) == ["order-7", "order-7"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", " a", "ä"])
def test_a_key_that_could_not_be_sent_is_refused(client: Twin, server: ScriptedServer, key: str) -> None:
    for create, wanted in ((client.create_chain, CONFIG), (client.create_subscription, WANTED)):
        with pytest.raises(EventStreamerValidationError, match="idempotency_key"):
            create(wanted, idempotency_key=key)
    assert not server.requests


def test_a_lost_answer_creates_nothing_twice(kind: str) -> None:
    """The real service, whose first answer is lost on the way: the classic duplicate."""
    with (
        LocalService(DevChain(chain_id=1, blocks=3)) as service,
        Relay(urlsplit(service.url).port or 0) as relay,
    ):
        relay.lose_answers(1)
        with twin(kind, f"http://127.0.0.1:{relay.port}") as client:
            made = client.create_subscription(WANTED)
            again = client.create_subscription(WANTED, idempotency_key="order-7")
            assert client.create_subscription(WANTED, idempotency_key="order-7") == again
            listed = client.list_subscriptions()
        assert relay.lost == 1
    assert [each.id for each in listed.subscriptions] == [made.id, again.id]


def test_a_reused_key_says_so(kind: str) -> None:
    other = SubscriptionCreate(event_signature=ABIEvent(type="event", name="F"), chain_id=1, start_block=0)
    with LocalService(DevChain(chain_id=1, blocks=3)) as service, twin(kind, service.url) as client:
        client.create_subscription(WANTED, idempotency_key="order-7")
        with pytest.raises(EventStreamerConflictError, match="used for another request") as caught:
            client.create_subscription(other, idempotency_key="order-7")
    assert caught.value.error_code == "IDEMPOTENCY_KEY_REUSED"
    assert isinstance(caught.value, EventStreamerSDKError)
