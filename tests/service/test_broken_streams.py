"""Clients that die or stand still, and streams that break off: no mistake in the log, and no stop held up."""

import logging
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from event_streamer_service import ChainConfig, DevChain, LocalService
from support.raw_client import RawClient
from support.raw_sockets import answer, connected, status
from support.service_process import service_process
from support.services import wait_until

RESET = struct.pack("ii", 1, 0)


@contextmanager
def raw_stream(url: str, number: int) -> Iterator[socket.socket]:
    """A stream of which the first bytes were read; its receive buffer is small."""
    with connected(url) as raw:
        raw.sendall(f"GET /subscriptions/{number}/stream HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 200")
        yield raw


def mistakes(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("how", ["closes", "resets", "stands still"])
def test_a_client_that_is_gone_is_no_mistake(how: str, caplog: pytest.LogCaptureFixture) -> None:
    chain = DevChain(blocks=3000)
    with LocalService(chain, write_timeout=0.5) as service, RawClient(service.url) as client:
        number = client.subscribe()
        with raw_stream(service.url, number) as raw:
            if how == "resets":
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            if how != "stands still":
                raw.close()
            wait_until(lambda: service.journal.entries("disconnect"))
        reason = service.journal.entries("disconnect")[0].detail["reason"]
        assert reason == ("reader_stalled" if how == "stands still" else "client_gone")
        client.get("/health")
    assert mistakes(caplog) == []


@pytest.mark.parametrize("kind", ["drop", "reset"])
def test_a_stream_that_breaks_off_is_no_mistake(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    with LocalService(DevChain(blocks=50)) as service, RawClient(service.url) as client:
        service.faults.add(kind)
        with raw_stream(service.url, client.subscribe()):
            wait_until(lambda: service.journal.entries("disconnect"))
        client.get("/health")
    assert mistakes(caplog) == []


@pytest.mark.parametrize("what", ["reader of a stream", "body"])
def test_a_client_that_stands_still_holds_up_no_stop(sqlite_database: str, what: str) -> None:
    arguments = ["--database", sqlite_database, "--port", "0"]
    with service_process(*arguments) as service, RawClient(service.url) as client, ExitStack() as stack:
        if what == "body":
            raw = stack.enter_context(connected(service.url))
            head = "POST /subscriptions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            raw.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        else:
            stack.enter_context(raw_stream(service.url, client.subscribe()))
        time.sleep(1)
        began = time.monotonic()
        assert service.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 3.5
        if what == "body":
            assert status(answer(raw)) == 503
    assert not [line for line in service.log if '"error"' in line], service.log


def test_a_request_that_a_stop_breaks_off_is_told_so(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as node:  # it takes connections and never answers
        url = f"http://127.0.0.1:{node.getsockname()[1]}"
        chains = [ChainConfig(chain_id=5, name="Silent", rpc_urls=[url])]
        with LocalService(chains=chains, shutdown_timeout=1) as service, RawClient(service.url) as client:
            number = client.subscribe(chain_id=5)
            seen: list[int] = []

            def watch() -> None:
                seen.append(client.http.get(f"/subscriptions/{number}/watch").status_code)

            watching = threading.Thread(target=watch)
            watching.start()
            time.sleep(0.3)  # it waits for the node to tell its head
            service.stop()
            watching.join(5)
    assert seen == [503]
    assert not [record for record in caplog.records if record.exc_info]
