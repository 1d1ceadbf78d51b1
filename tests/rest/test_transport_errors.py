"""Whatever a transport raises is one of the port's errors, and says whether the request may have arrived."""

import ssl
from collections.abc import Iterator

import httpx
import pytest

from event_streamer_api.api import health
from event_streamer_sdk._core.call.request import Request
from event_streamer_sdk._core.call.service import service_of
from event_streamer_sdk._transports.errors import (
    CannotConnectError,
    ConnectionBrokenError,
    NotSendableError,
    TransportError,
    TransportTimeoutError,
)
from event_streamer_sdk._transports.from_httpx import failures
from event_streamer_sdk._transports.http11 import Target, request_bytes, target_of
from event_streamer_sdk._transports.limits import limits_of
from event_streamer_sdk._transports.losses import Surroundings, lost
from event_streamer_sdk.exceptions import EventStreamerSDKError

pytestmark = pytest.mark.quick

SERVICE = service_of("http://localhost:8000", None, "key-1234567890")
TARGET = Target(("http", "host", 80), "host", "/")


def kinds(base: type[Exception]) -> Iterator[type[Exception]]:
    """Every exception that httpx may raise for a request."""
    yield base
    for kind in base.__subclasses__():
        if kind is not httpx.HTTPStatusError:  # raised by who asks for it, never by sending
            yield from kinds(kind)


WANTED: dict[type[Exception], tuple[type[TransportError], bool]] = {
    httpx.ConnectTimeout: (TransportTimeoutError, False),
    httpx.PoolTimeout: (TransportTimeoutError, False),
    httpx.WriteTimeout: (TransportTimeoutError, True),
    httpx.ReadTimeout: (TransportTimeoutError, True),
    httpx.TimeoutException: (TransportTimeoutError, True),
    httpx.ConnectError: (CannotConnectError, False),
    httpx.ProxyError: (CannotConnectError, False),
    httpx.LocalProtocolError: (NotSendableError, False),
    httpx.UnsupportedProtocol: (NotSendableError, False),
    httpx.InvalidURL: (NotSendableError, False),
}
"""What is not the default: a connection that broke after the request may have arrived."""


@pytest.mark.parametrize("kind", [*kinds(httpx.HTTPError), httpx.InvalidURL], ids=lambda kind: kind.__name__)
def test_everything_that_httpx_raises_is_an_error_of_the_port(kind: type[Exception]) -> None:
    with pytest.raises(TransportError) as caught, failures():
        raise kind("why")
    assert (type(caught.value), caught.value.sent) == WANTED.get(kind, (ConnectionBrokenError, True))
    assert str(caught.value) == "why"
    assert type(caught.value.__cause__) is kind


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (ssl.SSLCertVerificationError(1, "self-signed"), CannotConnectError),
        (ssl.SSLEOFError(8, "EOF"), ConnectionBrokenError),
    ],
)
def test_a_handshake_that_httpx_lets_pass_is_one_too(error: ssl.SSLError, wanted: type[Exception]) -> None:
    with pytest.raises(TransportError) as caught, failures():
        raise error
    assert type(caught.value) is wanted


@pytest.mark.parametrize(
    ("reason", "status"),
    [("407 Proxy Authentication Required", 407), ("Proxy Server could not connect", None)],
)
def test_the_status_of_a_proxy_is_kept(reason: str, status: int | None) -> None:
    with pytest.raises(CannotConnectError) as caught, failures():
        raise httpx.ProxyError(reason)
    assert caught.value.status == status


def test_errors_of_nobodys_request_pass() -> None:
    with pytest.raises(KeyError), failures():
        raise KeyError("mine")


@pytest.mark.parametrize("url", ["ftp://host/", "http://host:port/", "//host/"])
def test_what_is_not_a_url_is_not_sent(url: str) -> None:
    with pytest.raises(NotSendableError):
        target_of(url, {})


@pytest.mark.parametrize(
    "header", [{"A": "x\ny"}, {"A": "\u20ac"}, {"A\r\nB": "x"}, {"Transfer-ENCODING": "chunked"}, {"A": "\0"}]
)
def test_a_header_that_would_not_arrive_is_not_sent(header: dict[str, str]) -> None:
    request = Request(method="GET", url="http://host/", params={}, content=None, headers=header)
    with pytest.raises(NotSendableError):
        request_bytes(request, TARGET, None)


def test_a_value_may_speak_of_codings() -> None:
    headers = {"A": "transfer-encoding: chunked", "B": "\xe9"}
    request = Request(method="POST", url="http://host/", params={}, content=b"x", headers=headers)
    assert request_bytes(request, TARGET, "c=1") == (
        b"POST / HTTP/1.1\r\nHost: host\r\nA: transfer-encoding: chunked\r\nB: \xe9\r\nCookie: c=1\r\n"
        b"Content-Length: 1\r\n\r\nx"
    )


@pytest.mark.parametrize(
    ("error", "told", "sent", "hopeless"),
    [
        (NotSendableError("why"), "the request can't be sent: why", False, True),
        (CannotConnectError("why"), "cannot connect: why; is the service running there?", False, False),
        (ConnectionBrokenError("why key-1234567890"), r"the connection broke: why \*\*\*", True, False),
        (TransportTimeoutError("why", "connect"), "no connection in time", False, False),
        (TransportTimeoutError("why", "read"), "no answer in time", True, False),
    ],
)
def test_what_a_loss_means(error: TransportError, told: str, sent: bool, hopeless: bool) -> None:
    outcome = lost(health.get_health(), error, limits_of(5.0), Surroundings(SERVICE, None, None))
    assert (outcome.sent, outcome.hopeless) == (sent, hopeless)
    with pytest.raises(EventStreamerSDKError, match=f"get_health failed: {told}"):
        raise outcome.error
