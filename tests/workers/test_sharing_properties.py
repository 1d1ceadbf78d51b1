"""How workers divide subscriptions, decided without a database: no two owners, none left, few moves."""

import random

from hypothesis import given
from hypothesis import strategies as st

from event_streamer_sdk._core.sharing import Peer, View, next_move, shares

NAMES = st.lists(st.sampled_from([f"w{number}" for number in range(9)]), min_size=1, max_size=9, unique=True)
CAPACITY = st.none() | st.integers(0, 12)
PATIENCE = 1.0


class World:
    """Leases that one worker at a time can have, and workers that look at them in turn."""

    def __init__(self, subscriptions: int) -> None:
        self.owners: dict[str, str | None] = {f"s{number}": None for number in range(subscriptions)}
        self.free_for: dict[str, float] = dict.fromkeys(self.owners, 0.0)
        self.peers: dict[str, Peer] = {}
        self.moves = 0

    def turn(self, name: str, seen: dict[str, str | None] | None = None) -> None:
        """Let one worker act on what it sees now, or has seen a moment ago."""
        view = View(
            peers=list(self.peers.values()), owners=dict(seen or self.owners), free_for=dict(self.free_for)
        )
        move = next_move(name, view, patience=PATIENCE)
        assert not (move.take and move.give_up)
        assert all(view.owners[key] is None for key in move.take)
        assert all(view.owners[key] == name for key in move.give_up)
        assert len(set(move.take)) == len(move.take)
        capacity = self.peers[name].capacity
        for key in move.give_up:
            if self.owners[key] == name:
                self.owners[key] = None
                self.free_for[key] = 0.0
        for key in move.take:
            if self.owners[key] is None:  # the database gives a lease to one
                self.owners[key] = name
                self.moves += 1
        if capacity is not None and seen is None:
            assert self.counts()[name] <= max(capacity, 0) or move.give_up or not move.take

    def counts(self) -> dict[str, int]:
        return {name: sum(1 for owner in self.owners.values() if owner == name) for name in self.peers}

    def settle(self, order: random.Random, rounds: int = 12) -> None:
        for _ in range(rounds):
            names = list(self.peers)
            order.shuffle(names)
            for name in names:
                self.turn(name)

    def leave(self, name: str) -> None:
        del self.peers[name]
        for key, owner in self.owners.items():
            if owner == name:
                self.owners[key] = None
                self.free_for[key] = 0.0


@given(NAMES, st.integers(0, 40), st.randoms(use_true_random=False))
def test_all_are_taken_and_divided_evenly(names: list[str], subscriptions: int, order: random.Random) -> None:
    world = World(subscriptions)
    world.peers = {name: Peer(name) for name in names}
    world.settle(order)
    counts = world.counts()
    assert None not in world.owners.values()
    assert max(counts.values()) - min(counts.values()) <= 1
    assert world.moves == subscriptions  # nothing was taken twice
    world.settle(order)
    assert world.moves == subscriptions  # and nothing moves without a reason


@given(
    NAMES,
    st.integers(0, 40),
    st.lists(st.tuples(st.sampled_from(["come", "go"]), st.integers(0, 8)), max_size=8),
    st.randoms(use_true_random=False),
)
def test_a_worker_that_comes_or_goes_moves_no_more_than_it_must(
    names: list[str], subscriptions: int, changes: list[tuple[str, int]], order: random.Random
) -> None:
    world = World(subscriptions)
    world.peers = {name: Peer(name) for name in names}
    world.settle(order)
    for change, number in changes:
        name = f"w{number}"
        before, world.moves = world.counts(), 0
        if change == "go" and name in world.peers and len(world.peers) > 1:
            world.leave(name)
            must = before[name]
        elif change == "come" and name not in world.peers:
            world.peers[name] = Peer(name)
            must = subscriptions // len(world.peers)
        else:
            continue
        world.settle(order)
        counts = world.counts()
        assert None not in world.owners.values()
        assert max(counts.values()) - min(counts.values()) <= 1
        assert world.moves == must


@given(
    st.lists(
        st.tuples(st.sampled_from([f"w{n}" for n in range(6)]), CAPACITY),
        min_size=1,
        unique_by=lambda p: p[0],
    ),
    st.integers(0, 30),
    st.randoms(use_true_random=False),
)
def test_limits_are_kept_and_what_can_be_taken_is(
    peers: list[tuple[str, int | None]], subscriptions: int, order: random.Random
) -> None:
    world = World(subscriptions)
    world.peers = {name: Peer(name, capacity) for name, capacity in peers}
    world.settle(order)
    counts = world.counts()
    room = sum(subscriptions if capacity is None else capacity for _, capacity in peers)
    assert sum(counts.values()) == min(room, subscriptions)
    for name, capacity in peers:
        assert capacity is None or counts[name] <= capacity
    moved = world.moves
    world.free_for = dict.fromkeys(world.owners, 100.0)
    world.settle(order)
    assert world.moves == moved  # where all are full, nothing goes to and fro


@given(NAMES, st.integers(1, 20), st.sets(st.integers(0, 8)), st.randoms(use_true_random=False))
def test_what_a_worker_that_is_stuck_ought_to_take_is_taken_by_others(
    names: list[str], subscriptions: int, stuck: set[int], order: random.Random
) -> None:
    world = World(subscriptions)
    world.peers = {name: Peer(name) for name in names}
    well = [name for number, name in enumerate(names) if number not in stuck]
    if not well:
        return
    for _ in range(12):
        for name in well:
            world.turn(name)
        for key, owner in world.owners.items():
            world.free_for[key] = 0.0 if owner else world.free_for[key] + 0.6
        assert max(world.free_for.values()) <= PATIENCE + 2 * 0.6, "for the patience and two looks at most"


@given(NAMES, st.integers(0, 20), st.randoms(use_true_random=False))
def test_views_of_a_moment_ago_do_no_harm(names: list[str], subscriptions: int, order: random.Random) -> None:
    """All look at once, and then act: the lease decides, and it settles all the same."""
    world = World(subscriptions)
    world.peers = {name: Peer(name) for name in names}
    for _ in range(6):
        seen = dict(world.owners)
        for name in names:
            world.turn(name, seen)
    world.settle(order)
    counts = world.counts()
    assert None not in world.owners.values()
    assert max(counts.values()) - min(counts.values()) <= 1


@given(NAMES, st.integers(0, 60))
def test_shares_add_up(names: list[str], subscriptions: int) -> None:
    found = shares([Peer(name) for name in names], {}, subscriptions)
    assert sum(found.values()) == subscriptions
    assert max(found.values()) - min(found.values()) <= 1
