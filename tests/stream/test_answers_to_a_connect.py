"""Rows 12 to 25 of the fault matrix: what a service may answer, and what can be wrong on the way to it."""

import datetime
import socket
import ssl
from typing import Any

import pytest
import trustme

from event_streamer_sdk import Reconnect
from event_streamer_sdk._core.backoff import RETRY_AFTER_SPREAD
from event_streamer_sdk.exceptions import (
    EventStreamerAuthError,
    EventStreamerConflictError,
    EventStreamerConnectionError,
    EventStreamerGoneError,
    EventStreamerTLSError,
    EventStreamerValidationError,
    StreamEndedError,
    SubscriptionNotFoundError,
)
from support.listener import KINDS, QUICK, Listener
from support.stream_server import HEARTBEAT, Answer, Wire, answers, batch, line, stream_server

pytestmark = pytest.mark.parametrize("kind", KINDS)
ALL = [0, 1, 2, 3, 4]


@pytest.fixture
def widest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw every wait at its upper bound."""
    monkeypatch.setattr("event_streamer_sdk._streaming.base.random.random", lambda: 1.0)


@pytest.mark.quick
@pytest.mark.parametrize("status", [401, 403])
def test_credentials_are_refused(kind: str, status: int) -> None:
    """Row 12 of the fault matrix."""
    with stream_server(answers(status)) as server:
        listener = Listener(kind, server.url)
        with pytest.raises(EventStreamerAuthError, match=str(status)):
            listener.run()
        assert len(server.connects) == 1
        assert listener.report is not None
        assert listener.report.reason == "refused"


@pytest.mark.quick
def test_no_such_subscription(kind: str) -> None:
    """Row 13 of the fault matrix."""
    with stream_server(answers(404)) as server:
        listener = Listener(kind, server.url)
        with pytest.raises(SubscriptionNotFoundError, match="404"):
            listener.run()
        assert len(server.connects) == 1
        assert [error.error_code for error in listener.errors] == ["SUBSCRIPTION_NOT_FOUND"]
        assert listener.errors[0].recoverable is False


def test_conflict_is_tried_again_for_a_while(kind: str) -> None:
    """Row 14 of the fault matrix."""
    with stream_server(answers(409), answers(409)) as server:
        listener = Listener(kind, server.url)
        listener.run()
        assert listener.handled == ALL
        assert len(server.connects) == 3


def test_conflict_is_not_tried_for_ever(kind: str) -> None:
    """Row 14 of the fault matrix."""
    with stream_server(*[answers(409)] * 20) as server:
        listener = Listener(kind, server.url, reconnect=Reconnect(initial=0.01, maximum=0.02, conflicts=4))
        with pytest.raises(EventStreamerConflictError, match="409"):
            listener.run()
        assert len(server.connects) == 5


def refuse_in_stream(wire: Wire) -> None:
    message = {"type": "error", "error_code": "INVALID_RESUME_TOKEN", "error_message": "it has expired"}
    wire.send(line(message))
    wire.vanish()


@pytest.mark.quick
@pytest.mark.parametrize("refuse", [answers(410), refuse_in_stream], ids=["410", "message"])
def test_a_lost_token_raises(kind: str, refuse: Any) -> None:
    """Row 15 of the fault matrix."""
    with stream_server(refuse) as server:
        listener = Listener(kind, server.url, resume_token="t1")
        expected = EventStreamerGoneError if refuse is not refuse_in_stream else StreamEndedError
        with pytest.raises(expected):
            listener.run()
        assert server.tokens == ["t1"]
        assert [gap.kind for gap in listener.gaps] == ["token_lost"]


@pytest.mark.parametrize("refuse", [answers(410), refuse_in_stream], ids=["410", "message"])
def test_a_lost_token_restarts(kind: str, refuse: Any) -> None:
    """Row 15 of the fault matrix."""
    with stream_server(refuse) as server:
        listener = Listener(kind, server.url, resume_token="t1", on_token_lost="restart")
        listener.run()
        assert server.tokens == ["t1", None]
        assert listener.handled == ALL
        assert [gap.kind for gap in listener.gaps] == ["token_lost"]


def test_a_lost_token_asks_the_user(kind: str) -> None:
    """Row 15 of the fault matrix."""
    asked = []

    def another(error: Exception) -> str:
        asked.append(error)
        return "t2"

    with stream_server(answers(410)) as server:
        listener = Listener(kind, server.url, resume_token="t1", on_token_lost=another)
        listener.run()
        assert server.tokens == ["t1", "t2"]
        assert listener.handled == [3, 4]
        assert isinstance(asked[0], EventStreamerGoneError)


def test_a_service_that_refuses_every_token_is_not_asked_for_ever(kind: str) -> None:
    """Row 15 of the fault matrix."""
    with stream_server(*[answers(410)] * 20) as server:
        listener = Listener(kind, server.url, resume_token="t1", on_token_lost="restart")
        with pytest.raises(EventStreamerGoneError):
            listener.run()
        assert server.tokens == ["t1", None]


@pytest.mark.quick
def test_the_request_is_refused(kind: str) -> None:
    """Row 16 of the fault matrix."""
    body = {"detail": [{"loc": ["query", "resume_token"], "msg": "too odd", "type": "value_error"}]}
    with stream_server(answers(422, body)) as server:
        listener = Listener(kind, server.url)
        with pytest.raises(EventStreamerValidationError, match=r"422.*too odd"):
            listener.run()
        assert len(server.connects) == 1


def test_too_many_requests_in_seconds(kind: str) -> None:
    """Row 17 of the fault matrix."""
    with stream_server(answers(429, Retry_After="1")) as server:
        listener = Listener(kind, server.url)
        listener.run()
        assert server.connects[1].at - server.connects[0].at >= 1.0
        assert listener.handled == ALL


@pytest.mark.parametrize(
    ("headers", "delay"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "86400"}, 120.0),
        (
            {"Date": "Sun, 06 Nov 1994 08:49:37 GMT", "Retry_After": "Sun, 06 Nov 1994 08:50:07 GMT"},
            30.0,
        ),
    ],
    ids=["seconds", "huge", "date"],
)
def test_retry_after_is_obeyed(kind: str, headers: dict[str, str], delay: float) -> None:
    """Row 17 of the fault matrix."""
    with stream_server(answers(429, **headers)) as server:
        listener = Listener(kind, server.url)
        listener.on_status = lambda status: listener.stop_from_within() if status.delay else None
        report = listener.run()
        assert report.reason == "stopped"
        assert len(listener.delays) == 1
        assert delay <= listener.delays[0] <= delay * (1 + RETRY_AFTER_SPREAD)
        assert len(server.connects) == 1


@pytest.mark.quick
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_the_service_is_in_trouble(kind: str, status: int) -> None:
    """Row 18 of the fault matrix."""
    policy = Reconnect(initial=0.01, multiplier=2.0, maximum=0.05)
    with stream_server(*[answers(status)] * 5) as server:
        listener = Listener(kind, server.url, reconnect=policy)
        listener.run()
        assert listener.handled == ALL
        assert len(listener.delays) == 5
        for failures, delay in enumerate(listener.delays):
            assert 0 <= delay <= min(0.05, 0.01 * 2.0**failures)


@pytest.mark.usefixtures("widest")
def test_flapping(kind: str) -> None:
    """Row 19 of the fault matrix."""

    def die(wire: Wire) -> None:
        wire.begin()
        wire.finish()

    with stream_server(*[die] * 6) as server:
        listener = Listener(kind, server.url, reconnect=Reconnect(initial=0.01, maximum=0.2))
        listener.run()
        assert listener.delays == pytest.approx([0.01, 0.02, 0.04, 0.08, 0.16, 0.2])
        assert listener.reconnects == {"end of response": 6}
        assert listener.handled == ALL


@pytest.mark.usefixtures("widest")
def test_a_committed_batch_starts_the_waits_anew(kind: str) -> None:
    """Row 19 of the fault matrix."""

    def one(wire: Wire) -> None:
        wire.batches(wire.position, wire.position)
        wire.finish()

    with stream_server(one, one, one) as server:
        listener = Listener(kind, server.url, reconnect=Reconnect(initial=0.01, maximum=0.2))
        listener.run()
        assert listener.delays == pytest.approx([0.01, 0.01, 0.01])
        assert listener.handled == ALL


@pytest.mark.quick
def test_no_credential_goes_to_another_origin(kind: str) -> None:
    """Row 20 of the fault matrix."""
    with stream_server() as other:
        with stream_server(answers(307, Location=f"{other.url}/subscriptions/1/stream")) as server:
            client = {"api_key": "secret", "headers": {"Authorization": "Bearer secret"}}
            listener = Listener(kind, server.url, client=client)
            with pytest.raises(EventStreamerConnectionError, match="redirect"):
                listener.run()
            assert server.connects[0].headers["x-api-key"] == "secret"
        assert other.requests == []


@pytest.mark.parametrize("wrong", ["unknown authority", "other host", "expired"])
def test_a_certificate_that_is_not_to_be_trusted(kind: str, wrong: str) -> None:
    """Row 21 of the fault matrix."""
    authority = trustme.CA()
    past = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    host = "elsewhere.test" if wrong == "other host" else "127.0.0.1"
    expiry = past if wrong == "expired" else None
    not_before = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC) if expiry else None
    certificate = authority.issue_cert(host, not_after=expiry, not_before=not_before)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(served)
    trusting = ssl.create_default_context()
    if wrong != "unknown authority":
        authority.configure_trust(trusting)
    with stream_server(tls=served) as server:
        listener = Listener(kind, server.url, client={"verify": trusting, "api_key": "secret"})
        with pytest.raises(EventStreamerTLSError, match="certificate"):
            listener.run()
        assert listener.report is not None
        assert listener.report.reason == "refused"
        assert server.requests == []
        assert listener.delays == []


def test_a_good_certificate_is_taken(kind: str) -> None:
    """Row 21 of the fault matrix."""
    authority = trustme.CA()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(served)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    def vanish(wire: Wire) -> None:
        wire.batches(0, 1)
        wire.vanish()

    with stream_server(vanish, tls=served) as server:
        listener = Listener(kind, server.url, client={"verify": trusting}, heartbeat_interval=0.1)
        listener.run()
        assert listener.handled == ALL
        assert listener.reconnects == {"silence": 1}


def test_the_name_does_not_resolve_for_a_while(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 22 of the fault matrix."""
    resolve = socket.getaddrinfo
    asked = []

    def fickle(host: Any, *args: Any, **options: Any) -> Any:
        if host not in ("stream.test", b"stream.test"):
            return resolve(host, *args, **options)
        asked.append(host)
        if len(asked) <= 3:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", fickle)
    with stream_server() as server:
        listener = Listener(kind, server.url.replace("127.0.0.1", "stream.test"))
        listener.run()
        assert len(asked) > 3
        assert len(listener.delays) == 3
        assert listener.handled == ALL


