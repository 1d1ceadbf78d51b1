"""What makes the clients handy: options, paths of one's own, keys that change, hooks."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.exceptions import (
    EventStreamerServerError,
    EventStreamerTimeoutError,
    EventStreamerValidationError,
)
from event_streamer_service import DevChain, LocalService
from support.listener import passing_over
from support.scripted_server import Reply, ScriptedServer, scripted_server
from support.twins import KINDS, twin

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
CHAIN = {"chain_id": 1, "name": "Ethereum Mainnet", "status": "active"}
kinds = pytest.mark.parametrize("kind", KINDS)

pytestmark = pytest.mark.quick


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        running.stays = Reply(json=CHAIN, headers={"X-Request-Id": "req_7"})
        yield running


@pytest.fixture(scope="module")
def service() -> Iterator[LocalService]:
    with LocalService(DevChain(chain_id=1, blocks=20)) as running:
        yield running


# --- with_options -------------------------------------------------------------------------------


@kinds
def test_options_hold_for_the_copy_alone_and_connections_are_shared(
    kind: str, server: ScriptedServer
) -> None:
    with twin(kind, server.url, headers={"X-Own": "1"}) as client:
        other = client.client.with_options(headers={"X-Own": "2", "X-Trace": "a"})
        client.run(other.get_chain(1))
        client.get_chain(1)
        first, second = server.requests
        assert (first.headers["x-own"], first.headers["x-trace"]) == ("2", "a")
        assert (second.headers["x-own"], second.headers.get("x-trace")) == ("1", None)
        assert other._http is client.client._http
        assert other.subscriber_id == client.client.subscriber_id


@kinds
def test_repetition_and_time_are_set_for_one_call(kind: str, server: ScriptedServer) -> None:
    with twin(kind, server.url, max_retries=1) as client:
        server.waiting.append(Reply(status=503, headers={"Retry-After": "0"}))
        with pytest.raises(EventStreamerServerError):
            client.run(client.client.with_options(max_retries=0).get_chain(1))
        assert len(server.requests) == 1
        released = threading.Event()
        server.waiting.append(Reply(json=CHAIN, before=lambda _: released.wait(10)))
        with pytest.raises(EventStreamerTimeoutError):
            client.run(client.client.with_options(timeout=0.2, max_retries=0).get_chain(1))
        released.set()
        assert client.get_chain(1).name == "Ethereum Mainnet"


@kinds
def test_no_limit_is_not_the_clients_limit(kind: str, server: ScriptedServer) -> None:
    with twin(kind, server.url, timeout=0.3, max_retries=0) as client:
        server.waiting.append(Reply(json=CHAIN, before=lambda _: threading.Event().wait(0.6)))
        assert client.run(client.client.with_options(timeout=None).get_chain(1)).chain_id == 1
        server.waiting.append(Reply(json=CHAIN, before=lambda _: threading.Event().wait(0.6)))
        assert client.run(client.client.with_options(timeout=httpx.Timeout(5)).get_chain(1)).chain_id == 1


@kinds
@pytest.mark.parametrize(
    "options",
    [{"timeout": -1}, {"max_retries": -1}, {"max_retries": "2"}, {"headers": {"X-A": "a\nb"}}],
    ids=str,
)
def test_wrong_options_are_refused_where_they_are_given(kind: str, options: dict[str, Any]) -> None:
    with twin(kind, "http://127.0.0.1:1") as client, pytest.raises(EventStreamerValidationError):
        client.client.with_options(**options)


@kinds
def test_a_stream_carries_the_headers_of_with_options(kind: str, service: LocalService) -> None:
    seen: list[Any] = []
    with twin(kind, service.url, event_hooks={"request": [seen.append]}) as client:
        subscription = client.subscribe(TRANSFER, chain_id=1, start_block=0, end_block=3, new=True)
        other = client.client.with_options(headers={"X-Trace": "a"})
        seen.clear()
        report = client.run(passing_over(other.create_streaming_client(subscription.id)).run())
    assert report.reason == "finished"
    assert {request.operation_id for request in seen} >= {"stream_subscription", "acknowledge_batch_bulk"}
    assert {request.headers.get("X-Trace") for request in seen} == {"a"}


# --- paths of one's own -------------------------------------------------------------------------


@kinds
def test_paths_that_the_specification_lacks(kind: str, server: ScriptedServer) -> None:
    server.stays = Reply(json={"ok": True})
    with twin(kind, f"{server.url}/base", api_key="k") as client:
        assert client.get("/reports/7", params={"a": 1, "b": None}) == {"ok": True}
        for method in ("post", "put", "patch", "delete"):
            assert getattr(client, method)("/reports", json={"x": 1}) == {"ok": True}
        assert client.request("GET", "/x", headers={"X-A": "1"}) == {"ok": True}
        server.waiting.append(Reply(status=204, body=b""))
        assert client.delete("/reports/7") is None
    first, *rest = server.requests
    assert (first.method, first.path, first.query) == ("GET", "/base/reports/7", {"a": "1"})
    assert first.headers["x-api-key"] == "k"
    assert [(each.method, each.json) for each in rest[:4]] == [
        (method, {"x": 1}) for method in ("POST", "PUT", "PATCH", "DELETE")
    ]
    assert rest[4].headers["x-a"] == "1"


@kinds
def test_paths_of_ones_own_are_repeated_and_fail_as_calls_do(kind: str, server: ScriptedServer) -> None:
    with twin(kind, server.url) as client:
        server.waiting.extend([Reply(status=503, headers={"Retry-After": "0"}), Reply(json=1)])
        assert client.get("/x") == 1
        server.waiting.append(Reply(status=503, headers={"Retry-After": "0"}))
        with pytest.raises(EventStreamerServerError, match="POST /x failed: 503"):
            client.post("/x")
        assert client.run(client.client.with_raw_response.get("/x")).status == 200


@kinds
@pytest.mark.parametrize(
    "path",
    [
        "x",
        "",
        "http://elsewhere.example/x",
        "//elsewhere.example/x",
        "/a b",
        "/a?b=1",
        "/a#b",
        "/a/../b",
        "/ä",
        7,
    ],
)
def test_paths_that_would_lead_elsewhere_are_refused(kind: str, path: Any, server: ScriptedServer) -> None:
    with twin(kind, server.url) as client:
        with pytest.raises(EventStreamerValidationError):
            client.get(path)
        assert server.requests == []


# --- from_env, EVENT_STREAMER_LOG ---------------------------------------------------------------


@kinds
def test_the_environment_says_where_who_and_the_key(
    kind: str, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_class: Any = EventStreamer if kind == "async" else SyncEventStreamer
    for name in ("URL", "SUBSCRIBER_ID", "API_KEY"):
        monkeypatch.delenv(f"EVENT_STREAMER_{name}", raising=False)
    with pytest.raises(EventStreamerValidationError, match="EVENT_STREAMER_URL is not set"):
        client_class.from_env()
    monkeypatch.setenv("EVENT_STREAMER_URL", server.url)
    monkeypatch.setenv("EVENT_STREAMER_SUBSCRIBER_ID", "")
    with pytest.raises(EventStreamerValidationError, match="EVENT_STREAMER_SUBSCRIBER_ID is not set"):
        client_class.from_env()
    monkeypatch.setenv("EVENT_STREAMER_SUBSCRIBER_ID", "from-env")
    monkeypatch.setenv("EVENT_STREAMER_API_KEY", "key-of-env")
    with twin(kind, server.url) as runner:
        client = client_class.from_env(max_retries=0)
        assert client.subscriber_id == "from-env"
        runner.run(client.get_chain(1))
        assert server.requests[-1].headers["x-api-key"] == "key-of-env"
        assert client_class.from_env(subscriber_id="mine").subscriber_id == "mine"
        runner.run(client.close())


@pytest.mark.parametrize("level", ["debug", "warning"])
def test_the_environment_turns_logging_on(level: str, server: ScriptedServer) -> None:
    program = (
        "import os\nfrom event_streamer_sdk import SyncEventStreamer\n"
        "for _ in range(2):\n"
        f"    with SyncEventStreamer({server.url!r}, 'me', api_key='very-secret') as client:\n"
        "        client.get_chain(1)\n"
    )
    environment = {**os.environ, "EVENT_STREAMER_LOG": level}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [
        line for line in done.stderr.splitlines() if "GET /api/chains/1 -> 200 (request id req_7)" in line
    ]
    assert len(lines) == (2 if level == "debug" else 0), done.stderr
    assert "very-secret" not in done.stderr


def test_a_word_that_is_not_a_level_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENT_STREAMER_LOG", "loud")
    with pytest.raises(EventStreamerValidationError, match="one of debug, info, warning, error, not 'loud'"):
        SyncEventStreamer("http://127.0.0.1:1", "me")


def test_a_program_that_logs_keeps_its_handlers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, server: ScriptedServer
) -> None:
    ours = logging.getLogger("event_streamer_sdk")
    before, level = list(ours.handlers), ours.level
    monkeypatch.setenv("EVENT_STREAMER_LOG", "DEBUG")
    try:
        with SyncEventStreamer(server.url, "me") as client:
            client.get_chain(1)
        assert ours.handlers == before
        assert "get_chain" in caplog.text or "/chains/1" in caplog.text
    finally:
        ours.setLevel(level)


# --- keys that change ---------------------------------------------------------------------------


@kinds
def test_a_key_may_be_a_function_and_is_asked_for_each_call(kind: str, server: ScriptedServer) -> None:
    keys = iter(["k1", "k2", "k3"])

    def plain() -> str:
        return next(keys)

    async def awaited() -> str:
        await asyncio.sleep(0)
        return next(keys)

    with twin(kind, server.url, api_key=awaited if kind == "async" else plain) as client:
        client.get_chain(1)
        client.get("/x")
        client.run(client.client.with_options(timeout=5).get_chain(1))
    assert [request.headers["x-api-key"] for request in server.requests] == ["k1", "k2", "k3"]


@kinds
def test_a_key_that_changes_never_shows(kind: str, server: ScriptedServer) -> None:
    server.stays = Reply(status=403, json={"detail": "the key changing-secret is no good"})
    changing = twin(kind, server.url, api_key=lambda: "changing-secret")
    with changing as client, pytest.raises(Exception, match="failed: 403") as caught:
        client.get_chain(1)
    assert "changing-secret" not in str(caught.value)


@kinds
def test_what_a_key_function_does_wrong_is_told(kind: str, server: ScriptedServer) -> None:
    def broken() -> str:
        raise LookupError("the vault is shut")

    async def awaited() -> str:
        return "k"

    with twin(kind, server.url, api_key=broken) as client, pytest.raises(LookupError, match="vault"):
        client.get_chain(1)
    with twin(kind, server.url, api_key=lambda: 7) as client, pytest.raises(EventStreamerValidationError):
        client.get_chain(1)
    if kind == "sync":
        refused = pytest.raises(EventStreamerValidationError, match="use EventStreamer, or a plain function")
        with twin(kind, server.url, api_key=awaited) as client, refused:
            client.get_chain(1)
    assert server.requests == [] or kind == "async"


@kinds
def test_a_stream_asks_for_the_key_each_time(kind: str) -> None:
    with LocalService(DevChain(chain_id=1, blocks=20), api_keys={"good": "tester"}) as service:
        asked: list[int] = []

        def key() -> str:
            asked.append(1)
            return "good"

        with twin(kind, service.url, "tester", api_key=key) as client:
            subscription = client.subscribe(TRANSFER, chain_id=1, start_block=0, end_block=3)
            before = len(asked)

            async def made() -> Any:
                return passing_over(client.client.create_streaming_client(subscription.id))

            report = client.run(client.run(made()).run())
            assert report.reason == "finished"
            assert len(asked) >= before + 2  # the connection, an acknowledgement


# --- hooks --------------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("transport", ["ours", "httpx"])
def test_hooks_see_each_request_and_each_response(kind: str, transport: str, server: ScriptedServer) -> None:
    seen: list[Any] = []

    async def awaited(info: Any) -> None:
        seen.append(info)

    hook = awaited if kind == "async" else seen.append
    own = httpx.AsyncHTTPTransport() if kind == "async" else httpx.HTTPTransport()
    options: dict[str, Any] = {} if transport == "ours" else {"transport": own}
    hooks = {"request": [hook], "response": [hook]}
    with twin(kind, server.url, api_key="very-secret", event_hooks=hooks, **options) as client:
        server.waiting.append(Reply(status=503, headers={"Retry-After": "0"}))
        client.get_chain(1)
    assert [getattr(info, "status", info) for info in seen][1::2] == [503, 200]
    first, failed, second, answered = seen
    assert (first.operation_id, first.method, first.url) == ("get_chain", "GET", f"{server.url}/api/chains/1")
    assert first.headers["X-API-Key"] == "***"
    assert "very-secret" not in repr(seen)
    assert failed.request is first
    assert answered.request is second
    assert answered.request_id == "req_7"
    assert 0 <= answered.seconds < 10


@kinds
def test_a_hook_hears_of_no_response_and_its_own_error_is_the_callers(kind: str) -> None:
    seen: list[Any] = []
    watched = twin(kind, "http://127.0.0.1:1", max_retries=0, event_hooks={"response": [seen.append]})
    with watched as client, pytest.raises(Exception, match="cannot connect"):
        client.get_chain(1)
    assert (seen[0].status, seen[0].headers) == (None, {})
    assert "cannot connect" in str(seen[0].error)

    def strict(_: Any) -> None:
        raise LookupError("not this one")

    strictly = twin(kind, "http://127.0.0.1:1", event_hooks={"request": [strict]})
    with strictly as client, pytest.raises(LookupError, match="not this one"):
        client.get_chain(1)


@pytest.mark.parametrize("hooks", [{"requests": []}, {"request": ["print"]}], ids=str)
def test_hooks_that_are_none_are_refused(hooks: Any) -> None:
    with pytest.raises(EventStreamerValidationError, match="event_hooks"):
        SyncEventStreamer("http://127.0.0.1:1", "me", event_hooks=hooks)


# --- subscriptions ------------------------------------------------------------------------------


@kinds
def test_subscriptions_are_filtered_and_paged(kind: str, service: LocalService) -> None:
    with twin(kind, service.url, f"pages-{kind}") as client:
        address = "0x" + "Ab" * 20
        ids = []
        for number in range(5):
            where = {"addresses": address} if number == 2 else {}
            made = client.subscribe(TRANSFER, chain_id=1, start_block=number, end_block=19, **where)
            ids.append(made.id)

        def found(**filters: Any) -> list[int]:
            return [each.id for each in client.iter_subscriptions(2, **filters)]

        assert found() == ids
        assert found(address=address.lower()) == [ids[2]]
        assert found(chain_id=1, topic0=made.topic0.upper().replace("0X", "0x")) == ids
        assert found(chain_id=2) == found(topic0="0x" + "0" * 64) == []
        assert found(streaming_status=made.streaming_status) == ids
        pages = client.iter_subscription_pages(2)
        assert [[each.id for each in page.subscriptions] for page in pages] == [ids[:2], ids[2:4], ids[4:]]
        assert all(page.request_id for page in pages)


@kinds
def test_waiting_until_a_subscription_is_done(kind: str, service: LocalService) -> None:
    with twin(kind, service.url) as client:
        subscription = client.subscribe(TRANSFER, chain_id=1, start_block=0, end_block=3, new=True)
        with pytest.raises(
            EventStreamerTimeoutError, match=r"is not done after 0\.2 s: no block is processed yet"
        ):
            client.wait_until_done(subscription, timeout=0.2, poll_interval=0.05)

        def work() -> None:
            with SyncEventStreamer(service.url, "tester") as other:
                passing_over(other.create_streaming_client(subscription.id)).run()

        worker = threading.Thread(target=work)
        worker.start()
        done = client.wait_until_done(subscription.id, timeout=20, poll_interval=0.05)
        worker.join()
        assert (done.id, done.last_processed_block) == (subscription.id, 3)
        assert client.wait_until_done(done, timeout=0).id == done.id


@kinds
def test_what_is_never_done_is_refused(kind: str, service: LocalService) -> None:
    with twin(kind, service.url) as client:
        live = client.subscribe(TRANSFER, chain_id=1, start_block=0)
        with pytest.raises(EventStreamerValidationError, match="has no end_block"):
            client.wait_until_done(live)
        for wrong in ({"poll_interval": 0}, {"timeout": -1}):
            with pytest.raises(EventStreamerValidationError):
                client.wait_until_done(live, **wrong)
