"""The pure decisions behind a call, on any answer, failure, address and header: no network, no clock."""

import datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_api.api import chains, subscriptions
from event_streamer_api.types import Operation
from event_streamer_sdk._core.backoff import RETRY_AFTER_SPREAD, Backoff, Reconnect
from event_streamer_sdk._core.call.errors import error_of, retry_after_of
from event_streamer_sdk._core.call.outcome import NoResponse, Response
from event_streamer_sdk._core.call.redirects import MAX_REDIRECTS
from event_streamer_sdk._core.call.request import request_of
from event_streamer_sdk._core.call.retry import REPEATABLE_STATUS, Pause, exchange
from event_streamer_sdk._core.call.service import Service, service_of
from event_streamer_sdk._core.redaction import redacted
from event_streamer_sdk.exceptions import (
    EventStreamerConnectionError,
    EventStreamerResponseError,
    EventStreamerSDKError,
    EventStreamerValidationError,
)
from event_streamer_sdk.models import ABIEvent, SubscriptionCreate

pytestmark = pytest.mark.quick

SERVICE = service_of("http://localhost:8000", None, "key-1234567890")
STATS = b'{"total_chains": 1}'
SAFE: Operation[Any] = chains.get_chain_stats()
UNSAFE: Operation[Any] = evolve(
    subscriptions.create_subscription(
        SubscriptionCreate(event_signature=ABIEvent(type="event", name="Ping"), start_block=0, chain_id=1)
    ),
    parse=SAFE.parse,
    keyed=False,
)
KEYED: Operation[Any] = evolve(UNSAFE, keyed=True)
HEEDS_KEYS = b'{"status": "healthy", "features": ["idempotency-key"]}'

header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
headers = st.fixed_dictionaries(
    {},
    optional={
        "retry-after": header_values | st.integers(0, 10**12).map(str),
        "date": header_values,
        "location": header_values | st.sampled_from(["/elsewhere", "http://localhost:8000/x", "//other/x"]),
        "x-request-id": header_values,
        "content-type": header_values,
    },
)
bodies = st.binary(max_size=60) | st.sampled_from(
    [STATS, b"", b"{}", b"[]", b'{"detail": [{"loc": [1], "msg": 2}]}']
)
answers = st.builds(
    lambda status, known, body: Response(status=status, headers=httpx.Headers(known), body=body),
    st.sampled_from([200, 201, 204, 302, 307, 401, 404, 409, 410, 422, 429, 500, 503, 599]),
    headers,
    bodies,
)
losses = st.builds(NoResponse, st.just(EventStreamerConnectionError("lost")), st.booleans(), st.booleans())


@given(st.lists(answers | losses, min_size=12, max_size=12), st.integers(0, 3), st.booleans())
def test_a_call_ends_within_its_attempts_and_repeats_only_what_it_may(
    outcomes: list[Response | NoResponse], retries: int, safe: bool
) -> None:
    operation = SAFE if safe else UNSAFE
    backoff = Backoff(Reconnect(initial=0.5, maximum=8.0), lambda: 0.5)
    steps = exchange(SERVICE, operation, backoff, retries, lambda: "key")
    sent: list[Response | NoResponse] = []
    pauses: list[float] = []
    result, failure = None, None
    step = next(steps)
    while result is failure is None:
        try:
            if isinstance(step, Pause):
                pauses.append(step.seconds)
                step = steps.send(None)
            else:
                assert step.url.startswith("http://localhost:8000/"), "the key goes to its own origin only"
                sent.append(outcomes[len(sent)])
                step = steps.send(sent[-1])
        except StopIteration as done:
            result = done.value
        except EventStreamerSDKError as error:
            failure = error
    last = sent[-1]
    if isinstance(last, NoResponse):
        assert failure is last.error
    else:
        assert result is None or (200 <= last.status < 300 and result.total_chains == 1)
        assert failure is None or str(last.status) in str(failure)
        assert "key-1234567890" not in str(failure)
    assert len(pauses) <= retries
    assert len(sent) <= 1 + len(pauses) + MAX_REDIRECTS
    assert all(0 <= pause <= 120 * (1 + RETRY_AFTER_SPREAD) for pause in pauses)
    for outcome in sent[:-1]:
        if isinstance(outcome, NoResponse):
            assert not outcome.hopeless
            assert safe or not outcome.sent
        elif outcome.status >= 400:
            assert safe
            assert outcome.status in REPEATABLE_STATUS


