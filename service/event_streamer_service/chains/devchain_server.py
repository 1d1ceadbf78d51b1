"""
The development chain as a node: JSON-RPC over HTTP and WebSocket, in this process or in one of its own.

    python -m event_streamer_service.chains.devchain_server --chain-id 1 --first-block 19000000 --mine-every 1

It prints its URL. Beside the calls that reading a chain needs it knows the development calls of anvil
(`anvil_mine`, `evm_mine`, `anvil_reorg`), and `devchain_emit` puts a log of one's own into the next block.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from .devchain import DEFAULT_HISTORY, DevChain
from .errors import BlockGone, RangeTooLarge
from .types import Block, Log, LogFilter

__all__ = ["DevChainServer", "build_app"]

_PARSE_ERROR = -32700
_INVALID_REQUEST = -32600
_METHOD_NOT_FOUND = -32601
_INVALID_PARAMS = -32602
_SERVER_ERROR = -32000
_LIMIT_EXCEEDED = -32005  # EIP-1474
_NO_BLOOM = "0x" + "00" * 256
_MOST_MINED = 100_000


class _Refusal(Exception):  # noqa: N818 - what it is on the wire
    """An answer with an error object."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _LogObject(msgspec.Struct, rename="camel"):
    address: str
    topics: tuple[str, ...]
    data: str
    block_number: str
    block_hash: str
    block_timestamp: str
    transaction_hash: str
    transaction_index: str
    log_index: str
    removed: bool = False


def _log_object(log: Log) -> _LogObject:
    return _LogObject(
        log.address,
        log.topics,
        log.data,
        hex(log.block_number),
        log.block_hash,
        hex(log.block_timestamp or 0),
        log.transaction_hash,
        "0x0",
        hex(log.log_index),
    )


def _block_object(block: Block) -> dict[str, Any]:
    return {
        "number": hex(block.number),
        "hash": block.hash,
        "parentHash": block.parent_hash,
        "timestamp": hex(block.timestamp),
        "logsBloom": _NO_BLOOM,
        "transactions": [],
    }


