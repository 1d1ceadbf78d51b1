"""Requests that no client sends: request smuggling, odd targets and versions, bodies that aren't JSON."""

import gzip
import json
import re
from collections.abc import Iterator

import pytest

from event_streamer_service import DevChain, LocalService
from support.raw_client import RawClient, definition, transfer
from support.raw_sockets import answer, connected, status

HOST, CLOSE = b"Host: localhost\r\n", b"Connection: close\r\n"
POST = b"POST /subscriptions HTTP/1.1\r\n" + HOST + CLOSE + b"Content-Type: application/json\r\n"
HEAD = b"GET /health HTTP/1.1\r\n" + HOST + CLOSE
NEXT = b"GET /metrics HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
BODY = b'{"a":1}'
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def served() -> Iterator[LocalService]:
    with LocalService(DevChain(blocks=20)) as service:
        yield service


def get(target: bytes, *fields: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join((b"GET " + target + b" " + version, *fields, b"Connection: close", b"", b""))


# --- what one server takes for a body, and another for the next request ------------------------------

CHUNKED, LAST = b"Transfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n" + NEXT
SMUGGLED = {
    "a length and chunks": POST + b"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST,
    "two lengths": POST + b"Content-Length: 7\r\nContent-Length: 8\r\n\r\n" + BODY + NEXT,
    "the same length twice": POST + b"Content-Length: 7\r\nContent-Length: 7\r\n\r\n" + BODY + NEXT,
    "a list of lengths": POST + b"Content-Length: 7, 7\r\n\r\n" + BODY + NEXT,
    "a length with a sign": POST + b"Content-Length: +7\r\n\r\n" + BODY + NEXT,
    "a hexadecimal length": POST + b"Content-Length: 0x7\r\n\r\n" + BODY + NEXT,
    "a length beyond 64 bits": POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n" + BODY + NEXT,
    "a folded line": POST + b"X-A: b\r\n c\r\nContent-Length: 7\r\n\r\n" + BODY + NEXT,
    "a folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + LAST,
    "chunks, then identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + LAST,
    "identity, then chunks": POST + b"Transfer-Encoding: identity, chunked\r\n\r\n" + LAST,
    "two codings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n" + LAST,
    "gzip in chunks": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + LAST,
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + LAST,
    "a coding behind a tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + LAST,
    "chunks in HTTP/1.0": POST.replace(b"/1.1", b"/1.0") + CHUNKED + LAST,
    "a blank before a colon": POST + b"Content-Length : 7\r\n\r\n" + BODY + NEXT,
    "bare line feeds": b"GET /health HTTP/1.1\nHost: localhost\n\n" + NEXT,
    "bare carriage returns": b"GET /health HTTP/1.1\rHost: localhost\r\r" + NEXT,
    "chunks with bare line feeds": POST + CHUNKED + b"7\n" + BODY + b"\n0\n\n" + NEXT,
    "a chunk of more than 64 bits": POST + CHUNKED + b"" + b"f" * 17 + b"\r\n" + NEXT,
    "a negative chunk": POST + CHUNKED + b"-1\r\n" + NEXT,
    "a NUL in a value": get(b"/health", b"Host: localhost", b"X: a\0b") + NEXT,
    "a NUL in a name": get(b"/health", b"Host: localhost", b"X\0: b") + NEXT,
    "no host": get(b"/api/chains") + NEXT,
    "two hosts": get(b"/api/chains", b"Host: localhost", b"Host: evil.example") + NEXT,
    "two hosts that agree": get(b"/api/chains", b"Host: localhost", b"Host: localhost") + NEXT,
    "another host in the first line": get(b"http://evil.example/api/chains", b"Host: localhost") + NEXT,
    "the machine itself for a proxy": b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    "a host for HTTP/1.0 in the first line alone": get(b"http://evil.example/", version=b"HTTP/1.0") + NEXT,
    "a user in the host": get(b"/health", b"Host: localhost:80@evil.example") + NEXT,
    "something behind the host's address": get(b"/health", b"Host: [::1]evil.example") + NEXT,
    "a path in the host": get(b"/health", b"Host: localhost/x") + NEXT,
    "a list of hosts": get(b"/health", b"Host: localhost, evil.example") + NEXT,
    # From public reports on other servers and parsers.
    "a carriage return before a field (CVE-2025-23167)": HEAD + b"\rX: " + NEXT,
    "a field that a carriage return ends (CVE-2023-30589)": HEAD + b"X: a\rContent-Length: 5\r\n\r\n12345",
    "a blank before the first field (CVE-2024-27982)": POST.replace(b"Host", b" Host", 1) + b"\r\n" + NEXT,
    "a coding that a carriage return ends (CVE-2022-35256)": POST + CHUNKED.replace(b"\r", b"\r\r", 1) + LAST,
    "an empty coding": POST + b"Transfer-Encoding:\r\nContent-Length: 7\r\n\r\n" + BODY + NEXT,
    "a coding in quotes": POST + b'Transfer-Encoding: "chunked"\r\n\r\n' + LAST,
    "an empty length": POST + b"Content-Length:\r\n\r\n" + BODY + NEXT,
    "digits of another script": POST + "Content-Length: \u0667\r\n\r\n".encode() + BODY + NEXT,
    "a length of 64 bits and more": POST + b"Content-Length: %d\r\n\r\n" % (2**64 + 7) + BODY + NEXT,
    "two bytes behind a chunk (CVE-2025-43859)": POST + CHUNKED + b"7\r\n" + BODY + b"xx" + LAST,
    "a chunk beyond its size": POST + CHUNKED + b"5\r\n" + BODY + b"\r\n" + LAST,
    "a line feed in an extension (CVE-2024-52304)": POST + CHUNKED + b"7;\nx\r\n" + BODY + b"\r\n" + LAST,
    "a carriage return in an extension": POST + CHUNKED + b"7;\rx\r\n" + BODY + b"\r\n" + LAST,
    "a quoted end of line in an extension": POST + CHUNKED + b'7;a="\r\n' + BODY + b"\r\n" + LAST,
    "a chunk's size with a prefix": POST + CHUNKED + b"0x7\r\n" + BODY + b"\r\n" + LAST,
    "a chunk's size with an underscore": POST + CHUNKED + b"0_7\r\n" + BODY + b"\r\n" + LAST,
    "a length in a trailer": POST + CHUNKED + b"0\r\nContent-Length: 9\r\n\r\n" + NEXT,
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + NEXT,
    "a proxy's own line": b"PROXY TCP4 127.0.0.2 127.0.0.1 1 2\r\n" + NEXT,
}  # fmt: skip


@pytest.mark.quick
@pytest.mark.parametrize("name", SMUGGLED)
def test_what_two_servers_may_read_differently_is_refused_and_nothing_behind_it_is_read(
    served: LocalService, name: str
) -> None:
    with connected(served.url, timeout=5) as raw:
        raw.sendall(SMUGGLED[name])
        received = answer(raw)
    assert status(received) == 400
    assert len(re.findall(rb"HTTP/1\.1 \d", received)) == 1


@pytest.mark.parametrize(
    ("first_line", "fields", "code"),
    [
        (b"GET /health", b"", 200),
        (b"POST /health", b"Content-Type: application/json\r\n", 405),
        (b"POST /nowhere", b"Content-Type: application/json\r\n", 404),
        (b"POST /subscriptions", b"Content-Type: text/plain\r\n", 415),
        (b"POST /subscriptions", b"Content-Type: application/json\r\nOrigin: null\r\n", 403),
        (b"GET /assets/style.css", b"", 200),
        (b"GET /health", b"Expect: 100-continue\r\n", 200),
    ],
)
@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])
def test_a_body_that_nobody_reads_is_not_taken_for_the_next_request(
    served: LocalService, first_line: bytes, fields: bytes, code: int, chunked: bool
) -> None:
    """Refused, or answered without it: what is in it stays a body ("CL.0")."""
    size = b"%x\r\n%s\r\n0\r\n\r\n" % (len(NEXT), NEXT) if chunked else NEXT
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(NEXT)
    with connected(served.url, timeout=5) as raw:
        raw.sendall(
            first_line + b" HTTP/1.1\r\n" + HOST + fields + length + b"\r\n\r\n" + size + HEAD + b"\r\n"
        )
        received = answer(raw)
    assert [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+)", received)] == [code, 200]
    assert b"event_streamer_" not in received


