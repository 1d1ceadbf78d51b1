"""A node over HTTP whose answers a test bends: the development chain behind a front that changes them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from event_streamer_service.chains import JsonRpcSource, Log, LogFilter
from event_streamer_service.devchain import DevChain
from event_streamer_service.devchain.logs import TOKEN, TRANSFER
from event_streamer_service.devchain.server import DevChainServer
from support.chains import run

KEY = "0123456789secret"
FULL_BLOOM = "0x" + "ff" * 256

Bend = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any] | None]
"""(one request, its answer) → the answer to give; `None` leaves the request unanswered."""
Reply = tuple[int, dict[str, str], bytes]
_client = httpx.Client(trust_env=False)


def failure(code: int, message: Any, data: Any = None) -> dict[str, Any]:
    """An error as a node gives it; `bent` puts the id to it."""
    error = {"code": code, "message": message}
    return {"error": error if data is None else {**error, "data": data}}


class Front:
    """
    What stands before the development chain.

    Attributes:
        bend: Changes each answer.
        whole: Answers a whole request instead of the chain where it returns something.
        asked: Every single request that came, in order.
        sizes: How many requests each HTTP request had.
    """

    def __init__(self, chain: DevChain) -> None:
        self.chain = chain
        self.bend: Bend = lambda _, answer: answer
        self.whole: Callable[[list[dict[str, Any]]], Reply | None] = lambda _: None
        self.asked: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        self.url = ""

    def methods(self) -> list[str]:
        return [request["method"] for request in self.asked]


@contextmanager
def odd_node(chain: DevChain, bend: Bend | None = None) -> Iterator[Front]:
    """Serve a chain behind a front; its URL holds a key."""
    front = Front(chain)
    if bend is not None:
        front.bend = bend
    with DevChainServer(chain) as behind:

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                asked = json.loads(body)
                requests = asked if isinstance(asked, list) else [asked]
                front.asked += requests
                front.sizes.append(len(requests))
                reply = front.whole(requests)
                if reply is None:
                    answered = _client.post(behind.url, content=body).json()
                    answers = answered if isinstance(answered, list) else [answered]
                    bent = [
                        {"jsonrpc": "2.0", "id": request["id"], **answer} if "error" in answer else answer
                        for request, one in zip(requests, answers, strict=True)
                        if (answer := front.bend(request, one)) is not None
                    ]
                    said = bent if isinstance(asked, list) else bent[0]
                    reply = 200, {"Content-Type": "application/json"}, json.dumps(said).encode()
                status, headers, content = reply
                if status == 0:  # hang up without an answer
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        server = Server(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        front.url = f"http://127.0.0.1:{server.server_port}/v3/{KEY}"
        try:
            yield front
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


# --- what the tests ask it ------------------------------------------------------------

TOKENS = LogFilter(TRANSFER, frozenset({TOKEN.address}))
EVERYTHING = LogFilter(None)


def of_range(front: Front, first: int, last: int, log_filter: LogFilter = TOKENS) -> list[Log]:
    async def ask() -> list[Log]:
        source = JsonRpcSource(front.url, timeout=2)
        try:
            return await source.logs(first, last, log_filter)
        finally:
            await source.close()

    return run(ask())


def of_block(front: Front, number: int, log_filter: LogFilter = TOKENS) -> list[Log]:
    async def ask() -> list[Log]:
        source = JsonRpcSource(front.url, timeout=2)
        block = await front.chain.block(number)
        assert block is not None
        try:
            (logs,) = await source.block_logs([block], log_filter)
            return logs
        finally:
            await source.close()

    return run(ask())


def truth(
    chain: DevChain, first: int, last: int, log_filter: LogFilter = TOKENS
) -> list[tuple[int, int, str]]:
    return places(run(chain.logs(first, last, log_filter)))


def places(logs: list[Log]) -> list[tuple[int, int, str]]:
    return [(log.block_number, log.log_index, log.data) for log in logs]


def is_logs(request: dict[str, Any]) -> bool:
    return bool(request["method"] == "eth_getLogs")


def headers(front: Front, *numbers: int) -> list[tuple[int, int] | None]:
    async def ask() -> list[tuple[int, int] | None]:
        source = JsonRpcSource(front.url, timeout=2)
        try:
            return [block and (block.number, block.timestamp) for block in await source.blocks(numbers)]
        finally:
            await source.close()

    return run(ask())