@given(
    st.lists(answers | losses | st.just(Response(status=200, headers=httpx.Headers(), body=HEEDS_KEYS)),
             min_size=20, max_size=20),
    st.integers(0, 4),
)  # fmt: skip
def test_a_create_is_repeated_only_where_the_service_said_that_it_heeds_its_key(
    outcomes: list[Response | NoResponse], retries: int
) -> None:
    backoff = Backoff(Reconnect(initial=0.5, maximum=8.0), lambda: 0.5)
    steps = exchange(SERVICE, KEYED, backoff, retries, lambda: "key")
    step, pauses, creates, is_heeded = next(steps), 0, 0, False
    arrived = redirected = False
    try:
        for outcome in outcomes:
            while isinstance(step, Pause):
                pauses += 1
                step = steps.send(None)
            if step.method == "POST":
                assert step.headers["Idempotency-Key"] == "key"
                assert not arrived or redirected or is_heeded
                creates += 1
                arrived = arrived or not isinstance(outcome, NoResponse) or outcome.sent
                redirected = isinstance(outcome, Response) and 300 <= outcome.status < 400
            else:
                assert step.url == "http://localhost:8000/health" or redirected
                is_heeded = isinstance(outcome, Response) and outcome.body == HEEDS_KEYS
            step = steps.send(outcome)
    except (StopIteration, EventStreamerSDKError):
        pass
    assert pauses <= retries
    assert creates >= 1


@given(answers)
def test_any_refusal_becomes_an_error_with_its_status(answer: Response) -> None:
    error: Any = error_of(SERVICE, SAFE, answer)
    assert isinstance(error, EventStreamerSDKError)
    assert error.status_code == answer.status
    assert str(answer.status) in str(error)
    assert "\n" not in str(error)
    assert error.retry_after is None or error.retry_after >= 0


@given(st.text(max_size=40) | st.none() | st.integers())
def test_any_address_is_a_service_or_our_error(address: Any) -> None:
    try:
        service = service_of(address, None, None)
    except EventStreamerValidationError:
        return
    assert service.url.startswith(("http://", "https://"))
    assert not service.url.endswith("/")
    assert "@" not in service.url.partition("//")[2].partition("/")[0]


@given(st.text(max_size=10), st.text(min_size=12, max_size=20))
def test_any_header_is_sendable_or_our_error_without_its_value(name: str, value: str) -> None:
    try:
        service = service_of("http://host", {name: value}, None)
    except EventStreamerValidationError as error:
        told = str(error)
    else:
        told = ""
        assert httpx.Headers(dict(service.headers))[name] == value
    assert value not in told


def test_a_users_header_wins_whatever_its_case() -> None:
    service: Service = service_of("http://host", {"x-api-key": "mine", "ACCEPT": "text/plain"}, "other")
    assert {name.lower(): value for name, value in service.headers.items()}["x-api-key"] == "mine"
    assert [value for name, value in service.headers.items() if name.lower() == "accept"] == ["text/plain"]
    assert service.secrets == ("mine",)
    assert "mine" not in repr(service)


def test_a_body_that_json_cannot_hold_is_told() -> None:
    with pytest.raises(EventStreamerValidationError, match="create_subscription: the body cannot be written"):
        request_of(SERVICE, evolve(UNSAFE, json={"a": float("nan")}))
    with pytest.raises(EventStreamerValidationError, match="create_subscription: the body cannot be written"):
        request_of(SERVICE, evolve(UNSAFE, json={"a": object()}))


def test_a_body_is_compact_utf8() -> None:
    assert (
        request_of(SERVICE, evolve(UNSAFE, json={"a": "é", "b": [1]})).content == '{"a":"é","b":[1]}'.encode()
    )


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("\u0667", None),
    ],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    assert retry_after_of(httpx.Headers({"retry-after": value.encode()})) == seconds


@given(st.integers(-86_400, 86_400), st.integers(-86_400, 86_400))
def test_retry_after_as_a_date_does_not_ask_our_clock(wait: int, skew: int) -> None:
    service_time = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(
        seconds=skew
    )
    at = service_time + datetime.timedelta(seconds=wait)
    known = {
        "retry-after": format_datetime(at, usegmt=True),
        "date": format_datetime(service_time, usegmt=True),
    }
    assert retry_after_of(httpx.Headers(known)) == max(0.0, float(wait))
    assert retry_after_of(httpx.Headers({"retry-after": known["retry-after"]})) is None


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_token_survives_redaction(before: str, after: str) -> None:
    token = "rt_eyJzdWIiOjF9-_=.abc"
    assert token not in redacted(f"{before} {token} {after}")
    assert token not in redacted(f"{before}?resume_token={token}&x=1 {after}")
    assert (
        "opaque"
        not in redacted(f"GET /stream?resume_token=opaque+/= {after}".replace("opaque+/= opaque", ""))[:40]
    )


def test_an_answer_that_nests_too_deeply_is_an_error() -> None:
    steps = exchange(SERVICE, SAFE, Backoff(Reconnect(), lambda: 0.5), 0, lambda: "key")
    next(steps)
    with pytest.raises(EventStreamerResponseError, match="is not JSON"):
        steps.send(Response(status=200, headers={}, body=b"[" * 100_000))
