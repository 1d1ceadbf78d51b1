"""
How long subscriptions had no worker: by what the table of leases said, and by the database's clock.

A trigger writes down every lease, so nothing depends on when somebody looks. The database runs on this
machine and has its clock: what a test does to a process is noted by `time.time()`, which is the same time.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

Span = tuple[float, float]

RECORD_LEASES = """
CREATE TABLE leases (number BIGSERIAL PRIMARY KEY, at DOUBLE PRECISION, key TEXT, owner TEXT, fencing BIGINT,
                     expires_at DOUBLE PRECISION);
CREATE FUNCTION record_lease() RETURNS trigger AS $$ BEGIN
    INSERT INTO leases (at, key, owner, fencing, expires_at)
    VALUES (EXTRACT(EPOCH FROM clock_timestamp()), NEW.position_key, NEW.owner, NEW.fencing, NEW.expires_at);
    RETURN NEW;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER leasing AFTER INSERT OR UPDATE ON event_streamer_checkpoints
    FOR EACH ROW EXECUTE FUNCTION record_lease();
INSERT INTO leases (at, key, owner, fencing, expires_at)
    SELECT EXTRACT(EPOCH FROM clock_timestamp()), position_key, owner, fencing, expires_at
    FROM event_streamer_checkpoints;
"""
_LATE = 0.1
"""Seconds behind time from which on this process counts as held up."""


@define
class Presence:
    """
    When a process could attend to what it had.

    Attributes:
        deaths: When it died: it had nothing any more.
        absences: From when to when it was stopped, or cut off from the database.
    """

    deaths: list[float] = field(factory=list)
    absences: list[Span] = field(factory=list)
    _away_since: float | None = None

    def died(self) -> None:
        self.deaths.append(time.time())

    def leaves(self) -> None:
        self._away_since = time.time()

    def returns(self) -> None:
        if self._away_since is not None:
            self.absences.append((self._away_since, time.time()))
            self._away_since = None


@frozen
class Grant:
    """What the table said of one lease from a moment on."""

    at: float
    owner: str | None
    fencing: int
    expires_at: float


@frozen(kw_only=True)
class Gap:
    """
    A time in which nobody attended to a subscription although the database was there.

    Attributes:
        key: The subscription's key.
        begin: When it began, seconds since 1970.
        seconds: How long it was.
        held_up: For how much of that the machine let nobody work.
    """

    key: str
    begin: float
    seconds: float
    held_up: float

    @property
    def of_workers(self) -> float:
        """What the workers took of it."""
        return self.seconds - self.held_up


def minus(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """What is left of some spans without others."""
    left = list(spans)
    for begin, end in others:
        cut: list[Span] = []
        for one, two in left:
            cut += [part for part in ((one, min(two, begin)), (max(one, end), two)) if part[0] < part[1]]
        left = cut
    return left


def overlap(span: Span, others: Iterable[Span]) -> float:
    """How much of a span lies in others, which don't overlap."""
    return sum(max(0.0, min(span[1], end) - max(span[0], begin)) for begin, end in others)


def attended(grants: Sequence[Grant], presences: Mapping[str, Presence], until: float) -> list[Span]:
    """When a worker attended to a subscription: it had the lease, and was neither dead nor away."""
    spans: list[Span] = []
    taken_at: dict[tuple[str, int], float] = {}
    for grant, following in zip_longest(grants, grants[1:]):
        if grant.owner is None:
            continue
        taken = taken_at.setdefault((grant.owner, grant.fencing), grant.at)
        end = min(grant.expires_at, following.at if following is not None else until)
        presence = presences.get(grant.owner, Presence())
        # One that has started again has nothing until it takes it anew.
        end = min([end, *(death for death in presence.deaths if death > taken)])
        if grant.at < end:
            spans += minus([(grant.at, end)], presence.absences)
    return spans


def grants_of(connection: Any) -> dict[str, list[Grant]]:
    """Read what was recorded, by key."""
    found: dict[str, list[Grant]] = {}
    query = "SELECT key, at, owner, fencing, expires_at FROM leases ORDER BY number"
    for key, *values in connection.execute(query):
        found.setdefault(key, []).append(Grant(*values))
    return found


def gaps(
    grants: Mapping[str, Sequence[Grant]],
    presences: Mapping[str, Presence],
    *,
    keys: Iterable[str],
    within: Span,
    database_away: Sequence[Span],
    held_up: Callable[[Span], float],
) -> list[Gap]:
    """
    List the times in which nobody attended to a subscription, the longest first.

    While the database is away nobody can have a lease: there the time is cut, and counts anew.
    """
    found = []
    for key in keys:
        there = attended(grants.get(key, ()), presences, within[1])
        for begin, end in minus(minus([within], there), database_away):
            excused = min(end - begin, held_up((begin, end)))
            found.append(Gap(key=key, begin=begin, seconds=end - begin, held_up=excused))
    return sorted(found, key=lambda gap: -gap.of_workers)


class Witness:
    """
    How the machine holds processes up.

    A thread of ours looks at the clock, and the kernel tells how long each process was ready to run and had
    no processor (`/proc/PID/schedstat`). The links to the database are in this process, so what holds it up
    holds everybody's network up.
    """

    def __init__(self, processes: Callable[[], Iterable[int]]) -> None:
        self.stalls: list[Span] = []
        self._waits: list[tuple[float, float]] = []
        """At which time: for how long the process that waited least has waited since the look before."""
        self._processes = processes
        self._enough = threading.Event()

    @property
    def longest(self) -> float:
        """The longest time for which this process was held up."""
        return max((end - begin for begin, end in self.stalls), default=0.0)

    def held_up(self, span: Span) -> float:
        """For how much of a span at least nobody could work."""
        waited = sum(seconds for at, seconds in self._waits if span[0] < at <= span[1])
        return max(overlap(span, self.stalls), waited)

    @contextmanager
    def watched(self) -> Iterator["Witness"]:
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._enough.set()
            thread.join(5)

    def _watch(self) -> None:
        before: dict[int, float] = {}
        looked = last = time.time()
        while not self._enough.wait(0.05):
            now = time.time()
            if now - last > 0.05 + _LATE:
                self.stalls.append((last + 0.05, now))
            last = now
            if now - looked > 0.5:
                looked = now
                waited = {pid: _waited(pid) for pid in self._processes()}
                since = [seconds - before[pid] for pid, seconds in waited.items() if pid in before]
                self._waits.append((now, min(since, default=0.0)))
                before = waited


def _waited(pid: int) -> float:
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return 0.0
