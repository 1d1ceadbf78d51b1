"""JSON-RPC over HTTP and WebSocket where the node, or what stands before it, misbehaves."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import websockets.asyncio.server

from event_streamer_service.chains import (
    BlockGone,
    ChainError,
    ChainTimeout,
    ChainUnavailable,
    JsonRpcSource,
    LogFilter,
    RangeTooLarge,
    RateLimited,
    RpcError,
    transports,
)
from event_streamer_service.devchain import DevChain
from event_streamer_service.devchain.node import DevNode
from event_streamer_service.devchain.server import DevChainServer
from support.chain_nodes import refusing_proxy
from support.chains import run

pytestmark = pytest.mark.quick

Reply = tuple[int, dict[str, str], bytes]
KEY = "0123456789secret"
EVERYTHING = LogFilter(None)


@contextmanager
def http_node(reply: Callable[[Any], Reply]) -> Iterator[str]:
    """A node whose every answer is the test's; its URL holds a key."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # head and body in one segment, or delayed ACKs cost 40 ms an answer

        def do_POST(self) -> None:
            status, headers, body = reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v3/{KEY}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def result(request: Any, value: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request["id"], "result": value}


def error(request: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message}}


def ok(body: Any) -> Reply:
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


async def failure(source: JsonRpcSource, question: str = "chain_id", *arguments: Any) -> ChainError:
    try:
        with pytest.raises(ChainError) as refusal:
            await getattr(source, question)(*arguments)
        assert KEY not in str(refusal.value)
        return refusal.value
    finally:
        await source.close()


def failure_of(reply: Callable[[Any], Reply], question: str = "chain_id", *arguments: Any) -> ChainError:
    with http_node(reply) as url:
        return run(failure(JsonRpcSource(url, timeout=0.5), question, *arguments))


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b"{", b"[]", b"null", b'{"id": 1}', b"5"])
def test_an_answer_that_is_no_json_rpc_is_an_outage(body: bytes) -> None:
    assert isinstance(failure_of(lambda _: (200, {}, body)), ChainUnavailable)


def test_an_answer_of_another_form_is_an_outage() -> None:
    refusal = failure_of(lambda request: ok(result(request, {"chain": 1})))
    assert isinstance(refusal, ChainUnavailable)
    assert "unexpected form" in str(refusal)


def test_the_reason_in_the_body_of_a_failed_status_is_read() -> None:
    refusal = failure_of(
        lambda _: (400, {}, json.dumps(error({"id": None}, -32602, "range too large")).encode()),
        "logs",
        0,
        10,
        EVERYTHING,
    )
    assert isinstance(refusal, RangeTooLarge)


def test_too_many_requests_tell_when_to_come_again() -> None:
    refusal = failure_of(lambda _: (429, {"Retry-After": "3"}, b"slow down"))
    assert isinstance(refusal, RateLimited)
    assert refusal.retry_after == 3


@pytest.mark.parametrize("status", [500, 502, 503, 403])
def test_a_failed_status_is_an_outage(status: int) -> None:
    refusal = failure_of(lambda _: (status, {}, b"no"))
    assert isinstance(refusal, ChainUnavailable)
    assert str(status) in str(refusal)


def test_an_error_of_the_node_keeps_its_code_and_words() -> None:
    refusal = failure_of(lambda request: ok(error(request, -32601, "no such method")))
    assert isinstance(refusal, RpcError)
    assert refusal.code == -32601
    assert "no such method" in str(refusal)


def test_a_node_that_does_not_answer_times_out() -> None:
    hang = threading.Event()

    def never(_: Any) -> Reply:
        hang.wait(5)
        return 200, {}, b""

    try:
        assert isinstance(failure_of(never), ChainTimeout)
    finally:
        hang.set()


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "_MAX_ANSWER_BYTES", 100_000)
    refusal = failure_of(lambda _: ok(["x" * 200_000]), "logs", 0, 9, EVERYTHING)
    assert isinstance(refusal, RangeTooLarge)


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_nobody_listening_is_an_outage_without_the_key(scheme: str) -> None:
    refusal = run(failure(JsonRpcSource(f"{scheme}://127.0.0.1:9/v3/{KEY}", timeout=2)))
    assert isinstance(refusal, ChainUnavailable)
    assert str(refusal) == f"{scheme}://127.0.0.1:9/… can't be reached: Connection refused"