@pytest.mark.quick
def test_tokens_and_headers_arrive_as_they_are(kind: str) -> None:
    """Row 23 of the fault matrix."""
    token = "rt_+/=&#%41 ?;é\u2028"
    with stream_server(Wire.no_content) as server:
        listener = Listener(
            kind,
            server.url,
            resume_token=token,
            client_metadata={"version": "1.0", "name": "Zoë"},
            client={"headers": {"X-Tenant": "blue"}, "api_key": "secret"},
        )
        listener.run()
        (request,) = server.connects
        assert request.query == {"resume_token": token}
        assert request.headers["x-tenant"] == "blue"
        assert request.headers["x-api-key"] == "secret"
        assert request.headers["x-client-metadata"] == '{"version":"1.0","name":"Zo\\u00eb"}'


@pytest.mark.quick
def test_a_users_header_in_another_case_is_not_sent_beside_the_streams_own(kind: str) -> None:
    """Names of headers differ by case in writing only (RFC 9110, section 5.1)."""
    with stream_server(Wire.no_content) as server:
        Listener(kind, server.url, client={"headers": {"accept": "text/html", "ACCEPT-encoding": "br"}}).run()
        (request,) = server.connects
        assert request.headers["accept"] == "application/x-ndjson"
        assert request.headers["accept-encoding"] == "identity"


