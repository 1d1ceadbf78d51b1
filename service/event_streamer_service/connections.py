"""
What a connection may cost before anybody knows who has opened it.

uvicorn's parser sets no limit on heads, and its only time limit is that between two requests. Here each
step has one of both, connections have one in all and one for each address, and the transport below is shown
to the streams, which cut off stalled readers with it.

    accepted ──head_timeout──▶ head ──body_timeout──▶ body ──▶ answered ──idle_timeout──▶ closed

Requests of one connection are taken one at a time. uvicorn parses all that a piece of data holds, thousands
of pipelined requests if need be, and queues them; here they stay bytes, and nothing more is read, until the
one before is answered (RFC 9112, section 9.3.2, asks for no more than answers in order).
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import httptools
import orjson
from attrs import define, field, frozen
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from event_streamer_service.delivery.writer import TRANSPORT
from event_streamer_service.errors import STATUS_TITLES
from event_streamer_service.heads import refusal_of
from event_streamer_service.settings import Settings

logger = logging.getLogger(__name__)

_MOST_FIELDS = 256
"""Header fields of a request. Apache takes 100; each costs more memory than the bytes it is written in."""
_GRACE = 1.5
"""How much longer a connection waits for its reader than a stream does."""
_MOST_READ = 64 * 1024
"""Bytes that are read at once. asyncio's own 256 KiB are held for each connection whose requests wait."""
_PIPELINED_AT_ONCE = 4
"""Pipelined requests, of all connections together, that are begun before others have their turn again."""
_END_OF_HEAD = b"\r\n\r\n"
_FRAMING = 8
"""Bytes on the wire for each byte of a body that is sent in chunks of one byte: more of them are padding."""
_LINGER = 1.0
"""Seconds that a refused connection has to read why: closing at once would take the answer away with it."""
_MOST_LINGERING = 128
_MOST_DISCARDED = 512 * 1024


