"""
Ten thousand random schedules of faults in virtual time.

After every step acked ⊆ committed ⊆ handled is checked, and that batches are first handled in order; at the
end, that nothing is missing. A schedule that fails names its seed: `tests/simulation/play.py SEED` plays it
again and prints what happened; `make simulate` looks for one without end.
"""

import pytest

from support.world import World, WrongError, play

SCHEDULES = 10_000
A_TEST = 500
FOUND = {
    1795527452234: "a reorg that could not be read was passed over, and the program started again",
    1795527565386: "a reorg that could not be read was passed over behind batches that were held back",
}
"""Schedules beyond those that showed a defect."""


@pytest.mark.parametrize("first", range(0, SCHEDULES, A_TEST))
def test_schedules(first: int) -> None:
    for seed in range(first, first + A_TEST):
        play(seed)


@pytest.mark.quick
@pytest.mark.parametrize("seed", FOUND)
def test_schedules_that_failed_once(seed: int) -> None:
    play(seed)


@pytest.mark.quick
def test_some_schedules() -> None:
    for seed in range(SCHEDULES, SCHEDULES + 100):
        play(seed)


@pytest.mark.quick
def test_a_schedule_plays_the_same_each_time() -> None:
    def trace(seed: int) -> list[object]:
        world = play(seed)
        return [world.events, world.now, world.lives, sorted(world.service.acked), world.service.requests]

    assert [trace(seed) for seed in range(20)] == [trace(seed) for seed in range(20)]


@pytest.mark.quick
def test_the_schedules_meet_what_they_are_for() -> None:
    """A simulation that never kills, never loses and never damages would prove nothing."""
    worlds = [play(seed) for seed in range(200)]
    assert sum(world.lives > 1 for world in worlds) > 50
    assert sum(world.manual for world in worlds) > 10
    assert sum(bool(world.service.damaged) for world in worlds) > 20
    assert sum(len(world.service.connections) > 3 for world in worlds) > 50
    assert sum(bool(world.service.removed) for world in worlds) > 20


@pytest.mark.parametrize(
    ("what", "seeds"),
    [("acknowledge", 50), ("commit", 50), ("forget", 50)],
)
def test_a_client_that_breaks_the_contract_is_found_out(
    what: str, seeds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checks can fail: each of these defects is found within a few schedules."""
    from event_streamer_sdk._core.stream.committing import Committer, Progress
    from event_streamer_sdk._core.stream.handler_errors import Unhandled

    if what == "acknowledge":  # acknowledges before the position is stored
        commit = Committer.commit

        def hasty(self, entry, **given):  # type: ignore[no-untyped-def]
            self._acknowledge(entry.batch_id or "b0")
            yield from commit(self, entry, **given)

        monkeypatch.setattr(Committer, "commit", hasty)
    elif what == "commit":  # takes the position of a batch that was only received
        monkeypatch.setattr(Progress, "done_run", lambda self: list(self.open.values()))
    else:  # passes over a line that it can't read

        def silent(self, epoch, error, value):  # type: ignore[no-untyped-def]
            return
            yield

        monkeypatch.setattr(Unhandled, "bad_line", silent)

    def find() -> None:
        for seed in range(seeds):
            World(seed).run()

    with pytest.raises(WrongError):
        find()
