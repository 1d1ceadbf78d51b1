"""Who has what, how far and how fast: asked of the checkpoint's database, which all workers tell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from attrs import asdict, frozen

from event_streamer_sdk.checkpoints import Overview, SharedStore


@frozen(kw_only=True)
class WorkerLine:
    """
    A worker.

    Attributes:
        name: Its name.
        host: The machine's name, as it says.
        pid: The process's number there.
        age: Seconds since it came.
        streams: How many subscriptions it has.
        rate: Events a second, in all, lately.
    """

    name: str
    host: str | None
    pid: int | None
    age: float
    streams: int
    rate: float


@frozen(kw_only=True)
class StreamLine:
    """
    A subscription.

    Attributes:
        subscription_id: The subscription.
        owner: The worker that has it, `None` where nobody has.
        state: What the worker says: `streaming`, `failing`, `finished` …; `unattended` where nobody has it.
        fencing: The fencing number of its lease.
        seconds_left: Until the lease runs out; below 0: so long ago.
        block: The last block that is handled.
        lag_blocks: How far the chain is ahead, where the worker knows.
        saved_at: When the position was stored.
        rate: Events a second, lately.
        error: What ended its stream last, where it was a bad end.
    """

    subscription_id: int
    owner: str | None
    state: str
    fencing: int | None = None
    seconds_left: float | None = None
    block: int | None = None
    lag_blocks: int | None = None
    saved_at: datetime | None = None
    rate: float | None = None
    error: str | None = None


@frozen(kw_only=True)
class WorkersStatus:
    """
    All workers and subscriptions of a subscriber.

    Attributes:
        workers: The workers that are there.
        streams: The subscriptions.
    """

    workers: tuple[WorkerLine, ...]
    streams: tuple[StreamLine, ...]

    def to_dict(self) -> dict[str, Any]:
        """
        Give it as JSON-like values.

        Returns:
            The values; times stay times.
        """
        return asdict(self)


def workers_status(
    store: SharedStore, subscriber_id: str, subscriptions: Iterable[int] = ()
) -> WorkersStatus:
    """
    Ask who has what, how far and how fast.

    Args:
        store: A store for threads, on the workers' database.
        subscriber_id: The subscriber whose subscriptions are used.
        subscriptions: Their ids; those that workers speak of are added.

    Returns:
        The answer.

    Raises:
        CheckpointError: The database can't be read.

    Example:
        >>> status = workers_status(SQLCheckpoint("postgresql://localhost/app"), "my-app", [1, 2, 3])
        >>> print([line.owner for line in status.streams])
    """
    first: Overview = store.overview(subscriber_id, [])
    told = {int(each) for worker in first.workers for each in worker.report.get("streams", {})}
    ids = sorted({*subscriptions, *told})
    seen: Overview = store.overview(subscriber_id, [f"{subscriber_id}:{each}" for each in ids])
    return WorkersStatus(
        workers=tuple(_worker(worker, seen) for worker in seen.workers),
        streams=tuple(_stream(subscriber_id, each, seen) for each in ids),
    )


def _worker(worker: Any, seen: Overview) -> WorkerLine:
    streams = worker.report.get("streams", {})
    return WorkerLine(
        name=worker.name,
        host=worker.report.get("host"),
        pid=worker.report.get("pid"),
        age=round(worker.age, 1),
        streams=sum(1 for lease in seen.leases.values() if lease.is_held and lease.owner == worker.name),
        rate=round(sum(each.get("rate") or 0.0 for each in streams.values()), 1),
    )


def _stream(subscriber_id: str, subscription_id: int, seen: Overview) -> StreamLine:
    lease = seen.leases.get(f"{subscriber_id}:{subscription_id}")
    if lease is None:
        return StreamLine(subscription_id=subscription_id, owner=None, state="unattended")
    owner = lease.owner if lease.is_held else None
    report = next((worker.report for worker in seen.workers if worker.name == owner), {})
    said = report.get("streams", {}).get(str(subscription_id), {})
    return StreamLine(
        subscription_id=subscription_id,
        owner=owner,
        state="unattended" if owner is None else said.get("state", "starting"),
        fencing=lease.fencing,
        seconds_left=round(lease.seconds_left, 1),
        block=lease.block,
        lag_blocks=said.get("lag_blocks"),
        saved_at=lease.saved_at,
        rate=said.get("rate"),
        error=said.get("error"),
    )
