"""
Subscriptions shared by many processes: workers that take them, hand them over, and stand in for each other.

    worker = Worker(client, app, checkpoint="postgresql://localhost/app")
    await worker.run()

Start as many processes as you like, on as many machines. Each subscription is streamed by one of them at a
time, under a lease in the checkpoint's database (PostgreSQL, another SQL database, or Redis); they divide the
subscriptions evenly, hand them over when a worker comes or goes, and take over what one has left that died.
"""

from __future__ import annotations

from .lease import Lease, current_lease
from .overview import StreamLine, WorkerLine, WorkersStatus, workers_status
from .worker import SyncWorker, Worker

__all__ = [
    "Lease",
    "StreamLine",
    "SyncWorker",
    "Worker",
    "WorkerLine",
    "WorkersStatus",
    "current_lease",
    "workers_status",
]
