"""After a fork parent and child have connections of their own: none gets the other's answers."""

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from support.stream_server import Wire, stream_server

pytestmark = [
    pytest.mark.quick,
    pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork on this system"),
]

CALLS = """
import asyncio, os, sys, warnings
import httpx
from event_streamer_sdk import EventStreamer, SyncEventStreamer

kind, url, own = sys.argv[1:]
make = EventStreamer if kind == "async" else SyncEventStreamer
options = {}
if own == "http_client":
    options["http_client"] = httpx.AsyncClient() if kind == "async" else httpx.Client()
client = make(url, "me", **options)
runner = asyncio.Runner()

def ask(number):
    answer = client.get_subscription_last_processed_block(number)
    return runner.run(answer) if kind == "async" else answer

def close():
    closing = [client.close()]
    if own:
        closing.append(options[own].aclose() if kind == "async" else options[own].close())
    for each in closing:
        kind == "async" and runner.run(each)

assert ask(1) == 1
children = []
for child in range(4):
    pid = os.fork()
    if pid == 0:
        try:
            if kind == "async":
                runner = asyncio.Runner()
            numbers = range(1000 * child + 1000, 1000 * child + 1015)
            wrong = [number for number in numbers if ask(number) != number]
            (runner.run(client.close()) if kind == "async" else client.close())
            if wrong: print("child got other answers", wrong)
            os._exit(bool(wrong))
        except BaseException as error:
            print(type(error).__name__, error)
            sys.stdout.flush()
            os._exit(3)
    children.append(pid)
wrong = [number for number in range(10, 60) if ask(number) != number]
print("parent", wrong)
print("children", sorted({os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children}))
close()
"""

STREAM = """
import asyncio, os, sys, time
from event_streamer_sdk import EventStreamer, SyncEventStreamer

kind, url = sys.argv[1:]
seen = []

def fork():
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return None

def blocking():
    client = SyncEventStreamer(url, "me")
    stream = client.create_streaming_client(1)
    stream.on_event("Transfer")(seen.extend)
    with stream:
        stream.start_streaming()
        while len(seen) < 2:
            time.sleep(0.01)
        code = fork()
        if code is None:
            assert not stream.is_running and not stream.is_connected
            client.close()
            os._exit(0)
        stream.wait(10)
    client.close()
    return code

async def on_loop():
    client = EventStreamer(url, "me")
    stream = client.create_streaming_client(1)
    stream.on_event("Transfer")(seen.extend)
    async with client:
        await stream.start_streaming()
        while len(seen) < 2:
            await asyncio.sleep(0.01)
        code = fork()
        if code is None:
            assert not stream.is_running and not stream.is_connected
            os._exit(0)
        await stream.wait()
        return code

code = asyncio.run(on_loop()) if kind == "async" else blocking()
print("child", code, "seen", len(seen))
"""


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the number that was asked about, so that an answer of somebody else is found out."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one, else the second waits for an acknowledgement

    def do_GET(self) -> None:
        body = b'{"last_processed_block": %s}' % self.path.split("/")[2].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def output(code: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_children_never_share_a_connection(kind: str, url: str) -> None:
    assert output(CALLS, kind, url, "") == ["parent []", "children [0]"]


def test_a_client_of_the_users_that_was_used_before_is_refused_in_the_child(kind: str, url: str) -> None:
    *told, parent, children = output(CALLS, kind, url, "http_client")
    assert (parent, children) == ("parent []", "children [3]")
    assert len(told) == 4
    assert all("http_client was used before this process was forked" in line for line in told)


def test_a_child_leaves_the_parents_stream_alone(kind: str) -> None:
    def going_on(wire: Wire) -> None:
        wire.batches(0, 1)
        wire.pause(1.0)  # the child has come and gone meanwhile
        wire.rest(2)

    with stream_server(going_on) as server:
        assert output(STREAM, kind, server.url) == ["child 0 seen 5"]
        assert server.tokens == [None], "the parent's connection lasted"