@pytest.mark.parametrize("version", [b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.2", b""])
def test_other_versions_of_http_are_refused(served: LocalService, version: bytes) -> None:
    with connected(served.url, timeout=5) as raw:
        raw.sendall(get(b"/api/chains", b"Host: localhost", version=version))
        assert status(answer(raw)) in {400, 505}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"http://localhost/health", 200), (b"//health", 404), (b"/health#x", 200), (b"/health/", 404),
        (b"/assets/../../../../etc/passwd", 404), (b"/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 404),
        (b"/assets/..\\..\\x", 404), (b"/assets/style.css%00.js", 404), (b"/assets/%ff%zz", 404),
        (b"/assets//etc/passwd", 404), (b"/assets/", 404), (b"/subscriptions/1%00", 422),
        (b"/subscriptions/%D9%A1", 422), (b"/subscriptions/1_0", 422),
        (b"/subscriptions/" + b"9" * 5000, 422),
        (b"/subscriptions?page=" + b"9" * 5000, 422), (b"/subscriptions?page=%D9%A1", 422),
        (b"/subscriptions?page=1&page=2", 422), (b"/subscriptions?" + b"page=1&" * 9000, 422),
        (b"/subscriptions?" + b"&".join(b"a%d=1" % n for n in range(6000)), 200),
        (b"/subscriptions?subscriber_id=%00", 422), (b"/subscriptions?subscriber_id=%ED%A0%80", 200),
    ],
)  # fmt: skip
def test_odd_targets(served: LocalService, target: bytes, expected: int) -> None:
    with connected(served.url, timeout=5) as raw:
        raw.sendall(get(target, b"Host: localhost"))
        received = answer(raw)
    assert status(received) == expected
    assert b"root:" not in received


