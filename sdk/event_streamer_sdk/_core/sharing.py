"""
How workers share subscriptions: what one of them takes and gives up, decided by what all of them see.

There is no leader. Each worker looks at the same table of leases and computes everybody's share in the
same way; the lease, which the database gives to one at a time, makes sure that a view of a moment ago does
no harm: at worst a subscription moves once more than it had to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

from attrs import frozen


@frozen
class Peer:
    """A worker that shares the same subscriptions; without a capacity it takes any number."""

    name: str
    capacity: int | None = None


@frozen(kw_only=True)
class View:
    """
    What a worker sees.

    Attributes:
        peers: All workers that are there, this one among them.
        owners: Each subscription that is to be handled → the worker that has its lease, `None` for nobody.
        free_for: How long nobody has had it, seconds, where that is known.
    """

    peers: Collection[Peer]
    owners: Mapping[str, str | None]
    free_for: Mapping[str, float]


@frozen
class Move:
    """
    What a worker does next.

    Attributes:
        take: Subscriptions whose lease it asks for, in this order.
        give_up: Subscriptions that it hands over.
    """

    take: tuple[str, ...] = ()
    give_up: tuple[str, ...] = ()


def shares(peers: Collection[Peer], counts: Mapping[str, int], subscriptions: int) -> dict[str, int]:
    """
    Divide subscriptions evenly, as far as each worker can take them.

    Args:
        peers: The workers.
        counts: How many each has. Who has more gets what an even division leaves over: so least moves.
        subscriptions: How many there are.

    Returns:
        Name → how many it ought to have. Shares of workers without a limit differ by one at most.
    """
    limit = {peer.name: subscriptions if peer.capacity is None else peer.capacity for peer in peers}
    order = sorted(limit, key=lambda name: (limit[name], counts.get(name, 0), name))
    left, found = subscriptions, {}
    for position, name in enumerate(order):
        found[name] = min(limit[name], left // (len(order) - position))
        left -= found[name]
    return found


def next_move(me: str, view: View, *, patience: float) -> Move:
    """
    Decide what a worker does next.

    Args:
        me: Its name, that of one of the peers.
        view: What it sees.
        patience: Seconds after which a subscription that nobody has is taken by whoever can, whatever its
            share: the worker that it falls to seems to be unwell.

    Returns:
        What to take and what to give up; never both.
    """
    names = {peer.name for peer in view.peers}
    held: dict[str, list[str]] = {name: [] for name in names}
    free = []
    for key, owner in view.owners.items():
        if owner is None:
            free.append(key)
        elif owner in names:
            held[owner].append(key)
    counts = {name: len(keys) for name, keys in held.items()}
    fair = shares(view.peers, counts, sum(counts.values()) + len(free))
    mine, share = counts[me], fair[me]
    # Each worker begins at another end, lest all ask for the same one.
    free.sort(key=lambda key: _place(me, key))
    if mine > share:
        wanted = sum(max(0, fair[name] - counts[name]) for name in names) - len(free)
        surplus = min(mine - share, max(0, wanted))
        chosen = sorted(held[me], key=lambda key: _place(me, key))[mine - surplus :]
        if chosen:
            return Move(give_up=tuple(chosen))
    capacity = next(peer.capacity for peer in view.peers if peer.name == me)
    room = len(view.owners) if capacity is None else max(0, capacity - mine)
    due = max(0, share - mine)
    late = [key for key in free[due:] if view.free_for.get(key, 0.0) > patience]
    return Move(take=tuple([*free[:due], *late][:room]))


def _place(worker: str, key: str) -> bytes:
    return hashlib.blake2b(f"{worker}\0{key}".encode(), digest_size=8).digest()
