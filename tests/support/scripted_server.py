"""A real HTTP server on a loopback socket that says what a test tells it to, and remembers what it was
asked."""

import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Reply:
    """What the server says: JSON, or any bytes; `before` runs first, to be slow or to break the
    connection."""

    status: int = 200
    json: Any = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[Any], None] | None = None


@dataclass(frozen=True)
class Request:
    """What the server was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    json: Any


class ScriptedServer:
    """Answers with the replies that are waiting, in order, then with the one that stays."""

    def __init__(self, scheme: str = "http") -> None:
        self.requests: list[Request] = []
        self.waiting: deque[Reply] = deque()
        self.stays = Reply(404, {"error": "nothing scripted"})
        self.url = ""
        self.scheme = scheme

    def script(self, *replies: Reply) -> None:
        """Answer with these, in order; the last one again and again."""
        self.waiting = deque(replies[:-1])
        self.stays = replies[-1]
        self.requests.clear()

    def answer(self, handler: Any) -> None:
        split = urlsplit(handler.path)
        length = int(handler.headers.get("content-length") or 0)
        content = handler.rfile.read(length) if length else b""
        self.requests.append(
            Request(
                method=handler.command,
                path=split.path,
                query=dict(parse_qsl(split.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in handler.headers.items()},
                json=json.loads(content) if content else None,
            )
        )
        reply = self.waiting.popleft() if self.waiting else self.stays
        if reply.before is not None:
            reply.before(handler)
        body = (
            reply.body
            if reply.body is not None
            else b""
            if reply.json is None
            else json.dumps(reply.json).encode()
        )
        try:
            handler.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                handler.send_header(name, value)
            if reply.status != 204:
                handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            handler.close_connection = True


@contextmanager
def scripted_server(context: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """Run a server for as long as the block lasts; with an SSL context it speaks HTTPS."""
    server = ScriptedServer("https" if context else "http")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __getattr__(self, name: str) -> Any:
            # http.server looks for do_GET, do_POST and so on.
            if name.startswith("do_"):
                return lambda: server.answer(self)
            raise AttributeError(name)

        def log_message(self, *_: Any) -> None:
            """Keep quiet: the tests look at `requests`."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that hangs up is part of some tests."""

    with Quiet(("127.0.0.1", 0), Handler) as listening:
        if context is not None:
            listening.socket = context.wrap_socket(
                listening.socket, server_side=True, do_handshake_on_connect=False
            )
        server.url = f"{server.scheme}://127.0.0.1:{listening.server_port}"
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()
