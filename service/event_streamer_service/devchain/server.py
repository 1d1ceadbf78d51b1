"""
The development chain as a node: JSON-RPC over HTTP and WebSocket, in this process or in one of its own.

    python -m event_streamer_service.devchain.server --chain-id 1 --first-block 19000000 --mine-every 1

It prints its URL. Blocks and events can be read with any library: web3.py, ethers, viem, cast. Besides
the calls that this needs it knows the development calls of anvil (`anvil_mine`, `evm_mine`, `anvil_reorg`),
and `devchain_emit` puts a log of one's own into the next block. What the chain is not (balances, calls, gas)
it refuses by name.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from .chain import DEFAULT_HISTORY, DevChain
from .methods import ChainMethods
from .rpc import answer
from .websocket import Session

__all__ = ["DevChainServer", "build_app"]


def build_app(chain: DevChain) -> Starlette:
    """Return the ASGI application that serves a chain at `/`, over HTTP and WebSocket."""
    methods = ChainMethods(chain)
    table = methods.table()

    async def post(request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        answered = await answer(table, body)
        return (
            Response(status_code=204)
            if answered is None
            else Response(answered, media_type="application/json")
        )

    async def websocket(socket: WebSocket) -> None:
        await socket.accept()
        await Session(chain, methods, socket).serve()

    return Starlette(routes=[Route("/", post, methods=["POST"]), WebSocketRoute("/", websocket)])


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
        """Where it listens for WebSockets, on the same port."""
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
