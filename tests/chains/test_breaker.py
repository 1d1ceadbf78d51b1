"""The circuit breaker of an RPC URL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_service.chains.breaker import CLOSED, HALF_OPEN, OPEN, BreakerSettings, CircuitBreaker

pytestmark = pytest.mark.quick

SETTINGS = BreakerSettings(
    failure_threshold=3, recovery_timeout=60, success_threshold=2, timeout=5, half_open_max_calls=2
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker("test_rpc", SETTINGS, clock=clock, wall_clock=clock)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        assert breaker.allow()
        breaker.failed(0.1)


def succeed(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        assert breaker.allow()
        breaker.succeeded(0.1)


def test_it_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    succeed(breaker, 1)
    fail(breaker, 2)
    assert breaker.state == CLOSED
    fail(breaker, 1)
    assert breaker.state == OPEN
    assert not breaker.allow()
    assert breaker.rejected_count == 1
    assert not breaker.is_healthy


def test_it_is_tried_again_after_the_recovery_timeout(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 59
    assert not breaker.allow()
    assert breaker.retry_after == 1
    clock.now += 1
    assert breaker.allow()
    assert breaker.state == HALF_OPEN


def test_half_open_lets_few_calls_through_at_a_time(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 60
    assert [breaker.allow() for _ in range(3)] == [True, True, False]
    assert breaker.half_open_calls == 2
    breaker.abandoned()
    assert breaker.allow()


def test_successes_close_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 60
    succeed(breaker, 1)
    assert breaker.state == HALF_OPEN
    succeed(breaker, 1)
    assert breaker.state == CLOSED
    assert breaker.state_transitions == {
        "closed_to_open": 1,
        "open_to_half_open": 1,
        "half_open_to_closed": 1,
    }


def test_a_failure_opens_it_again_for_the_whole_time(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 60
    fail(breaker, 1)
    assert breaker.state == OPEN
    assert breaker.retry_after == 60


def test_reset_closes_it_and_keeps_the_totals(breaker: CircuitBreaker) -> None:
    fail(breaker, 3)
    breaker.reset()
    assert breaker.state == CLOSED
    assert breaker.allow()
    assert breaker.failure_count == 3
    assert breaker.consecutive_failures == 0
    breaker.failed(0.1)
    assert breaker.state == CLOSED


def test_the_metrics_are_true(breaker: CircuitBreaker, clock: Clock) -> None:
    assert (breaker.success_rate, breaker.failure_rate, breaker.average_response_time) == (1, 0, 0)
    for seconds in (0.010, 0.030):
        assert breaker.allow()
        breaker.succeeded(seconds)
    clock.now += 5
    assert breaker.allow()
    breaker.failed(0.050)
    assert breaker.allow()
    breaker.abandoned()
    assert breaker.total_calls == 3
    assert breaker.success_rate == pytest.approx(2 / 3)
    assert breaker.failure_rate == pytest.approx(1 / 3)
    assert breaker.average_response_time == pytest.approx(30)
    assert breaker.last_success_time == 1_000
    assert breaker.last_failure_time == 1_005


@pytest.mark.parametrize(
    "wrong",
    [
        {"failure_threshold": 0},
        {"recovery_timeout": -1},
        {"success_threshold": 0},
        {"timeout": 0},
        {"half_open_max_calls": 0},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BreakerSettings(**wrong)


@given(st.lists(st.tuples(st.sampled_from(["ok", "fail", "give up", "reset"]), st.floats(0, 70))))
def test_the_counts_always_fit_together(steps: list[tuple[str, float]]) -> None:
    clock = Clock()
    breaker = CircuitBreaker("any", SETTINGS, clock=clock)
    asked = 0
    for step, pause in steps:
        clock.now += pause
        if step == "reset":
            breaker.reset()
        elif breaker.allow():
            asked += step != "give up"
            {"ok": lambda: breaker.succeeded(0), "fail": lambda: breaker.failed(0)}.get(
                step, breaker.abandoned
            )()
        assert breaker.total_calls == breaker.success_count + breaker.failure_count == asked
        assert 0 <= breaker.success_rate <= 1
        assert 0 <= breaker.half_open_calls <= SETTINGS.half_open_max_calls
        assert breaker.state in (CLOSED, OPEN, HALF_OPEN)
        assert (breaker.retry_after > 0) <= (breaker.state == OPEN)