@pytest.mark.parametrize(
    "fields",
    [
        (b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
        (b"Upgrade: websocket", b"Sec-WebSocket-Key: dGhlIHNhbXBsZQ==", b"Sec-WebSocket-Version: 13"),
    ],
)
@pytest.mark.parametrize("path", [b"/health", b"/subscriptions", b"/assets/style.css"])
def test_nothing_is_upgraded_to(served: LocalService, fields: tuple[bytes, ...], path: bytes) -> None:
    with connected(served.url, timeout=5) as raw:
        lines = (b"GET " + path + b" HTTP/1.1", b"Host: localhost", b"Connection: Upgrade", *fields)
        raw.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "field",
    [
        "X-API-Key: ключ".encode(), b"X-API-Key: \xff\xfe", b"Cookie: " + b"a=b; " * 10_000,
        b"X-Request-Id: \xff", b"Expect: 200-maybe", b"Range: bytes=" + b"0-0," * 5000,
        b"Accept: " + b"*/*," * 9000,
        b"Authorization: Bearer " + b"a" * 50_000, b"If-None-Match: " + b'"a",' * 9000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [b"/subscriptions", b"/assets/style.css"])
def test_odd_fields_are_no_trouble(served: LocalService, field: bytes, path: bytes) -> None:
    with connected(served.url, timeout=5) as raw:
        raw.sendall(get(path, b"Host: localhost", field))
        assert status(answer(raw)) == 200


def test_a_trace_shows_nobody_his_own_key(served: LocalService) -> None:
    with connected(served.url, timeout=5) as raw:
        raw.sendall(b"TRACE /health HTTP/1.1\r\n" + HOST + CLOSE + b"X-API-Key: very-secret\r\n\r\n")
        received = answer(raw)
    assert status(received) == 405
    assert b"very-secret" not in received


# --- bodies ------------------------------------------------------------------------------------------

BODIES = {
    "100,000 objects deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, {400}),
    "100,000 lists deep": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", {400}),
    "a key twice": (b'{"chain_id":1,"chain_id":2}', {422}),
    "an integer of 10,000 digits": (b'{"chain_id":' + b"9" * 10_000 + b"}", {400}),
    "more than a double": (b'{"chain_id":1e400}', {400}),
    "NaN": (b'{"chain_id":NaN}', {400}),
    "half a surrogate pair": (b'{"subscriber_id":"\\ud800"}', {400}),
    "half a pair, as bytes": (b'{"subscriber_id":"\xed\xa0\x80"}', {400}),
    "a NUL": (b'{"subscriber_id":"a\\u0000b"}', {422}),
    "a NUL in a name": (b'{"a\\u0000b":1,"start_block":"x"}', {422}),
    "a byte order mark": (b'\xef\xbb\xbf{"a":1}', {400}),
    "nothing": (b"", {400}),
    "two documents": (b"{} {}", {400}),
    "a list": (b"[]", {422}),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("call", ["POST /subscriptions", "PUT /subscriptions", "POST /api/chains"])
def test_bodies_that_are_not_what_they_should_be(served: LocalService, name: str, call: str) -> None:
    content, expected = BODIES[name]
    method, path = call.split()
    with RawClient(served.url) as client:
        refused = client.http.request(method, path, content=content, headers=JSON)
    assert refused.status_code in expected, refused.text
    assert refused.json()["detail"]


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (gzip.compress(BODY), {"content-encoding": "gzip"}),
        (BODY, {"content-encoding": "br"}),
        (BODY.decode().encode("utf-16"), {"content-type": "application/json; charset=utf-16"}),
        ('{"a":"é"}'.encode("latin-1"), {"content-type": "application/json;charset=ISO-8859-1"}),
    ],
    ids=["gzip", "br", "utf-16", "latin-1"],
)
def test_bodies_that_are_packed_or_written_otherwise_are_told_so(
    served: LocalService, content: bytes, headers: dict[str, str]
) -> None:
    with RawClient(served.url) as client:
        refused = client.http.post("/subscriptions", content=content, headers=JSON | headers)
    assert refused.status_code == 415
    assert refused.json()["detail"].startswith(("Send the body without", "The body must be in UTF-8"))


def test_a_nul_is_refused_before_the_database_does(client: RawClient) -> None:
    """PostgreSQL stores none: it was taken for an outage, with a traceback for each."""
    event = transfer()
    for body in (
        definition(subscriber_id="a\0b"),
        definition(event_signature=event | {"note": ["a\0b"]}),
        definition(event_signature=event | {"no\0te": 1}),
    ):
        assert "NUL" in client.post("/subscriptions", body, 422)["detail"]
    client.get("/subscriptions", 422, params={"subscriber_id": "a\0b"})
    client.post("/stream/a%00b/heartbeat", {"timestamp": "2024-05-23T10:30:00Z"}, 422)
    spelled = definition(subscriber_id="six characters: \\u0000")
    assert json.dumps(spelled).count("u0000") == 1
    client.post("/subscriptions", spelled, 201)
