"""What a failed call raises, what it says, and when it is made again. The same for both clients."""

import copy
import importlib
import inspect
import logging
import pickle
import pkgutil
import random
import time
from collections.abc import Iterator
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import pytest

import event_streamer_sdk
from event_streamer_sdk import _async, _sync, exceptions
from event_streamer_sdk._core.backoff import Backoff, Reconnect
from event_streamer_sdk._core.call import retry
from event_streamer_sdk.exceptions import (
    EventStreamerAuthError,
    EventStreamerConflictError,
    EventStreamerConnectionError,
    EventStreamerGoneError,
    EventStreamerNotFoundError,
    EventStreamerRateLimitError,
    EventStreamerRequestError,
    EventStreamerResponseError,
    EventStreamerSDKError,
    EventStreamerServerError,
    EventStreamerSubscriptionError,
    EventStreamerTimeoutError,
    EventStreamerValidationError,
)
from event_streamer_sdk.models import ABIEvent, SubscriptionCreate
from support.ports import refusing_port
from support.scripted_server import Reply, ScriptedServer
from support.twins import Twin, twin

pytestmark = pytest.mark.quick

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY.phrase
"""Python 3.13 knows the newer name of RFC 9110."""
STATS = {"total_chains": 1}
NEW = SubscriptionCreate(event_signature=ABIEvent(type="event", name="Ping"), start_block=0, chain_id=1)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "CALL_WAITS", Reconnect(initial=0.001, maximum=0.002, retry_after_limit=0.001))


@pytest.fixture
def keyed(kind: str, server: ScriptedServer) -> Iterator[Twin]:
    with twin(kind, server.url, api_key="key-1234567890", headers={"Authorization": "Bearer abcdef"}) as made:
        yield made


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, EventStreamerRequestError),
        (401, EventStreamerAuthError),
        (403, EventStreamerAuthError),
        (404, EventStreamerNotFoundError),
        (405, EventStreamerConnectionError),
        (409, EventStreamerConflictError),
        (410, EventStreamerGoneError),
        (413, EventStreamerRequestError),
        (418, EventStreamerConnectionError),
        (422, EventStreamerRequestError),
        (429, EventStreamerRateLimitError),
        (500, EventStreamerServerError),
        (502, EventStreamerServerError),
        (503, EventStreamerServerError),
        (504, EventStreamerServerError),
        (520, EventStreamerServerError),
        (599, EventStreamerServerError),
    ],
)
def test_each_status_has_its_error(
    status: int, expected: type[EventStreamerSDKError], client: Twin, server: ScriptedServer
) -> None:
    server.script(Reply(status, {"error": "no luck"}, headers={"X-Request-Id": "req-7"}))
    with pytest.raises(EventStreamerSDKError) as caught:
        client.get_chain(999)
    error: Any = caught.value
    assert type(error) is expected
    assert (error.status_code, error.method, error.path) == (status, "GET", "/api/chains/999")
    assert (error.body, error.request_id) == ({"error": "no luck"}, "req-7")
    for part in (str(status), "get_chain", "no luck", "GET /api/chains/999", "req-7"):
        assert part in str(error)


@pytest.mark.parametrize("status", [404, 409, 410])
def test_a_subscription_has_errors_of_its_own(status: int, client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(status, {"detail": "no"}))
    with pytest.raises(EventStreamerSubscriptionError) as caught:
        client.get_subscription(5)
    assert isinstance(caught.value, EventStreamerConnectionError), (
        "the document's recipe for 404 catches this"
    )
    assert caught.value.status_code == status


