"""
HTTP/1.1 without I/O: a request → bytes, bytes → the head and body of a response.

The blocking and the asyncio transport share it, so both read alike. The parsing is llhttp's (Node's parser,
by way of httptools); what is here keeps the books around it: where a response ends, whether its connection
may carry another request, and how large a head may be.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

import httpx
from attrs import frozen
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from .._core.call.body import Body, BodyError

MAX_HEAD_BYTES = 64 * 1024
"""Largest head of a response, and most that may come between parts of its body, bytes: real ones are tiny."""

READ_BYTES = 1024 * 1024
"""
Read buffer of a connection, bytes: what one call to the kernel may bring.

Smaller ones cost more calls and wake-ups for each event, and cut long lines that must be put together again:
with 1,000 events a batch 512 KiB take 6 % more CPU in the async client and 10 % in the blocking one; twice
the size brings 3 % more and costs 4 MB.
"""


_LENIENCIES = {
    "lenient_headers": True,  # folded lines become one (RFC 9112, section 5.2)
    "lenient_version": True,  # a higher minor version is read as 1.1 (RFC 9110, section 2.5)
    "lenient_keep_alive": True,  # as the next one; what the real answer says of its connection still counts
    "lenient_data_after_close": True,  # an interim answer may say `Connection: close`
    "lenient_optional_cr_before_lf": True,  # a bare LF may end a line (RFC 9112, section 2.2)
}
"""Where llhttp by itself refuses what a client has to read, or may: it is made for servers, too."""


_BLANKS = (b" ", b"\t")


def read_buffer() -> memoryview:
    """
    Make the buffer of a connection.

    Returns:
        A view, and no bytearray: asyncio's TLS reads several records into slices of it, and a bytearray's
        slice is a copy. It lies on pages that take memory when they are written to, so that a connection for
        calls stays small.
    """
    return memoryview(mmap.mmap(-1, READ_BYTES))


LARGE_PIECE = 64 * 1024
"""Pieces of the body from this size on, bytes, are given out singly: copying them together costs more."""

Origin = tuple[bytes, bytes, int]
"""Scheme, host and port: what a kept connection can be used again for."""


@frozen
class Target:
    """
    Where a request goes.

    Attributes:
        origin: Which connection it needs.
        host: The header `Host`.
        path: Path and query, as the request line has them.
    """

    origin: Origin
    host: bytes
    path: bytes


def target_of(url: httpx.URL) -> Target:
    """
    Take a URL apart.

    Args:
        url: An absolute URL.

    Returns:
        Where it leads.

    Raises:
        httpx.UnsupportedProtocol: If it is neither http nor https.
    """
    scheme = url.raw_scheme
    if scheme not in (b"http", b"https"):
        raise httpx.UnsupportedProtocol(f"the URL's scheme is {url.scheme!r}, not http or https")
    port = url.port if url.port is not None else (443 if scheme == b"https" else 80)
    return Target((scheme, url.raw_host, port), url.netloc, url.raw_path)


@lru_cache(maxsize=256)
def _target_of_call(url: str, params: tuple[tuple[str, Any], ...]) -> Target:
    """The same for a URL that may well come again: taking it apart costs a third of a call."""
    return target_of(httpx.URL(url, params=dict(params)) if params else httpx.URL(url))


def target_of_call(url: str, params: Mapping[str, Any] | None) -> Target:
    """
    Say where a call goes.

    Args:
        url: An absolute URL; without a query where there are parameters.
        params: Its query.

    Returns:
        Where it leads.

    Raises:
        httpx.InvalidURL: If it is not a URL.
        httpx.UnsupportedProtocol: If it is neither http nor https.
    """
    items = tuple(params.items()) if params else ()
    for _, value in items:
        if value.__class__ is not str and value.__class__ is not int:
            # True and 1 are one key and two queries: what might be such a pair is not remembered.
            return _target_of_call.__wrapped__(url, items)
    return _target_of_call(url, items)


def request_bytes(
    method: str, target: Target, headers: Iterable[tuple[bytes, bytes]], content: bytes
) -> bytes:
    """
    Write a request as it goes over the wire.

    Args:
        method: Its method.
        target: Where it goes.
        headers: Its headers, with `Host` and the body's length.
        content: Its whole body.

    Returns:
        Its bytes.

    Raises:
        httpx.LocalProtocolError: If it would not arrive as it was meant.
    """
    lines = [b"%s %s HTTP/1.1" % (method.encode("ascii"), target.path)]
    for name, value in headers:
        if name.lower() == b"transfer-encoding":
            raise httpx.LocalProtocolError("only a body of known length can be sent")
        lines.append(b"%s: %s" % (name, value))
    head = b"\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
        raise httpx.LocalProtocolError("a header or the URL holds a line break or a null")
    return b"%s\r\n\r\n%s" % (head, content)


def call_bytes(method: str, target: Target, headers: Mapping[str, str], content: bytes | None) -> bytes:
    """
    Write a call as it goes over the wire.

    Args:
        method: Its method.
        target: Where it goes.
        headers: Its headers, without the body's length; a `Host` among them is written so.
        content: Its body.

    Returns:
        Its bytes.

    Raises:
        httpx.LocalProtocolError: If it would not arrive as it was meant.
    """
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    if "Host" not in headers:  # the user's own wins, as in httpx
        raw.insert(0, (b"Host", target.host))
    if content is not None or method not in ("GET", "DELETE"):
        raw.append((b"Content-Length", b"%d" % len(content or b"")))
    return request_bytes(method, target, raw, content or b"")


@frozen
class Reply:
    """
    A response that was read to its end.

    Attributes:
        status: Its status code.
        headers: Its headers by their names in lower case.
        raw_headers: The same as they came.
        body: Its body, decompressed.
    """

    status: int
    headers: Mapping[str, str]
    raw_headers: Sequence[tuple[bytes, bytes]]
    body: bytes


def reply_of(reader: ResponseReader, body: Body | None) -> Reply:
    """
    Sum up a response.

    Args:
        reader: What has read its head.
        body: Its body as it came; None where it can't be read and its status says enough.

    Returns:
        The response.

    Raises:
        BodyError: If the body is compressed and damaged, or too large when inflated; not with a status of
            300 and more, which says enough.
    """
    raw_headers = reader.headers
    headers = _joined(raw_headers)
    if "transfer-encoding" in headers and headers["transfer-encoding"] != "chunked":
        raw_headers = reader.content_headers()
        headers = _joined(raw_headers)
    content = b""
    if body is not None:
        try:
            content = body.content(headers.get("content-encoding"))
        except BodyError:
            if reader.status < 300:
                raise
    return Reply(reader.status, headers, raw_headers, content)


def _joined(raw_headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw_headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


class ResponseReader:
    """
    Reads the responses of one connection, one after another.

    Attributes:
        status: The status code of the final response, 0 until its head has been read.
        headers: Its headers as they came.
        parts: Pieces of its body that nobody has taken yet.
        complete: Whether its body has ended.
        reusable: Whether it ended so that the connection may carry another request.
        without_body: Whether it answers HEAD, and so has no body; set by whoever sends the request.
    """

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        # The parser puts each piece straight into the list: a chunk costs no call of ours.
        self.on_body = self.parts.append
        self._parser = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(**_LENIENCIES)
        self.without_body = False
        self.reset()

    def reset(self) -> None:
        """Get ready for the next response."""
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts.clear()
        self.complete = False
        self.reusable = False
        self._head_bytes = 0
        self._bytes_without_body = 0

    def feed(self, data: memoryview) -> None:
        """
        Take bytes in.

        Args:
            data: Bytes as they came.

        Raises:
            httpx.RemoteProtocolError: If they are not HTTP/1.1, or the head (or the trailer) is too large.
        """
        if not self.status:
            self._head_bytes += data.nbytes
            if self._head_bytes > MAX_HEAD_BYTES:
                data = self._feed_rest_of_head(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._refuse(error)
        if self.parts or self.complete:
            self._bytes_without_body = 0
        elif self.status:
            self._bytes_without_body += data.nbytes
            if self._bytes_without_body > MAX_HEAD_BYTES:
                raise httpx.RemoteProtocolError(f"the answer's trailer is longer than {MAX_HEAD_BYTES} bytes")

    def _feed_rest_of_head(self, data: memoryview) -> memoryview:
        """Parse what a head may still have, interim ones included, however it arrives; give back the rest."""
        allowed = data.nbytes - (self._head_bytes - MAX_HEAD_BYTES)
        try:
            self._parser.feed_data(data[:allowed])
        except (HttpParserError, HttpParserUpgrade) as error:
            self._refuse(error)
        if not self.status:
            raise httpx.RemoteProtocolError(f"the answer's head is longer than {MAX_HEAD_BYTES} bytes")
        return data[allowed:]

    def _refuse(self, error: Exception) -> None:
        self.reusable = False
        if self.complete:
            return  # what follows the answer's end is not ours to judge, but ends the connection's use
        reason = error.__context__ if isinstance(error.__context__, ValueError) else error
        raise httpx.RemoteProtocolError(f"the answer is no proper HTTP/1.1: {reason}") from error

    def end_of_input(self) -> None:
        """
        Take note that the peer has closed the connection.

        Raises:
            httpx.RemoteProtocolError: If a response was under way or expected.
        """
        self.reusable = False
        if self.complete:
            return
        if not self.status:
            raise httpx.RemoteProtocolError("the peer closed the connection without an answer")
        names = {name.lower() for name, _ in self.headers}
        if b"content-length" in names or self._codings(b"transfer-encoding")[-1:] == ["chunked"]:
            raise httpx.RemoteProtocolError("the peer closed the connection in the middle of the answer")
        self.complete = True  # without a length the body ends with its connection (RFC 9112, section 6.3)

    def content_headers(self) -> list[tuple[bytes, bytes]]:
        """
        Give the headers as the body is meant that this reader gives out.

        Returns:
            The headers; transfer codings other than chunked are undone like content codings behind them
            (RFC 9112, section 7), so they stand among those.
        """
        codings = [coding for coding in self._codings(b"transfer-encoding") if coding != "chunked"]
        if not codings:
            return self.headers
        kept = [header for header in self.headers if header[0].lower() != b"content-encoding"]
        codings = [*self._codings(b"content-encoding"), *codings]
        return [*kept, (b"Content-Encoding", ", ".join(codings).encode("latin-1"))]

    def _codings(self, wanted: bytes) -> list[str]:
        values = b",".join(value for name, value in self.headers if name.lower() == wanted)
        codings = [coding.strip().lower() for coding in values.decode("latin-1").split(",")]
        return [coding for coding in codings if coding]

    def take(self) -> bytes:
        """Give out the first of the pieces of the body if it is a large one, else all as one; forget them."""
        parts = self.parts
        if len(parts) == 1 or len(parts[0]) >= LARGE_PIECE:
            return parts.pop(0)
        data = b"".join(parts)
        parts.clear()
        return data

    def take_all(self, use: Callable[[bytes], None]) -> None:
        """
        Give out all pieces of the body that have come.

        Args:
            use: What takes them.
        """
        while self.parts:
            use(self.take())

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Stop at bytes that nobody asked for."""
        if self.complete:
            raise ValueError("more bytes than the answer announced")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, without the blanks around it; not the trailers, which come behind the body."""
        if self.status:
            return
        if b"\0" in value:
            raise ValueError(f"the header {name.decode('latin-1')} holds a null")
        if value[-1:] in _BLANKS:
            value = value.rstrip(b" \t")
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Keep the status."""
        status, version = self._parser.get_status_code(), self._parser.get_http_version()
        if version[0] != "1":
            raise ValueError(f"version {version}")
        if status < 100:
            raise ValueError(f"status {status}")
        self.status = status
        if self.without_body and status >= 200:
            # The parser waits for a body all the same, so the connection can carry nothing else.
            self.complete = True

    def on_message_complete(self) -> None:
        """Note the end, unless it is that of an interim answer such as 100 Continue: the real one follows."""
        if self.status < 200:
            self.status = 0
            self.headers = []
        else:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()