def test_heartbeats_stop(kind: str) -> None:
    """Row 24 of the fault matrix."""

    def beat_and_stop(wire: Wire) -> None:
        wire.begin(X_Heartbeat_Interval="0.2")
        wire.batches(0, 1)
        for _ in range(5):
            wire.send(HEARTBEAT)
            wire.pause(0.2)
        wire.vanish()

    with stream_server(beat_and_stop) as server:
        listener = Listener(kind, server.url)
        listener.run()
        assert len(listener.heartbeats) == 5
        assert listener.reconnects == {"silence": 1}
        assert server.tokens == [None, "t1"]
        assert listener.handled == ALL


def test_the_service_has_another_clock(kind: str) -> None:
    """Row 25 of the fault matrix."""
    tomorrow = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).isoformat()

    def ahead(wire: Wire) -> None:
        wire.begin(Date="Tue, 01 Jan 2030 00:00:00 GMT", X_Heartbeat_Interval="0.2")
        wire.send(line({"type": "heartbeat", "timestamp": tomorrow}))
        wire.rest()

    with stream_server(ahead) as server:
        server.batch = lambda number: batch(number, timestamp=tomorrow)
        server.heartbeat_answers.append(Answer(200, {"acknowledged": True, "timestamp": tomorrow}))
        listener = Listener(kind, server.url)
        listener.run()
        assert listener.handled == ALL
        assert listener.reconnects == {}
        assert listener.errors == []


def test_without_reconnect_the_first_loss_ends_the_stream(kind: str) -> None:
    def end(wire: Wire) -> None:
        wire.batches(0, 2)
        wire.finish()

    with stream_server(end) as server:
        listener = Listener(kind, server.url, reconnect=False)
        with pytest.raises(EventStreamerConnectionError, match="ended the response"):
            listener.run()
        assert listener.report is not None
        assert listener.report.reason == "connection_lost"
        assert [error.error_code for error in listener.errors] == ["CONNECTION_LOST"]
        assert listener.handled == [0, 1, 2]


def test_a_bounded_number_of_attempts(kind: str) -> None:
    with stream_server(*[answers(503)] * 20) as server:
        listener = Listener(kind, server.url, reconnect=Reconnect(initial=0.01, maximum=0.02, attempts=3))
        with pytest.raises(EventStreamerConnectionError, match="503"):
            listener.run()
        assert len(server.connects) == 3
    assert QUICK.attempts is None
