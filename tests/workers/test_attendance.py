"""What the trials of workers are judged by: who had a subscription when, told from what was written down."""

import pytest

from support.attendance import Gap, Grant, Presence, gaps


def seconds_of(
    grants: list[Grant],
    presences: dict[str, Presence],
    *,
    away: list[tuple[float, float]] | None = None,
    held_up: float = 0.0,
) -> list[tuple[float, float, float]]:
    found = gaps(
        {"k": grants},
        presences,
        keys=["k"],
        within=(0.0, 100.0),
        database_away=away or [],
        held_up=lambda _: held_up,
    )
    return [(gap.begin, gap.seconds, gap.of_workers) for gap in found]


def has(owner: str | None, at: float, fencing: int, until: float = 200.0) -> Grant:
    return Grant(at, owner, fencing, until)


def test_a_subscription_that_somebody_has_all_the_time_has_no_gap() -> None:
    renewed = [has("one", 0, 1, 5), has("one", 4, 1, 9), has("one", 8, 1, 200)]
    assert seconds_of(renewed, {}) == []


def test_one_that_nobody_ever_had_is_a_gap_from_end_to_end() -> None:
    assert seconds_of([], {}) == [(0.0, 100.0, 100.0)]


def test_a_lease_that_runs_out_or_is_given_back_leaves_a_gap() -> None:
    ran_out = [has("one", 0, 1, 10), has("two", 13, 2)]
    assert seconds_of(ran_out, {}) == [(10.0, 3.0, 3.0)]
    given_back = [has("one", 0, 1), has(None, 10, 2), has("two", 12, 3)]
    assert seconds_of(given_back, {}) == [(10.0, 2.0, 2.0)]


def test_what_a_worker_had_when_it_died_is_nobodys_until_it_is_taken_anew() -> None:
    """Also where it is taken by the same worker, started again, under the lease that it still had."""
    grants = [has("one", 0, 1), has("one", 26, 2)]
    assert seconds_of(grants, {"one": Presence(deaths=[20.0])}) == [(20.0, 6.0, 6.0)]


def test_a_worker_that_is_away_attends_to_nothing_though_it_has_the_lease() -> None:
    grants = [has("one", 0, 1, 25), has("two", 26, 2)]
    assert seconds_of(grants, {"one": Presence(absences=[(20.0, 40.0)])}) == [(20.0, 6.0, 6.0)]
    assert seconds_of([has("one", 0, 1)], {"one": Presence(absences=[(20.0, 40.0)])}) == [(20.0, 20.0, 20.0)]


def test_while_the_database_is_away_the_time_does_not_count_and_it_begins_anew_behind_it() -> None:
    grants = [has("one", 0, 1, 10), has("two", 30, 2)]
    assert seconds_of(grants, {}, away=[(12.0, 25.0)]) == [(25.0, 5.0, 5.0), (10.0, 2.0, 2.0)]


@pytest.mark.parametrize(("held_up", "left"), [(4.0, 6.0), (40.0, 0.0)])
def test_what_the_machine_has_held_up_is_not_the_workers_and_never_more_than_there_was(
    held_up: float, left: float
) -> None:
    grants = [has("one", 0, 1, 10), has("two", 20, 2)]
    assert seconds_of(grants, {}, held_up=held_up) == [(10.0, 10.0, left)]


def test_the_longest_gap_of_the_workers_comes_first() -> None:
    grants = [has("one", 0, 1, 10), has("one", 12, 1, 20), has("one", 29, 2, 200)]
    assert [seconds for _, seconds, _ in seconds_of(grants, {})] == [9.0, 2.0]
    assert Gap(key="k", begin=0.0, seconds=5.0, held_up=2.0).of_workers == 3.0