@frozen(kw_only=True)
class ConnectionLimits:
    """
    Limits of connections: sizes in bytes, times in seconds.

    Attributes:
        head_bytes: Request line and header fields together.
        head_timeout: From the first byte, or from the accept, to the end of the head.
        body_timeout: From there to the end of the body.
        write_timeout: A reader that takes no byte of its answer for so long is cut off.
        connections: Open connections in all.
        connections_per_address: Open connections of one address.
        trusted: Addresses of reverse proxies: behind one of them are many clients.
    """

    head_bytes: int
    head_timeout: float
    body_timeout: float
    write_timeout: float
    connections: int
    connections_per_address: int
    trusted: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings, *, descriptors: int | None) -> ConnectionLimits:
        """
        Return the limits that settings give.

        Args:
            settings: The service's settings.
            descriptors: Open files that the process may have: some are kept for the database and for nodes.
        """
        connections = settings.max_connections
        if descriptors is not None:
            connections = max(1, min(connections, descriptors - min(64, descriptors // 4)))
        return cls(
            head_bytes=settings.max_head_bytes,
            head_timeout=settings.head_timeout,
            body_timeout=settings.body_timeout,
            write_timeout=settings.write_timeout,
            connections=connections,
            # One address alone can't take all of them.
            connections_per_address=max(1, min(settings.max_connections_per_address, connections * 3 // 4)),
            trusted=settings.trusted_proxies,
        )


@define
class Connections:
    """
    The open connections of a server.

    Attributes:
        limits: What they are held to.
        refused: Connections and requests that were refused here, by reason.
    """

    limits: ConnectionLimits
    refused: Counter[str] = field(factory=Counter)
    lingering: int = 0
    _held: deque[tuple[Callable[[], None], contextvars.Context]] = field(factory=deque)
    _open: int = 0
    _by_address: Counter[str] = field(factory=Counter)

    def opened(self, address: str) -> tuple[int, str] | None:
        """Count a new connection; return status and sentence where it is one too many."""
        self._open += 1
        self._by_address[address] += 1
        if self._open > self.limits.connections:
            return (
                503,
                f"The service has {self.limits.connections} connections, and takes no more. Try again later.",
            )
        of_one = self.limits.connections_per_address
        if self._by_address[address] > of_one and address not in self.limits.trusted:
            return 429, f"Your address has {of_one} connections here, the most allowed. Close one first."
        return None

    def wait_for_turn(self, go_on: Callable[[], None], context: contextvars.Context) -> None:
        """Go on with a pipelined request once it is this connection's turn: few of them go on at once."""
        if not self._held:
            asyncio.get_running_loop().call_soon(self._give_turns)
        self._held.append((go_on, context))

    def _give_turns(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(min(_PIPELINED_AT_ONCE, len(self._held))):
            go_on, context = self._held.popleft()
            loop.call_soon(go_on, context=context)
        if self._held:
            loop.call_soon(self._give_turns)

    def closed(self, address: str) -> None:
        """Count a connection that is gone."""
        self._open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


class _Refused(Exception):  # noqa: N818 - reads as the state it reports
    """Nothing more is taken of this connection; httptools hands it on as an error of the parser."""


class _Flow(FlowControl):
    """
    Reads nothing while something that was read waits, whoever asks for more.

    uvicorn reads on whenever the application wants to know whether its client is still there.
    """

    holding = False

    def resume_reading(self) -> None:
        """Read on, unless there is enough."""
        if not self.holding:
            super().resume_reading()


class LimitedProtocol(HttpToolsProtocol):
    """
    One connection.

    Args:
        shared: All connections of the server.
        **uvicorns: What uvicorn makes a protocol with.
    """

    def __init__(self, shared: Connections, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._shared = shared
        self._limits = shared.limits
        self._address = ""
        self._deadline: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._refused = False
        self._in_body = False
        self._wire_bytes = 0
        """Bytes of this head or body, as they came."""
        self._body_bytes = 0
        self._trailing = False
        self._held = b""
        self._fed = 0
        """What came last, and how far the parser has it: the rest is behind a request that isn't answered."""
        self._context = contextvars.copy_context()
        """The connection's: the next request must not begin in that of the one before."""

    # --- the connection -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection; uvicorn copies `app_state` into every request's scope."""
        super().connection_made(transport)
        if hasattr(transport, "max_size"):  # asyncio's own transports
            transport.max_size = _MOST_READ
        self.flow: _Flow = _Flow(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}
        self._address = self.client[0] if self.client else ""
        too_many = self._shared.opened(self._address)
        if too_many is not None:
            status, detail = too_many
            self._refuse(status, detail, "connections", retry_after=5)
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of a connection."""
        self._shared.closed(self._address)
        self._set_deadline(None)
        self._held = b""
        if self._stalled is not None:
            self._stalled.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Stop: what is being answered has its time, a body that is still on its way has not."""
        super().shutdown()
        if self._in_body and not self.cycle.response_complete:
            self._refuse(503, "The service is stopping.", "stopping", retry_after=5)

    def pause_writing(self) -> None:
        """Wait for the reader; not for ever."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Write on: the reader has taken most of it."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def data_received(self, data: bytes) -> None:
        """Feed the parser up to the end of the first request that has to be answered; keep the rest."""
        if self._refused:  # who goes on sending has no time to read why
            self._wire_bytes += len(data)
            if self._wire_bytes > _MOST_DISCARDED:
                self.transport.abort()
            return
        self._held, self._fed = self._held[self._fed :] + data, 0
        if not self.flow.holding:
            self._feed_held()

    def _feed_held(self) -> None:
        """Feed what is held; keep what is behind a request that has to be answered, and read no more."""
        data = self._held
        while self._fed < len(data) and not self._refused and not self._is_answering:
            # A piece ends with a head: behind the request that it finishes it holds one more at most.
            begin, found = self._fed, data.find(_END_OF_HEAD, self._fed)
            self._fed = len(data) if found < 0 else found + len(_END_OF_HEAD)
            self._feed(data[begin : self._fed])
        self.flow.holding = self._fed < len(data) and not self._refused
        if self.flow.holding:
            self.flow.pause_reading()
        else:
            self._held, self._fed = b"", 0

    def on_response_complete(self) -> None:
        """Go on with what has waited for this; not at once, since others wait for their turn as well."""
        super().on_response_complete()
        if self._in_body and self._deadline is None:
            self._set_deadline(self._limits.body_timeout)
        if self._held:
            self._shared.wait_for_turn(self._go_on, self._context)

    def _go_on(self) -> None:
        if self._is_answering or self.transport.is_closing():
            return  # the next answer, or the end of the connection, sees to it
        self._feed_held()
        self.flow.resume_reading()

    @property
    def _is_answering(self) -> bool:
        """Whether a request has come as a whole and isn't answered."""
        return bool(self.pipeline) or (
            self.cycle is not None and not self._in_body and not self.cycle.response_complete
        )

    def _feed(self, data: bytes) -> None:
        """Feed the parser, within the limits."""
        self._unset_keepalive_if_required()
        if self._deadline is None and not self._in_body:
            self._expect_head()
        self._wire_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # nothing is upgraded to here: the request is answered as it stands
        except httptools.HttpParserError:
            if not self._refused:
                self._refuse(400, "The request is not valid HTTP.", "malformed")
            return
        if self._refused:
            return
        if self._in_body:
            padding = self._wire_bytes - self._body_bytes
            if padding > self._limits.head_bytes + _FRAMING * self._body_bytes:
                self._refuse(400, "The body's chunks are mostly padding.", "padding")
        elif self._wire_bytes > self._limits.head_bytes:
            self._refuse_head()

    # --- the parser -----------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._stop_if_refused()
        super().on_message_begin()
        self._trailing = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field; what comes behind the body, as trailer, never counts as one."""
        self._stop_if_refused()
        if self._trailing:
            return
        if len(self.headers) >= _MOST_FIELDS:
            self._refuse_head()
        self._stop_if_refused()
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand a request over, unless its head is too large."""
        self._trailing = True
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._limits.head_bytes:
            self._refuse_head()
        refusal = refusal_of(self.parser.get_http_version(), self.url, self.headers)
        if refusal is not None:
            self._refuse(*refusal, "malformed")
        self._stop_if_refused()
        self._in_body, self._wire_bytes, self._body_bytes = True, 0, 0
        self._set_deadline(self._limits.body_timeout)
        super().on_headers_complete()
        if self.pipeline:
            self._set_deadline(None)  # its body is not read before its turn comes

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._stop_if_refused()
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request; the next one, if there is one, has its time anew."""
        self._stop_if_refused()
        self._in_body, self._wire_bytes = False, 0
        self._set_deadline(None)
        super().on_message_complete()

    def _stop_if_refused(self) -> None:
        """End the parser's work on what has come: thousands of requests may lie in one piece of it."""
        if self._refused:
            raise _Refused

    # --- limits ---------------------------------------------------------------------------------------

    def _expect_head(self) -> None:
        self._wire_bytes = 0
        self._set_deadline(self._limits.head_timeout)

    def _set_deadline(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        self._deadline = None
        if self._in_body and self.cycle.response_complete:
            self.transport.close()  # it was answered before it was read
        elif self._in_body:
            self._refuse(408, f"The body took longer than {self._limits.body_timeout:g} s.", "slow_body")
        elif self._wire_bytes:
            self._refuse(408, f"The head took longer than {self._limits.head_timeout:g} s.", "slow_head")
        else:
            self._shared.refused["silent"] += 1
            self.transport.close()  # there is no request that could be answered

    def _watch_reader(self) -> None:
        unsent = self.transport.get_write_buffer_size()

        def look() -> None:
            if self.transport.get_write_buffer_size() < unsent:
                self._watch_reader()
            else:
                self._shared.refused["stalled_reader"] += 1
                self.transport.abort()

        # A stream has the same limit of its own, goes first and says why it ended.
        self._stalled = self.loop.call_later(_GRACE * self._limits.write_timeout, look)

    def _refuse_head(self) -> None:
        limit = self._limits.head_bytes
        detail = f"The head has more than {limit} bytes or more than {_MOST_FIELDS} fields."
        self._refuse(431, detail, "large_head")

    def _refuse(self, status: int, detail: str, reason: str, *, retry_after: int | None = None) -> None:
        """Answer in the application's place, and take nothing more of this connection."""
        if self._refused:
            return
        self._refused, self._wire_bytes = True, 0
        self._shared.refused[reason] += 1
        self._set_deadline(None)
        self._unset_keepalive_if_required()
        self.headers = []
        answering = self.cycle is not None and not self.cycle.response_complete
        begun = answering and self.cycle.response_started
        if answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        for_another = bool(self.pipeline) or (answering and not self._in_body)
        self.pipeline.clear()
        if begun or for_another or self._shared.lingering >= _MOST_LINGERING:
            self.transport.abort()
            return
        self.transport.write(_answer(status, detail, retry_after))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._shared.lingering += 1
        self.loop.call_later(_LINGER, self._part)

    def _part(self) -> None:
        self._shared.lingering -= 1
        self.transport.abort()


def _answer(status: int, detail: str, retry_after: int | None) -> bytes:
    title = STATUS_TITLES[status]
    code = title.upper().replace(" ", "_")
    body = orjson.dumps({"error": title, "detail": detail, "error_code": code, "status": status})
    lines = [
        f"HTTP/1.1 {status} {title}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    if retry_after is not None:
        lines.append(f"retry-after: {retry_after}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def descriptor_limit() -> int | None:
    """Return how many files this process may have open, `None` where that can't be told."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def raise_descriptor_limit(wanted: int) -> None:
    """Let this process have `wanted` files open, as far as it may decide that; for a process of our own."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


class QuietAccept:
    """
    Tells once a minute that no connection can be accepted.

    asyncio stops accepting for a second when descriptors run out, and then reports it anew, with a traceback,
    for as long as it lasts. As an exception handler of an event loop this one says it in a line.
    """

    _EVERY = 60.0

    def __init__(self) -> None:
        self._told_at = float("-inf")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle what the event loop reports."""
        if "accept" not in context.get("message", ""):
            loop.default_exception_handler(context)
            return
        now = loop.time()
        if now - self._told_at >= self._EVERY:
            self._told_at = now
            logger.error(
                "New connections can't be accepted; open ones go on",
                extra={"fields": {"reason": str(context.get("exception") or context["message"])}},
            )
