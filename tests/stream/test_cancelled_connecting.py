"""Cancelled at any await of its connecting, the asyncio transport leaves nothing open."""

import asyncio
import gc
import socketserver
import ssl
import threading
import warnings
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import trustme

from event_streamer_sdk._core.call.request import Request
from event_streamer_sdk._transports import connecting
from event_streamer_sdk._transports._async.llhttp import AsyncLlhttpTransport
from event_streamer_sdk._transports.limits import TimeLimits

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class CancelledAt:
    """
    Awaits a coroutine, and cancels the task that does so once.

    Args:
        work: The coroutine.
        count: At which of its suspensions.
        late: Only when what it waits for is done, but before the task has heard of it; else at once.
    """

    def __init__(self, work: Coroutine[Any, Any, Any], count: int, *, late: bool) -> None:
        self._work = work
        self._left = count
        self._late = late

    def __await__(self) -> Generator[Any, Any, Any]:
        """Pass on what the coroutine waits for."""
        problem: BaseException | None = None
        while True:
            try:
                waits_for = self._work.send(None) if problem is None else self._work.throw(problem)
            except StopIteration as end:
                return end.value
            self._left -= 1
            if self._left == 0:
                task = asyncio.current_task()
                assert task is not None
                if self._late and waits_for is not None:
                    waits_for.add_done_callback(lambda _, cancel=task.cancel: cancel())
                else:
                    asyncio.get_running_loop().call_soon(task.cancel)
            problem = None
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001 - the coroutine's to judge
                problem = error


@contextmanager
def peer(tls: ssl.SSLContext | None) -> Iterator[int]:
    """Answer one request on each connection, and close none before the end, whatever the client does."""
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(10)
            with (
                suppress(OSError),
                tls.wrap_socket(self.request, server_side=True) if tls else self.request as connection,
            ):
                if connection.recv(65536):
                    connection.sendall(OK)
                over.wait(10)

    class Server(socketserver.ThreadingTCPServer):
        request_queue_size = 100

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            over.set()
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_cancelled_at_any_await_a_call_leaves_nothing_open(scheme: str, late: bool) -> None:
    authority = trustme.CA()
    served, trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("127.0.0.1").configure_cert(served)
    authority.configure_trust(trusted)

    async def call(port: int, count: int) -> bool:
        transport = AsyncLlhttpTransport(trusted, 20, None)
        url = f"{scheme}://127.0.0.1:{port}/"
        request = Request(method="GET", url=url, params={}, content=None, headers={})
        limits = TimeLimits({"connect": 10.0, "read": 10.0, "write": 10.0})

        async def read() -> int:
            response = await transport.open(request, limits)
            try:
                while await response.chunk():
                    pass
                return response.status
            finally:
                await response.close()

        async def cancelled() -> bool:
            return bool(await CancelledAt(read(), count, late=late) != 200)

        try:
            return await asyncio.create_task(cancelled())
        except asyncio.CancelledError:
            return True
        finally:
            await transport.close()

    count = 1
    with peer(served if scheme == "https" else None) as port, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        while asyncio.run(call(port, count)):
            gc.collect()
            assert [str(warning.message) for warning in told] == [], f"cancelled at await {count}"
            count += 1
    assert count > (4 if scheme == "https" else 3)  # connecting, its transport, TLS, the response


@pytest.mark.parametrize("late", [False, True])
def test_cancelled_while_addresses_race_no_socket_stays_open(
    late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "ATTEMPT_DELAY", 0.0)
    look_up = connecting._looked_up

    async def thrice(host: str, port: int) -> list[connecting.Address]:
        return await look_up(host, port) * 3

    monkeypatch.setattr(connecting, "_looked_up", thrice)

    async def connect(port: int, count: int) -> bool:
        async def cancelled() -> None:
            (await CancelledAt(connecting.connected_on_loop("127.0.0.1", port), count, late=late)).close()

        task = asyncio.create_task(cancelled())
        await asyncio.wait([task])
        return task.cancelled()

    count = 1
    with peer(None) as port, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        while asyncio.run(connect(port, count)):
            gc.collect()
            assert [str(warning.message) for warning in told] == [], f"cancelled at await {count}"
            count += 1
        gc.collect()
        assert told == []