def test_no_log_line_holds_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    async def scenario(url: str) -> None:
        source = JsonRpcSource(url)
        assert await source.chain_id() == 1
        await source.close()
        source = JsonRpcSource(url.replace("http", "ws"), timeout=1)
        with pytest.raises(ChainUnavailable):
            await source.chain_id()
        await source.close()

    with http_node(lambda request: ok(result(request, "0x1"))) as url:
        run(scenario(url))
    assert "HTTP Request: POST http://127.0.0.1" in caplog.text
    assert KEY not in caplog.text


HEADER = {"hash": "0x1", "parentHash": "0x0", "timestamp": "0x5"}


def headers(request: Any) -> Any:
    if isinstance(request, list):
        return [headers(one) for one in reversed(request)]
    return result(request, {"number": request["params"][0], **HEADER})


@pytest.mark.parametrize("largest", [1, 3, 50])
def test_batches_shrink_to_what_the_node_takes(largest: int) -> None:
    sizes: list[int] = []

    def reply(request: Any) -> Reply:
        size = len(request) if isinstance(request, list) else 1
        if size > largest:
            return ok(error({"id": None}, -32600, "batch too large"))
        sizes.append(size)
        return ok(headers(request))

    async def scenario(url: str) -> None:
        source = JsonRpcSource(url)
        found = await source.blocks(range(60))
        assert [block.number for block in found if block is not None] == list(range(60))
        await source.close()

    with http_node(reply) as url:
        run(scenario(url))
    assert max(sizes) <= largest


def test_a_rate_limit_of_a_batch_is_no_reason_to_shrink_it() -> None:
    refusal = failure_of(lambda _: ok(error({"id": None}, -32005, "too many requests")), "blocks", [1, 2, 3])
    assert isinstance(refusal, RateLimited)


def test_a_request_of_a_batch_left_unanswered_is_asked_again() -> None:
    sizes: list[int] = []

    def reply(request: Any) -> Reply:
        sizes.append(len(request) if isinstance(request, list) else 1)
        answers = headers(request)
        return ok(answers[:2] if isinstance(answers, list) else answers)

    async def scenario(url: str) -> None:
        source = JsonRpcSource(url)
        found = await source.blocks([1, 2, 3])
        assert [block and block.number for block in found] == [1, 2, 3]
        await source.close()

    with http_node(reply) as url:
        run(scenario(url))
    assert sizes == [3, 1]


def test_one_block_too_large_is_read_from_its_receipts() -> None:
    chain = DevChain(blocks=5)

    async def scenario(url: str) -> None:
        source = JsonRpcSource(url)
        log_filter = LogFilter(None, frozenset({chain.contracts[0].address}))
        found = await source.logs(3, 3, log_filter)
        wanted = await chain.logs(3, 3, log_filter)
        assert [log.data for log in found] == [log.data for log in wanted]
        assert [log.log_index for log in found] == [log.log_index for log in wanted]
        with pytest.raises(BlockGone):
            await source.logs(9, 9, log_filter)
        await source.close()

    with (
        DevChainServer(chain) as server,
        refusing_proxy(server.url, lambda *_: "query returned more than 1 results") as (url, _),
    ):
        run(scenario(url))


def test_one_block_too_large_and_no_receipts_is_told() -> None:
    def answer(request: Any) -> Any:
        if request["method"] == "eth_getBlockByNumber":
            return headers(request)
        if request["method"] == "eth_getLogs":
            return error(request, -32005, "query returned more than 10000 results")
        return error(request, -32601, "no such method")

    def reply(request: Any) -> Reply:
        return ok([answer(one) for one in request] if isinstance(request, list) else answer(request))

    refusal = failure_of(reply, "logs", 3, 3, EVERYTHING)
    assert isinstance(refusal, RpcError)
    assert "query returned more than 10000 results" in str(refusal)
    assert "single block 3" in str(refusal)


# --- WebSocket --------------------------------------------------------------------------------------------


async def serve(handler: Callable[[Any], Any]) -> Any:
    return await websockets.asyncio.server.serve(handler, "127.0.0.1", 0)


def url_of(server: Any) -> str:
    return f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/ws/{KEY}"


def test_nonsense_and_strangers_messages_are_passed_over() -> None:
    async def handler(socket: Any) -> None:
        async for text in socket:
            request = json.loads(text)
            for nonsense in ("nonsense", "[]", "5", '{"method": "eth_subscription", "params": 7}'):
                await socket.send(nonsense)
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": 9_999, "result": "0x2"}))
            await socket.send(
                json.dumps({"method": "eth_subscription", "params": {"subscription": "0x9", "result": {}}})
            )
            await socket.send(json.dumps(result(request, "0x1")))

    async def scenario() -> None:
        async with await serve(handler) as server:
            source = JsonRpcSource(url_of(server))
            assert await source.chain_id() == 1
            await source.close()

    run(scenario())