class Reusable(Protocol):
    """What the pool asks of a connection."""

    origin: Origin

    def usable(self) -> bool:
        """Say whether it is still open and silent."""

    def discard(self) -> None:
        """Close it at once."""


C = TypeVar("C", bound=Reusable)


class IdleConnections(Generic[C]):
    """
    Connections that wait for another request.

    Args:
        limit: Most that are kept; None keeps all.
        seconds: How long one is kept; None keeps it until the peer closes it.
    """

    def __init__(self, limit: int | None, seconds: float | None) -> None:
        self._limit = limit
        self._seconds = seconds
        self._kept: list[tuple[float, C]] = []
        self._closed = False

    def take(self, origin: Origin, now: float) -> C | None:
        """
        Give out a connection to an origin, the one that was used last; drop those that are too old.

        Args:
            origin: Where it has to lead.
            now: Seconds on a monotonic clock.
        """
        found = None
        kept: list[tuple[float, C]] = []
        while self._kept:
            since, connection = self._kept.pop()
            if self._seconds is not None and now - since > self._seconds:
                connection.discard()
            elif found is None and connection.origin == origin:
                if connection.usable():
                    found = connection
                else:
                    connection.discard()
            else:
                kept.append((since, connection))
        self._kept = kept[::-1]
        return found

    def put(self, connection: C, now: float) -> None:
        """
        Keep a connection whose response was read to its end.

        Args:
            connection: The connection.
            now: Seconds on a monotonic clock.
        """
        if self._closed:  # a call that was still under way when its client was closed
            connection.discard()
            return
        self._kept.append((now, connection))
        if self._limit is not None and len(self._kept) > self._limit:
            self._kept.pop(0)[1].discard()

    def discard_all(self) -> None:
        """Close them all."""
        self._closed = True
        while self._kept:
            self._kept.pop()[1].discard()