class _Calls:
    """The JSON-RPC methods over one chain."""

    def __init__(self, chain: DevChain) -> None:
        self._chain = chain
        self._methods: dict[str, Callable[..., Awaitable[Any]]] = {
            "web3_clientVersion": self._client_version,
            "net_version": self._net_version,
            "eth_chainId": self._chain_id,
            "eth_blockNumber": self._block_number,
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockReceipts": self._block_receipts,
            "eth_getLogs": self._logs,
            "eth_accounts": self._accounts,
            "evm_mine": self._mine_one,
            "anvil_mine": self._mine,
            "hardhat_mine": self._mine,
            "anvil_reorg": self._reorg,
            "devchain_emit": self._emit,
        }

    async def answer(self, body: bytes) -> bytes:
        """Answer a request or a batch of them."""
        try:
            request = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return msgspec.json.encode(_error(None, _PARSE_ERROR, "parse error"))
        if isinstance(request, list) and request:
            return msgspec.json.encode([await self.answer_one(one) for one in request])
        return msgspec.json.encode(await self.answer_one(request))

    async def answer_one(self, request: Any) -> dict[str, Any]:
        """Answer one decoded request."""
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _error(None, _INVALID_REQUEST, "invalid request")
        request_id = request.get("id")
        method = self._methods.get(request["method"])
        if method is None:
            return _error(
                request_id,
                _METHOD_NOT_FOUND,
                f"the method {request['method']} does not exist/is not available",
            )
        params = request.get("params") or []
        try:
            return {"jsonrpc": "2.0", "id": request_id, "result": await method(*params)}
        except _Refusal as refusal:
            return _error(request_id, refusal.code, str(refusal))
        except RangeTooLarge as refusal:
            return _error(request_id, _LIMIT_EXCEEDED, str(refusal))
        except BlockGone:
            return _error(request_id, _SERVER_ERROR, "unknown block")
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            return _error(request_id, _INVALID_PARAMS, f"invalid params: {error}")

    async def _client_version(self) -> str:
        return "EventStreamerDevChain/1"

    async def _net_version(self) -> str:
        return str(await self._chain.chain_id())

    async def _chain_id(self) -> str:
        return hex(await self._chain.chain_id())

    async def _block_number(self) -> str:
        return hex(self._chain.head_number)

    async def _accounts(self) -> Sequence[str]:
        return self._chain.accounts

    async def _block_by_number(self, tag: str, _full: bool = False) -> dict[str, Any] | None:
        block = await self._chain.block(self._number(tag))
        return None if block is None else _block_object(block)

    async def _block_by_hash(self, block_hash: str, _full: bool = False) -> dict[str, Any] | None:
        block = self._chain.block_by_hash(block_hash.lower())
        return None if block is None else _block_object(block)

    async def _block_receipts(self, tag: str) -> list[dict[str, Any]] | None:
        """One receipt a transaction, with its logs (other fields are left out)."""
        if len(tag) == 66:
            block = self._chain.block_by_hash(tag.lower())
        else:
            block = await self._chain.block(self._number(tag))
        if block is None:
            return None
        receipts: dict[str, dict[str, Any]] = {}
        for log in (await self._chain.block_logs([block], LogFilter(None)))[0]:
            receipt = receipts.setdefault(
                log.transaction_hash,
                {"transactionHash": log.transaction_hash, "blockHash": block.hash, "logs": []},
            )
            receipt["logs"].append(_log_object(log))
        return list(receipts.values())

    async def _logs(self, wanted: Mapping[str, Any]) -> list[_LogObject]:
        addresses = wanted.get("address") or []
        topics = [[t] if isinstance(t, str) else t for t in wanted.get("topics") or []]
        log_filter = LogFilter(
            frozenset(topic.lower() for topic in topics[0]) if topics and topics[0] else None,
            frozenset(a.lower() for a in ([addresses] if isinstance(addresses, str) else addresses)),
        )
        if "blockHash" in wanted:
            block = self._chain.block_by_hash(wanted["blockHash"].lower())
            if block is None:
                raise _Refusal(_SERVER_ERROR, "unknown block")
            logs = (await self._chain.block_logs([block], log_filter))[0]
        else:
            first = self._number(wanted.get("fromBlock", "latest"))
            last = self._number(wanted.get("toBlock", "latest"))
            if first > last:
                raise _Refusal(_INVALID_PARAMS, "invalid block range params")
            logs = await self._chain.logs(first, last, log_filter)
        further = [(i, {t.lower() for t in topic}) for i, topic in enumerate(topics) if i and topic]
        return [
            _log_object(log)
            for log in logs
            if all(i < len(log.topics) and log.topics[i] in wanted_topics for i, wanted_topics in further)
        ]

    async def _mine_one(self, _timestamp: Any = None) -> str:
        return await self._mine()

    async def _mine(self, blocks: str | int = 1, _interval: Any = None) -> str:
        count = int(blocks, 16) if isinstance(blocks, str) else blocks
        if not 1 <= count <= _MOST_MINED:
            raise _Refusal(_INVALID_PARAMS, f"blocks must be 1 to {_MOST_MINED}")
        self._chain.mine(count)
        return "0x0"

    async def _reorg(self, depth: int, _transactions: Any = None) -> None:
        self._chain.reorg(depth)

    async def _emit(self, address: str, topics: Sequence[str], data: str = "0x") -> None:
        self._chain.emit(address, topics, data)

    def _number(self, tag: str) -> int:
        if tag in ("latest", "pending", "safe", "finalized"):
            return self._chain.head_number
        return self._chain.first_block if tag == "earliest" else int(tag, 16)


def _error(request_id: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}