def test_a_connection_lost_in_a_call_is_an_outage_and_the_next_call_opens_another() -> None:
    connections = 0

    async def handler(socket: Any) -> None:
        nonlocal connections
        connections += 1
        request = json.loads(await socket.recv())
        if connections > 1:
            await socket.send(json.dumps(result(request, "0x1")))
            await socket.wait_closed()

    async def scenario() -> None:
        async with await serve(handler) as server:
            source = JsonRpcSource(url_of(server))
            with pytest.raises(ChainUnavailable, match="the WebSocket was closed"):
                await source.chain_id()
            assert await source.chain_id() == 1
            assert connections == 2
            await source.close()

    run(scenario())


def test_a_silent_node_times_out() -> None:
    async def handler(socket: Any) -> None:
        await socket.wait_closed()

    async def scenario() -> None:
        async with await serve(handler) as server:
            assert isinstance(await failure(JsonRpcSource(url_of(server), timeout=0.1)), ChainTimeout)

    run(scenario())


def test_many_calls_share_a_connection_and_each_gets_its_answer() -> None:
    async def handler(socket: Any) -> None:
        waiting = [json.loads(await socket.recv()) for _ in range(20)]
        for request in reversed(waiting):
            await socket.send(json.dumps(headers(request)))
        await socket.wait_closed()

    async def scenario() -> None:
        async with await serve(handler) as server:
            source = JsonRpcSource(url_of(server))
            found = await asyncio.gather(*(source.block(number) for number in range(20)))
            assert [block.number for block in found if block is not None] == list(range(20))
            await source.close()

    run(scenario())


def test_an_announcement_right_behind_the_subscription_is_not_missed() -> None:
    async def handler(socket: Any) -> None:
        async for text in socket:
            request = json.loads(text)
            if request["method"] == "eth_subscribe":
                await socket.send(json.dumps(result(request, "0xabc")))
                block = {"number": "0x2", **HEADER}
                params = {"subscription": "0xabc", "result": block}
                await socket.send(json.dumps({"method": "eth_subscription", "params": params}))
            elif request["method"] == "eth_getBlockByNumber":
                await socket.send(json.dumps(result(request, {"number": "0x1", **HEADER})))
            else:
                await socket.send(json.dumps(result(request, True)))

    async def scenario() -> None:
        async with await serve(handler) as server:
            source = JsonRpcSource(url_of(server))
            async with aclosing(source.new_heads()) as heads:
                assert [(await anext(heads)).number for _ in range(2)] == [1, 2]
            await source.close()

    run(scenario())


def test_a_refused_subscription_is_told() -> None:
    async def handler(socket: Any) -> None:
        async for text in socket:
            await socket.send(json.dumps(error(json.loads(text), -32601, "notifications not supported")))

    async def scenario() -> None:
        async with await serve(handler) as server:
            source = JsonRpcSource(url_of(server))
            with pytest.raises(RpcError, match="notifications not supported"):
                await anext(source.new_heads())
            await source.close()

    run(scenario())


def test_a_closed_source_opens_no_connection_again() -> None:
    connections = 0

    async def handler(socket: Any) -> None:
        nonlocal connections
        connections += 1
        async for text in socket:
            await socket.send(json.dumps(result(json.loads(text), "0x1")))

    async def scenario() -> None:
        async with await serve(handler) as server:
            source = JsonRpcSource(url_of(server))
            calls = [asyncio.create_task(source.chain_id()) for _ in range(3)]
            await asyncio.sleep(0)
            await source.close()
            await asyncio.gather(*calls, return_exceptions=True)
            opened = connections
            with pytest.raises(ChainUnavailable, match="the connection was closed"):
                await source.chain_id()
            assert connections == opened <= 1
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            assert not [task for task in rest if "WebSocketTransport" in repr(task)]

    run(scenario())


def test_a_node_without_batches_is_read_all_the_same() -> None:
    chain = DevChain(blocks=5)

    async def scenario(url: str) -> None:
        source = JsonRpcSource(url)
        wanted = await chain.logs(1, 3, EVERYTHING)
        assert [log.data for log in await source.logs(1, 3, EVERYTHING)] == [log.data for log in wanted]
        with pytest.raises(BlockGone, match="does not have block 9"):
            await source.logs(1, 9, EVERYTHING)
        await source.close()

    def reply(request: Any) -> Reply:
        if isinstance(request, list):
            return ok(error({"id": None}, -32600, "batch requests are not supported"))
        return ok(result(request, node.call(request["method"], *request["params"])))

    with DevChainServer(chain) as server, DevNode(server.url) as node, http_node(reply) as url:
        run(scenario(url))
