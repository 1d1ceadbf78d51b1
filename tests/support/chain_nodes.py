"""One remote control for every kind of chain that the conformance suite runs on, and a proxy that refuses."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from event_streamer_service.chains import ChainConfig, ChainSource, JsonRpcSource
from event_streamer_service.devchain import DevChain
from event_streamer_service.devchain.anvil import Anvil, AnvilError, find_anvil
from event_streamer_service.devchain.logs import TOKEN, TRANSFER
from event_streamer_service.devchain.node import DevNode, DevToken
from event_streamer_service.devchain.server import DevChainServer

ALICE = "0x" + "a1" * 20
BOB = "0x" + "b0" * 20


class Node(Protocol):
    """A chain that a test can drive."""

    token: str
    can_restart: bool

    def config(self, **fields: Any) -> ChainConfig: ...
    def embedded(self) -> dict[str, ChainSource]: ...
    def open(self) -> ChainSource: ...
    def transfer(self, value: int) -> None: ...
    def mine(self, blocks: int = 1) -> None: ...
    def reorg(self, depth: int) -> None: ...
    def transfers(self) -> list[tuple[int, str, int, int]]: ...
    def stop(self) -> None: ...
    def start(self) -> None: ...


def _config(url: str, **fields: Any) -> ChainConfig:
    """A configuration that is quick to notice things."""
    patience = {
        "live_retry_delay": 0.05,
        "live_reconnect_delay": 0.1,
        "live_block_check_interval": 0.05,
        "live_websocket_url": url if url.startswith("ws") else None,
    }
    return ChainConfig(chain_id=31_337, name="Test", rpc_urls=[url], **{**patience, **fields})


class EmbeddedNode:
    """The development chain in this process."""

    can_restart = False
    token = TOKEN.address

    def __init__(self) -> None:
        self.chain = DevChain(blocks=1, logs_per_block=0)

    def config(self, **fields: Any) -> ChainConfig:
        return _config("embedded:test", **fields)

    def embedded(self) -> dict[str, ChainSource]:
        return {"embedded:test": self.chain}

    def open(self) -> ChainSource:
        return self.chain

    def transfer(self, value: int) -> None:
        self.chain.transfer(ALICE, BOB, value, mine=True)

    def mine(self, blocks: int = 1) -> None:
        self.chain.mine(blocks)

    def reorg(self, depth: int) -> None:
        self.chain.reorg(depth)

    def transfers(self) -> list[tuple[int, str, int, int]]:
        found = []
        for number in range(self.chain.head_number + 1):
            for position, log in enumerate(self.chain._emitted.get(number, ())):
                found.append((number, "0x" + self.chain._hash(number).hex(), position, int(log.data, 16)))
        return found

    def stop(self) -> None:
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError


class _Served:
    """What all nodes behind a URL share."""

    can_restart = True
    token = TOKEN.address
    remote: DevNode

    def __init__(self, scheme: str) -> None:
        self.scheme = scheme

    @property
    def url(self) -> str:
        return self.scheme + self.remote.url.removeprefix("http")

    def config(self, **fields: Any) -> ChainConfig:
        return _config(fields.pop("url", self.url), **fields)

    def embedded(self) -> dict[str, ChainSource]:
        return {}

    def open(self) -> ChainSource:
        return JsonRpcSource(self.url, poll_interval=0.02)

    def mine(self, blocks: int = 1) -> None:
        self.remote.mine(blocks)

    def reorg(self, depth: int) -> None:
        self.remote.reorg(depth)

    def transfers(self) -> list[tuple[int, str, int, int]]:
        """The truth, asked for in a way that none of our sources takes part in."""
        wanted = {"fromBlock": "0x0", "toBlock": "latest", "address": self.token, "topics": [TRANSFER]}
        return [
            (int(log["blockNumber"], 16), log["blockHash"], int(log["logIndex"], 16), int(log["data"], 16))
            for log in self.remote.call("eth_getLogs", wanted)
        ]


class ServedDevChain(_Served):
    """The development chain behind JSON-RPC."""

    def __init__(self, scheme: str) -> None:
        super().__init__(scheme)
        self.chain = DevChain(blocks=1, logs_per_block=0)
        self._server = DevChainServer(self.chain)
        self.start()

    def transfer(self, value: int) -> None:
        self.chain.transfer(ALICE, BOB, value, mine=True)

    def start(self) -> None:
        self._server.start()
        self.remote = DevNode(self._server.url)

    def stop(self) -> None:
        self.remote.close()
        self._server.stop()


class AnvilNode(_Served):
    """A real node."""

    def __init__(self, scheme: str, folder: Path) -> None:
        super().__init__(scheme)
        self.remote = self._anvil = Anvil(state=folder / "anvil.json").start()
        self._contract = DevToken.deploy(self.remote)
        self.token = self._contract.address

    def transfer(self, value: int) -> None:
        self._contract.transfer(BOB, value)

    def start(self) -> None:
        self._anvil.start()

    def stop(self) -> None:
        self._anvil.stop()


def _anvil(scheme: str, folder: Path) -> AnvilNode:
    try:
        find_anvil()
    except AnvilError as missing:
        pytest.skip(str(missing))
    return AnvilNode(scheme, folder)


NODES: dict[str, Callable[[Path], Node]] = {
    "devchain": lambda _: EmbeddedNode(),
    "devchain-http": lambda _: ServedDevChain("http"),
    "devchain-ws": lambda _: ServedDevChain("ws"),
    "anvil-http": lambda folder: _anvil("http", folder),
    "anvil-ws": lambda folder: _anvil("ws", folder),
}

Refuse = Callable[[int, int], str | None]
"""(blocks asked for, results found) → the refusal, `None` to let it through."""


@contextmanager
def refusing_proxy(target: str, refuse: Refuse, *, code: int = -32005) -> Iterator[tuple[str, list[int]]]:
    """A node's front that refuses some `eth_getLogs`; yields its URL and the ranges let through."""
    passed: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # head and body in one segment, or delayed ACKs cost 40 ms an answer

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = json.loads(body)
            answer = client.post(target, content=body, headers={"Content-Type": "application/json"}).content
            if isinstance(request, list):
                answer = json.dumps(list(map(self.judged, request, json.loads(answer)))).encode()
            else:
                answer = json.dumps(self.judged(request, json.loads(answer))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def judged(self, request: Any, answer: Any) -> Any:
            """Return the node's answer to one request, or the refusal in its place."""
            if request["method"] != "eth_getLogs" or "fromBlock" not in request["params"][0]:
                return answer
            wanted = request["params"][0]
            blocks = int(wanted["toBlock"], 16) - int(wanted["fromBlock"], 16) + 1
            refusal = refuse(blocks, len(answer["result"]))
            if refusal is None:
                passed.append(blocks)
                return answer
            return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": refusal}}

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    client = httpx.Client(trust_env=False)
    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", passed
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        client.close()