def build_app(chain: DevChain) -> Starlette:
    """Return the ASGI application that serves a chain at `/`, over HTTP and WebSocket."""
    calls = _Calls(chain)

    async def post(request: Request) -> Response:
        return Response(await calls.answer(await request.body()), media_type="application/json")

    async def websocket(socket: WebSocket) -> None:
        await socket.accept()
        session = _Session(chain, calls, socket)
        try:
            while True:
                await session.receive(await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            await session.close()

    return Starlette(routes=[Route("/", post, methods=["POST"]), WebSocketRoute("/", websocket)])


class _Session:
    """One WebSocket: calls, and announcements of new heads."""

    def __init__(self, chain: DevChain, calls: _Calls, socket: WebSocket) -> None:
        self._chain = chain
        self._calls = calls
        self._socket = socket
        self._subscriptions: dict[str, asyncio.Task[None]] = {}
        self._count = 0

    async def receive(self, text: str) -> None:
        """Answer one message."""
        try:
            request = msgspec.json.decode(text)
        except msgspec.DecodeError:
            request = None
        method = request.get("method") if isinstance(request, dict) else None
        if method == "eth_subscribe":
            await self._subscribe(request)
        elif method == "eth_unsubscribe":
            task = self._subscriptions.pop((request.get("params") or [""])[0], None)
            if task is not None:
                task.cancel()
            await self._send({"jsonrpc": "2.0", "id": request.get("id"), "result": task is not None})
        else:
            await self._socket.send_text((await self._calls.answer(text.encode())).decode())

    async def close(self) -> None:
        """End the announcements."""
        for task in self._subscriptions.values():
            task.cancel()
        await asyncio.gather(*self._subscriptions.values(), return_exceptions=True)

    async def _subscribe(self, request: Mapping[str, Any]) -> None:
        if (request.get("params") or [None])[0] != "newHeads":
            await self._send(_error(request.get("id"), _INVALID_PARAMS, "only newHeads can be subscribed to"))
            return
        self._count += 1
        subscription = hex(self._count)
        await self._send({"jsonrpc": "2.0", "id": request.get("id"), "result": subscription})
        self._subscriptions[subscription] = asyncio.create_task(self._announce(subscription))

    async def _announce(self, subscription: str) -> None:
        async with contextlib.aclosing(self._chain.new_heads()) as heads:
            await anext(heads)  # the present head is no news
            async for head in heads:
                params = {"subscription": subscription, "result": _block_object(head)}
                await self._send({"jsonrpc": "2.0", "method": "eth_subscription", "params": params})

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._socket.send_text(msgspec.json.encode(message).decode())


class DevChainServer:
    """
    Serves a chain over JSON-RPC from a thread of this process. A context manager.

    Args:
        chain: The chain; it can be mined and reorganised meanwhile from any thread.
        port: Where it listens on loopback; 0 takes a free port.

    Example:
        >>> with DevChainServer(DevChain()) as server:
        ...     source = JsonRpcSource(server.url)
    """

    def __init__(self, chain: DevChain, *, port: int = 0) -> None:
        self.chain = chain
        self.url = ""
        self._port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def websocket_url(self) -> str:
        """Where it listens for WebSockets: the same port."""
        return "ws" + self.url.removeprefix("http")

    def start(self) -> DevChainServer:
        """Begin to listen. After `stop` it starts again on the same port."""
        listening = threading.Event()
        server = _Server(self.chain, "127.0.0.1", self._port, lambda _: listening.set())
        self._server = server
        self._thread = threading.Thread(target=server.run, name="devchain-server", daemon=True)
        self._thread.start()
        while not listening.wait(0.1):
            if not self._thread.is_alive():
                raise OSError(f"the development chain can't listen on port {self._port}")
        self._port = server.port
        self.url = f"http://127.0.0.1:{self._port}"
        return self

    def stop(self) -> None:
        """Stop listening; connections are closed."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._server.force_exit = True
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> DevChainServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(uvicorn.Server):
    """Uvicorn that tells when, and on which port, it listens; the chain mines as long as it does."""

    def __init__(self, chain: DevChain, host: str, port: int, on_listening: Callable[[int], object]) -> None:
        super().__init__(
            uvicorn.Config(
                build_app(chain),
                host=host,
                port=port,
                log_level="warning",
                access_log=False,
                lifespan="off",
                ws="websockets-sansio",
            )
        )
        self._chain = chain
        self._on_listening = on_listening
        self.port = 0

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._chain.start()
            self.port = self.servers[0].sockets[0].getsockname()[1]
            self._on_listening(self.port)

    async def shutdown(self, sockets: Any = None) -> None:
        await self._chain.close()
        await super().shutdown(sockets)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the server until it is interrupted; the first line printed is its URL."""
    parser = argparse.ArgumentParser(prog="devchain_server", description="A development chain over JSON-RPC.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--chain-id", type=int, default=31_337)
    parser.add_argument("--first-block", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=DEFAULT_HISTORY, help="blocks at the start")
    parser.add_argument("--logs-per-block", type=int, default=8)
    parser.add_argument("--mine-every", type=float, help="seconds between two blocks")
    parser.add_argument("--max-results", type=int, help="refuse questions for more logs")
    parser.add_argument("--max-block-range", type=int, help="refuse questions over more blocks")
    options = vars(parser.parse_args(arguments))
    host, port = options.pop("host"), options.pop("port")
    try:
        chain = DevChain(**options)
    except ValueError as error:
        sys.exit(str(error))

    def tell(port: int) -> None:
        sys.stdout.write(f"http://{host}:{port}\n")
        sys.stdout.flush()

    with contextlib.suppress(KeyboardInterrupt):
        _Server(chain, host, port, tell).run()


if __name__ == "__main__":
    main()
