"""
HTTP/1.1 without I/O: a request → bytes, bytes → the head and body of a response.

The blocking and the asyncio transport share it, so both read alike. The parsing is llhttp's (Node's parser,
by way of httptools); what is here keeps the books around it: where a response ends, whether its connection
may carry another request, and how large a head may be.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import httpx
from attrs import frozen
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from .._core.call.request import Request
from .errors import ConnectionBrokenError, NotSendableError

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
    "lenient_chunked_length": True,  # a trailer's length means nothing; one beside a coding is refused below
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

Origin = tuple[str, str, int]
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
    host: str
    path: str


def target_of(url: str, params: Mapping[str, Any]) -> Target:
    """
    Say where a request goes.

    Raises:
        NotSendableError: If it is not a URL, or neither of http nor https.
    """
    if not params:
        return _known_target(url, ())
    items = tuple(params.items())
    for _, value in items:
        if value.__class__ is not str and value.__class__ is not int:
            # True and 1 are one key and two queries: what might be such a pair is not remembered.
            return _target(url, items)
    return _known_target(url, items)


def _target(url: str, params: tuple[tuple[str, Any], ...]) -> Target:
    try:
        parts = httpx.URL(url, params=dict(params)) if params else httpx.URL(url)
    except httpx.InvalidURL as error:
        raise NotSendableError(str(error)) from error
    if parts.scheme not in ("http", "https"):
        raise NotSendableError(f"the URL's scheme is {parts.scheme!r}, not http or https")
    port = parts.port if parts.port is not None else (443 if parts.scheme == "https" else 80)
    host = parts.raw_host.decode("ascii")
    return Target((parts.scheme, host, port), parts.netloc.decode("ascii"), parts.raw_path.decode("ascii"))


_known_target = lru_cache(maxsize=256)(_target)
"""The same for a URL that may well come again: taking it apart costs a third of a call."""


def request_bytes(request: Request, target: Target, cookie: str | None) -> bytes:
    """
    Write a request as it goes over the wire.

    Args:
        request: The request; a `Host` or a `Cookie` among its headers is the only one.
        target: Where it goes.
        cookie: The header `Cookie`, where one is known for it.

    Returns:
        Its bytes.

    Raises:
        NotSendableError: If it would not arrive as it was meant.
    """
    method, headers, content = request.method, request.headers, request.content or b""
    lines = [f"{method} {target.path} HTTP/1.1"]
    if "Host" not in headers:  # the user's own wins, as in httpx
        lines.append(f"Host: {target.host}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if cookie is not None:
        lines.append(f"Cookie: {cookie}")
    if request.content is not None or method not in ("GET", "DELETE"):
        lines.append(f"Content-Length: {len(content)}")
    head = "\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count("\n") != breaks or head.count("\r") != breaks or "\0" in head:
        raise NotSendableError("a header or the URL holds a line break or a null")
    if "\ntransfer-encoding:" in head.lower():
        raise NotSendableError("only a body of known length can be sent")
    try:
        return b"%s\r\n\r\n%s" % (head.encode("latin-1"), content)
    except UnicodeEncodeError as error:
        raise NotSendableError(f"a header holds what is not Latin-1: {error}") from error


class ResponseReader:
    """
    Reads the responses of one connection, one after another.

    Attributes:
        status: The status code of the final response, 0 until its head has been read.
        field_lines: Its headers as they came.
        headers: The same by their names in lower case, as the body is meant that is given out here: transfer
            codings other than chunked are undone like content codings behind them (RFC 9112, section 7), so
            they stand among those.
        parts: Pieces of its body that nobody has taken yet.
        complete: Whether its body has ended.
        reusable: Whether it ended so that the connection may carry another request.
    """

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        # The parser puts each piece straight into the list: a chunk costs no call of ours.
        self.on_body = self.parts.append
        self._parser = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(**_LENIENCIES)
        self.begin("GET")

    def begin(self, method: str) -> None:
        """
        Get ready for the next response.

        Args:
            method: The method of its request: an answer to HEAD has no body.
        """
        self._without_body = method == "HEAD"
        self.status = 0
        self.field_lines: list[tuple[bytes, bytes]] = []
        self.headers: dict[str, str] = {}
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
            ConnectionBrokenError: If they are not HTTP/1.1, or the head (or the trailer) is too large.
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
                raise ConnectionBrokenError(f"the answer's trailer is longer than {MAX_HEAD_BYTES} bytes")

    def _feed_rest_of_head(self, data: memoryview) -> memoryview:
        """Parse what a head may still have, interim ones included, however it arrives; give back the rest."""
        allowed = data.nbytes - (self._head_bytes - MAX_HEAD_BYTES)
        try:
            self._parser.feed_data(data[:allowed])
        except (HttpParserError, HttpParserUpgrade) as error:
            self._refuse(error)
        if not self.status:
            raise ConnectionBrokenError(f"the answer's head is longer than {MAX_HEAD_BYTES} bytes")
        return data[allowed:]

    def _refuse(self, error: Exception) -> None:
        self.reusable = False
        if self.complete:
            return  # what follows the answer's end is not ours to judge, but ends the connection's use
        reason = error.__context__ if isinstance(error.__context__, ValueError) else error
        raise ConnectionBrokenError(f"the answer is not valid HTTP/1.1: {reason}") from error

    def end_of_input(self) -> None:
        """
        Take note that the peer has closed the connection.

        Raises:
            ConnectionBrokenError: If a response was under way or expected.
        """
        self.reusable = False
        if self.complete:
            return
        if not self.status:
            raise ConnectionBrokenError("the peer closed the connection without an answer")
        if "content-length" in self.headers or _codings(self.headers, "transfer-encoding")[-1:] == [
            "chunked"
        ]:
            raise ConnectionBrokenError("the peer closed the connection in the middle of the answer")
        self.complete = True  # without a length the body ends with its connection (RFC 9112, section 6.3)

    def take(self) -> bytes:
        """Give out the first of the pieces of the body if it is a large one, else all as one; forget them."""
        parts = self.parts
        if len(parts) == 1 or len(parts[0]) >= LARGE_PIECE:
            return parts.pop(0)
        data = b"".join(parts)
        parts.clear()
        return data

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
        self.field_lines.append((name, value))

    def on_headers_complete(self) -> None:
        """Keep the status, and the headers by name."""
        status, version = self._parser.get_status_code(), self._parser.get_http_version()
        if version[0] != "1":
            raise ValueError(f"version {version}")
        if status < 100:
            raise ValueError(f"status {status}")
        headers = self.headers = _by_name(self.field_lines)
        if "transfer-encoding" in headers:
            if "content-length" in headers:
                raise ValueError("both Content-Length and Transfer-Encoding")  # RFC 9112, section 6.3
            undone = [coding for coding in _codings(headers, "transfer-encoding") if coding != "chunked"]
            if undone:
                headers["content-encoding"] = ", ".join([*_codings(headers, "content-encoding"), *undone])
        self.status = status
        if self._without_body and status >= 200:
            # The parser waits for a body all the same, so the connection can carry nothing else.
            self.complete = True

    def on_message_complete(self) -> None:
        """Note the end, unless it is that of an interim answer such as 100 Continue: the real one follows."""
        if self.status < 200:
            self.status = 0
            self.field_lines = []
        else:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()


def _by_name(field_lines: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    encoding = _encoding_of(field_lines)
    for raw_name, raw_value in field_lines:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode(encoding)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _codings(headers: Mapping[str, str], name: str) -> list[str]:
    codings = [coding.strip().lower() for coding in headers.get(name, "").split(",")]
    return [coding for coding in codings if coding]


def _encoding_of(field_lines: Sequence[tuple[bytes, bytes]]) -> str:
    """Tell how headers are written, as httpx does: what isn't UTF-8 is Latin-1 (RFC 9110, section 5.5)."""
    together = b"\n".join([value for _, value in field_lines])
    if together.isascii():
        return "ascii"
    try:
        together.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"
