"""
ERC-20 balances exactly once: the job of enviodev/open-indexer-benchmark, by `examples/erc20_balances.py`.

A node that answers from memory, the service, the client, and PostgreSQL with fsync: rows, balances and token
in one transaction. The rate is by the clock; the rows below say what each part costs of the processor. On two
idle cores the clock can't beat half of their sum.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..processes import TRANSFERS_A_BLOCK, Process, answering, family_cpu_of, fields_of, serving
from ..report import Goal, Row
from ..rounds import Sample, middle, work
from .sinks import postgresql

BLOCKS = 4_000
GOAL = 50_000
"""Events a second, by the clock."""


def run(*, quick: bool) -> Iterator[Row]:
    """Yield a row for the job, and one for each part of it."""
    blocks = BLOCKS // 8 if quick else BLOCKS
    with (
        tempfile.TemporaryDirectory() as name,
        answering(blocks) as node,
        postgresql(Path(name)) as database,
    ):
        samples = [_once(node, database, number, blocks) for number in range(1 if quick else 3)]
    events = samples[0]["events"]
    if any(sample["events"] != blocks * TRANSFERS_A_BLOCK for sample in samples):
        raise RuntimeError(f"not all of {blocks * TRANSFERS_A_BLOCK} events were stored")
    wall = middle(samples, "wall")
    parts = {
        "node": middle(samples, "node"),
        "service": middle(samples, "service"),
        "client": middle(samples, "cpu") - middle(samples, "handler_cpu"),
        "handler": middle(samples, "handler_cpu"),
        "database": middle(samples, "database"),
    }
    total = sum(parts.values())
    yield Row(
        what=f"ERC-20 balances exactly once into PostgreSQL, {events:,} events",
        goal=Goal(f"≥ {GOAL:,}/s by the clock", events / wall >= GOAL),
        cpu=total,
        wall=wall,
        rate=events / total,
        note=f"by the clock {events / wall:,.0f} events/s in {middle(samples, 'writes'):.0f} transactions; "
        "published by enviodev, elsewhere: HyperIndex 15,076, over plain RPC rindexer 207, Ponder 48",
    )
    for part, cpu in parts.items():
        yield Row(
            what=f"ERC-20 balances, of it the {part}",
            cpu=cpu,
            rate=events / cpu,
            note=f"{1e6 * cpu / events:.1f} µs an event, {100 * cpu / total:.0f} %",
        )


def _once(node: Process, database: str, number: int, blocks: int) -> Sample:
    """Do the job in a database and with a service of its own."""
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE balances_{number}")
        postmaster = int(fields_of(connection.info.backend_pid)[1])
    own = database.rpartition("/")[0] + f"/balances_{number}"
    with serving(node.url) as service:
        before = {"node": node.cpu(), "service": service.cpu(), "database": family_cpu_of(postmaster)}
        sample = work("sinks", "balances", service.url, own, blocks - 1)
        sample["node"] = node.cpu() - before["node"]
        sample["service"] = service.cpu() - before["service"]
        sample["database"] = family_cpu_of(postmaster) - before["database"]
    return sample