def test_an_acknowledgements_404_is_about_its_connection(client: Twin, server: ScriptedServer) -> None:
    from event_streamer_sdk.models import BatchAcknowledgmentRequest

    server.script(Reply(404, {"detail": "connection gone"}))
    with pytest.raises(EventStreamerNotFoundError) as caught:
        client.acknowledge_batch(5, "conn_1", BatchAcknowledgmentRequest(batch_id="b"))
    assert not isinstance(caught.value, EventStreamerSubscriptionError)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(422, {"error": "bad block", "detail": "start_block is -1"}), "bad block: start_block is -1"),
        (Reply(422, {"detail": "bad block"}), ": bad block ("),
        (
            Reply(422, {"detail": [{"loc": ["body", "addresses", 0], "msg": "too short", "type": "x"}]}),
            "body.addresses.0: too short",
        ),
        (Reply(422, {"detail": ["odd"]}), ": odd ("),
        (Reply(422, {"message": "said otherwise"}), "said otherwise"),
        (Reply(422, body=b"plain text", headers={"Content-Type": "text/plain"}), "plain text"),
        (Reply(422, body=b""), f"422 {UNPROCESSABLE} ("),
        (Reply(422, body=b"<html><h1>nginx</h1>"), f"422 {UNPROCESSABLE} ("),
        (Reply(422, body=b"[" * 100_000), f"422 {UNPROCESSABLE}"),
        (Reply(422, {"error": "x" * 10_000}), "x…"),
    ],
    ids=["ours", "text", "list", "odd list", "message", "plain", "empty", "html", "deep", "long"],
)
def test_every_shape_of_an_error_is_read(
    reply: Reply, told: str, client: Twin, server: ScriptedServer
) -> None:
    server.script(reply)
    with pytest.raises(EventStreamerRequestError) as caught:
        client.create_subscription(NEW)
    assert told in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_pointed_out(client: Twin, keyed: Twin, server: ScriptedServer) -> None:
    server.script(Reply(401, {"error": "no key"}), Reply(401))
    with pytest.raises(EventStreamerAuthError, match="401 Unauthorized: no key; give the client an api_key"):
        client.get_chain(1)
    with pytest.raises(EventStreamerAuthError, match=r"401 Unauthorized \(GET"):
        keyed.get_chain(1)


def test_an_errors_code_is_kept(client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(410, {"error": "expired", "error_code": "INVALID_RESUME_TOKEN"}))
    with pytest.raises(EventStreamerGoneError) as caught:
        client.get_chain(1)
    assert caught.value.error_code == "INVALID_RESUME_TOKEN"


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(200, body=b"<html>", headers={"Content-Type": "text/html"}), "(200, text/html) is not JSON"),
        (Reply(200, body=b"{"), "is not JSON"),
        (Reply(200, body=b"\xff\xfe\x00"), "is not JSON"),
        (Reply(200, body=b"[" * 100_000), "is not JSON"),
        (Reply(200, body=b""), "ChainStatsResponse must be a JSON object, got None"),
        (Reply(200, []), "ChainStatsResponse must be a JSON object, got []"),
        (
            Reply(200, {"total_chains": "many"}),
            "ChainStatsResponse.total_chains must be an integer, got 'many'",
        ),
        (Reply(200, {}), "ChainStatsResponse.total_chains is missing"),
    ],
)
def test_a_broken_answer_names_the_call_and_the_field(
    reply: Reply, told: str, client: Twin, server: ScriptedServer
) -> None:
    server.script(reply)
    with pytest.raises(EventStreamerResponseError) as caught:
        client.get_chain_stats()
    assert str(caught.value).startswith("get_chain_stats: the answer")
    assert told in str(caught.value)
    assert caught.value.status_code == 200
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_safe_call_is_made_again(status: int, client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(status), Reply(status), Reply(200, STATS))
    assert client.get_chain_stats().total_chains == 1
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 501])
def test_what_would_fail_again_is_not_made_again(status: int, client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(status), Reply(200, STATS))
    with pytest.raises(EventStreamerSDKError):
        client.get_chain_stats()
    assert len(server.requests) == 1


def creates(server: ScriptedServer) -> int:
    """How often something was to be made, without the questions whether that would be safe."""
    return sum(request.method == "POST" for request in server.requests)


def test_a_call_that_is_not_safe_is_not_made_again(client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(503, headers={"Retry-After": "7"}))
    with pytest.raises(EventStreamerServerError) as caught:
        client.create_subscription(NEW)
    assert caught.value.retry_after == 7.0
    assert creates(server) == 1


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_max_retries_is_the_limit(retries: int, kind: str, server: ScriptedServer) -> None:
    server.script(Reply(503))
    with twin(kind, server.url, max_retries=retries) as client, pytest.raises(EventStreamerServerError):
        client.get_chain_stats()
    assert len(server.requests) == 1 + retries


