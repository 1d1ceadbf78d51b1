"""What httpx did for a node's URL still holds over connections of our own: users, codings, proxies, TLS."""

import asyncio
import gzip
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trustme

from event_streamer_service.chains import transports
from event_streamer_service.chains.errors import ChainError, ChainUnavailable
from event_streamer_service.chains.node_http import _MOST_CONNECTIONS
from event_streamer_service.chains.transports import HttpTransport, WebSocketTransport

ANSWER = b'{"jsonrpc":"2.0","id":1,"result":"0x7a69"}'
ASKED = [("eth_chainId", [])]


class Node:
    """Gives the same answer to all; keeps the heads that came, and how many waited at once."""

    def __init__(self, answer: bytes, more: bytes) -> None:
        self._answer = b"HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n%s" % (more, len(answer), answer)
        self.heads: list[str] = []
        self.waiting = self.most = self.connections = 0
        self.let_go = asyncio.Event()
        self.let_go.set()
        self.full = asyncio.Event()
        """As many wait as there may be connections."""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(line for line in head.lower().splitlines() if line.startswith("content-length"))
                await reader.readexactly(int(length.partition(":")[2]))
                self.heads.append(head)
                self.waiting += 1
                self.most = max(self.most, self.waiting)
                if self.waiting >= _MOST_CONNECTIONS:
                    self.full.set()
                await self.let_go.wait()
                self.waiting -= 1
                writer.write(self._answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def node(
    answer: bytes = ANSWER, more: bytes = b"", tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Node, int]]:
    there = Node(answer, more)
    server = await asyncio.start_server(there.talk, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield there, server.sockets[0].getsockname()[1]


@asynccontextmanager
async def transport_to(url: str) -> AsyncIterator[HttpTransport]:
    transport = HttpTransport(url, 20)
    try:
        yield transport
    finally:
        await transport.close()


def test_a_user_in_the_url_is_sent_and_a_coded_answer_is_read() -> None:
    async def run() -> None:
        async with (
            node(gzip.compress(ANSWER), b"content-encoding: gzip\r\n") as (there, port),
            transport_to(f"http://me:secret@127.0.0.1:{port}/v1?key=k") as transport,
        ):
            for _ in range(3):
                (answer,) = await transport.send(ASKED)
                assert answer is not None
                assert bytes(answer.result) == b'"0x7a69"'
        assert there.connections == 1, "a connection is used again"
        head = there.heads[0].lower()
        assert there.heads[0].startswith("POST /v1?key=k HTTP/1.1\r\n")
        assert "authorization: basic bwu6c2vjcmv0\r\n" in head
        assert head.count("\r\nhost:") == head.count("\r\ncontent-length:") == 1
        assert f"host: 127.0.0.1:{port}\r\n" in head
        assert "gzip" in head.partition("accept-encoding:")[2].partition("\r\n")[0]

    asyncio.run(run())


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_an_answer_that_is_small_until_it_is_inflated_costs_no_more_than_an_answer_may(
    monkeypatch: pytest.MonkeyPatch, layers: int
) -> None:
    """Two layers of gzip make 64 MiB of less than a kilobyte, and httpx made them at once."""
    monkeypatch.setattr(transports, "_MAX_ANSWER_BYTES", 1 << 20)
    packed = bytes(64 << 20)
    for _ in range(layers):
        packed = gzip.compress(packed)
    more = b"content-encoding: %s\r\n" % b", ".join([b"gzip"] * layers)

    async def run() -> int:
        async with (
            node(packed, more) as (_, port),
            transport_to(f"http://127.0.0.1:{port}") as transport,
        ):
            tracemalloc.start()
            with pytest.raises(ChainError, match="an answer of more than 1 MiB"):
                await transport.send(ASKED)
            return tracemalloc.get_traced_memory()[1]

    try:
        assert asyncio.run(run()) < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", ["br", "gzip, br", "gzip, gzip, gzip, gzip, gzip"])
def test_a_coding_that_was_not_asked_for_is_told(coding: str) -> None:
    async def run() -> None:
        async with (
            node(ANSWER, b"content-encoding: %s\r\n" % coding.encode()) as (there, port),
            transport_to(f"http://127.0.0.1:{port}") as transport,
        ):
            with pytest.raises(ChainUnavailable, match=f"Content-Encoding '{coding}'"):
                await transport.send(ASKED)
            assert "accept-encoding: gzip, deflate\r\n" in there.heads[0].lower()

    asyncio.run(run())


def test_a_websocket_is_not_led_elsewhere() -> None:
    """As over HTTP: else a public node could send us where the API may not."""
    seen: list[str] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        place = f"ws://127.0.0.1:{target.sockets[0].getsockname()[1]}/"
        writer.write(f"HTTP/1.1 307 x\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.close()

    async def run() -> None:
        nonlocal target
        target = await asyncio.start_server(note, "127.0.0.1", 0)
        async with target, await asyncio.start_server(redirect, "127.0.0.1", 0) as there:
            transport = WebSocketTransport(f"ws://127.0.0.1:{there.sockets[0].getsockname()[1]}", 20)
            try:
                with pytest.raises(ChainUnavailable, match="HTTP 307"):
                    await transport.send(ASKED)
            finally:
                await transport.close()

    target: asyncio.Server
    asyncio.run(run())
    assert not seen


@pytest.mark.parametrize(("excepted", "by_proxy"), [("", True), ("127.0.0.1", False)])
def test_a_proxy_that_the_environment_names_is_used(
    monkeypatch: pytest.MonkeyPatch, excepted: str, by_proxy: bool
) -> None:
    async def run() -> None:
        async with node() as (proxy, proxy_port), node() as (there, port):
            for name in ("HTTP_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY"):
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy_port}")
            monkeypatch.setenv("no_proxy", excepted)
            async with transport_to(f"http://127.0.0.1:{port}") as transport:
                await transport.send(ASKED)
        assert [bool(proxy.heads), bool(there.heads)] == [by_proxy, not by_proxy]

    asyncio.run(run())


@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_counts_if_it_is_trusted(monkeypatch: pytest.MonkeyPatch, trusted: bool) -> None:
    async def run() -> None:
        authority = trustme.CA()
        server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        authority.issue_cert("127.0.0.1").configure_cert(server)
        if trusted:
            authority.configure_trust(client)
        certificates: Callable[[], ssl.SSLContext] = lambda: client  # noqa: E731
        monkeypatch.setattr(transports, "_certificates", certificates)
        async with node(tls=server) as (_, port), transport_to(f"https://127.0.0.1:{port}") as transport:
            if trusted:
                assert await transport.send(ASKED)
            else:
                with pytest.raises(ChainUnavailable, match="can't be reached"):
                    await transport.send(ASKED)

    asyncio.run(run())


def test_no_more_than_some_connections_are_open_at_once() -> None:
    async def run() -> None:
        async with node() as (there, port), transport_to(f"http://127.0.0.1:{port}") as transport:
            there.let_go.clear()
            asking = [asyncio.create_task(transport.send(ASKED)) for _ in range(_MOST_CONNECTIONS + 10)]
            await there.full.wait()
            there.let_go.set()
            assert all(await asyncio.gather(*asking))
            assert there.most <= _MOST_CONNECTIONS
            assert there.connections <= _MOST_CONNECTIONS

    asyncio.run(run())