def test_retry_after_is_obeyed(client: Twin, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(retry, "CALL_WAITS", Reconnect(initial=0.001, maximum=0.002))
    monkeypatch.setattr(_async.http, "sleep", sleep)
    monkeypatch.setattr(_sync.http, "sleep", waits.append)
    # The server puts its own Date beside it.
    dated = {"Retry-After": formatdate(time.time() + 20, usegmt=True)}
    server.script(Reply(429, headers={"Retry-After": "3"}), Reply(503, headers=dated), Reply(200, STATS))
    assert client.get_chain_stats().total_chains == 1
    assert 3.0 <= waits[0] <= 3.0 * 1.25
    assert 18.0 <= waits[1] <= 22.0 * 1.25


def test_those_whom_retry_after_has_sent_away_do_not_come_back_together() -> None:
    waits = [Backoff(Reconnect(), random.Random(seed).random).next_delay(8.0) for seed in range(200)]
    assert min(waits) >= 8.0
    assert max(waits) <= 10.0
    busiest = max(sum(start <= wait < start + 0.1 for wait in waits) for start in waits)
    assert busiest <= 40, f"{busiest} of 200 come within a tenth of a second"


def test_a_retry_after_is_obeyed_and_not_added_to_what_failed_before() -> None:
    """A service that was down for a while says when there is room: then, and not half a minute later."""
    backoff = Backoff(Reconnect(), lambda: 1.0)
    for _ in range(10):
        backoff.next_delay()
    assert backoff.next_delay(3.0) == 3.75
    assert backoff.next_delay(1.0) == 1.5, "spread over half a second at least"
    assert backoff.next_delay(0.0) == 30.0, "nothing was asked for"


def test_pauses_of_those_who_try_on_and_on_grow_with_the_outage_and_not_with_the_tries() -> None:
    assert [Backoff(Reconnect(), lambda: 1.0, by_time=True).next_delay() for _ in range(1)] == [0.5]
    for share in (1.0, 0.5, 0.1, 0.0):
        backoff, waited = Backoff(Reconnect(), lambda share=share: share, by_time=True), 0.0  # type: ignore[misc]
        for tries in range(60):
            delay = backoff.next_delay()
            assert delay <= min(30.0, 0.5 + waited, Reconnect().bound(tries))
            waited += delay
        assert delay == (30.0 if share == 1.0 else pytest.approx(share * min(30.0, 0.5 + waited - delay)))
        backoff.reset()
        assert backoff.next_delay() == share * 0.5


def hang_up(handler: Any) -> None:
    """Break the connection before anything of an answer is sent."""
    raise ConnectionAbortedError


def test_a_connection_that_breaks_is_an_error_and_a_safe_call_is_made_again(
    client: Twin, server: ScriptedServer
) -> None:
    server.script(Reply(before=hang_up), Reply(200, STATS))
    assert client.get_chain_stats().total_chains == 1
    server.script(Reply(before=hang_up))
    with pytest.raises(
        EventStreamerConnectionError, match="create_subscription failed: the connection broke"
    ):
        client.create_subscription(NEW)
    assert creates(server) == 1


def test_silence_is_a_time_out(kind: str, server: ScriptedServer) -> None:
    import threading

    released = threading.Event()
    server.script(Reply(200, STATS, before=lambda _: released.wait(10)))
    try:
        with (
            twin(kind, server.url, timeout=0.2, max_retries=0) as client,
            pytest.raises(
                EventStreamerTimeoutError, match="get_chain_stats failed: no answer in time"
            ) as caught,
        ):
            client.get_chain_stats()
    finally:
        released.set()
    assert isinstance(caught.value, TimeoutError)
    assert (caught.value.status_code, caught.value.path) == (None, "/api/chains/stats")


def test_nobody_there_is_one_clear_sentence(kind: str) -> None:
    with refusing_port() as port:
        url = f"http://127.0.0.1:{port}"
        with (
            twin(kind, url, max_retries=1) as client,
            pytest.raises(
                EventStreamerConnectionError, match=r"cannot connect: .*; is the service running there\?"
            ) as caught,
        ):
            client.get_health()
    assert isinstance(caught.value, ConnectionError)
    assert f"{url}/health" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_secret_is_in_an_error_or_a_log(
    keyed: Twin, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echoed = "key-1234567890 Bearer abcdef rt_eyJzdWJz+/= resume_token=rt_other"
    server.script(Reply(403, {"error": echoed}))
    with pytest.raises(EventStreamerAuthError) as caught:
        keyed.get_chain(1)
    assert server.requests[0].headers["x-api-key"] == "key-1234567890"
    for secret in ("key-1234567890", "abcdef", "rt_eyJ", "rt_other"):
        assert secret not in str(caught.value)
        assert secret not in repr(keyed.client)
        assert secret not in caplog.text
    assert "/api/chains/1 -> 403" in caplog.text


def test_a_token_in_the_query_is_not_logged(
    client: Twin, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    from event_streamer_api.api import stream

    caplog.set_level(logging.DEBUG)
    server.script(Reply(200, {}))
    client.run(client.client._http.request(stream.stream_subscription(1, "rt_secret+/=")))
    assert server.requests[0].query == {"resume_token": "rt_secret+/="}
    assert "rt_secret" not in caplog.text


def every_error() -> list[type[Exception]]:
    """All exceptions of the SDK, also those that no user is told of."""
    for module in pkgutil.walk_packages(event_streamer_sdk.__path__, "event_streamer_sdk."):
        if ".cli" not in module.name:  # the extra may be missing
            importlib.import_module(module.name)
    found = [EventStreamerSDKError]
    for kind in found:
        found += [sub for sub in kind.__subclasses__() if sub.__module__.startswith("event_streamer")]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_errors_survive_pickle_and_copy(kind: type[Exception]) -> None:
    """A pool of processes pickles what a job raises, and hangs where that can't be done."""
    required = [
        parameter
        for parameter in list(inspect.signature(kind.__init__).parameters.values())[1:]
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    assert len(required) <= 1, "pickle gives the message alone"
    made = kind("failed: 404")
    for name, value in {"status_code": 404, "retry_after": 1.5, "error_code": "WHY"}.items():
        if hasattr(made, name):
            setattr(made, name, value)
    for again in (pickle.loads(pickle.dumps(made)), copy.copy(made)):
        assert (type(again), str(again), vars(again)) == (kind, "failed: 404", vars(made))


def test_every_error_is_within_the_six_of_the_document() -> None:
    of_requests = (
        EventStreamerConnectionError,
        EventStreamerAuthError,
        EventStreamerTimeoutError,
        EventStreamerValidationError,
        EventStreamerSubscriptionError,
    )
    for name in set(exceptions.__all__) - {"EventStreamerSDKError", "RequestDetails"}:
        if issubclass(getattr(exceptions, name), exceptions.RequestDetails):
            assert issubclass(getattr(exceptions, name), of_requests), name
        assert issubclass(getattr(exceptions, name), EventStreamerSDKError), name
        assert name in (exceptions.__doc__ or ""), f"{name} is missing in the drawing of the tree"


@pytest.mark.parametrize(
    "answer",
    [
        Reply(404, {"error": "Not found", "detail": "Not Found", "error_code": "NOT_FOUND"}),
        Reply(404, {"detail": "Not Found"}),
        Reply(404, body=b"<html>nginx</html>"),
        Reply(404, body=b""),
    ],
    ids=str,
)
def test_a_wrong_base_path_shows_the_whole_url(kind: str, server: ScriptedServer, answer: Reply) -> None:
    server.script(answer)
    expected = pytest.raises(EventStreamerNotFoundError, match="is service_url right")
    with twin(kind, f"{server.url}/evnts") as client, expected as caught:
        client.get_all_chains()
    assert f"GET {server.url}/evnts/api/chains" in str(caught.value)


@pytest.mark.parametrize("body", [{"detail": "Chain 5 is unknown"}, {"error": "Chain not found"}], ids=str)
def test_a_404_that_says_what_is_missing_doubts_no_url(
    client: Twin, server: ScriptedServer, body: dict[str, str]
) -> None:
    server.script(Reply(404, body))
    with pytest.raises(EventStreamerNotFoundError) as caught:
        client.get_chain(5)
    assert "service_url" not in str(caught.value)
    assert next(iter(body.values())) in str(caught.value)


def test_a_traceback_names_what_users_import() -> None:
    for error in (EventStreamerSDKError, EventStreamerValidationError):
        assert error.__module__ == "event_streamer_sdk.exceptions"
        assert pickle.loads(pickle.dumps(error("x"))).args == ("x",)
