"""`event-streamer replicas`: which processes share a database, and what each one does."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer

from event_streamer_sdk._core.visible import visible
from event_streamer_service.cluster.directory import Replica, all_replicas
from event_streamer_service.configuration import revealed
from event_streamer_service.errors import StartupError, WrongArgument
from event_streamer_service.store.database import Database, is_postgresql


def replicas_command(
    *,
    database: Annotated[
        str, typer.Option(envvar="EVENT_STREAMER_DATABASE", help="The database, postgresql://…")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
) -> None:
    """
    Show the replicas of a service: where each is reached, its streams, and the chains that it reads.

    It asks only the database, so it works even if no replica answers.
    """
    try:
        url = revealed(database)
        if not is_postgresql(url):
            raise WrongArgument("replicas share a PostgreSQL: name it with --database postgresql://…")
        held = Database(url, connections=1, must_exist=True)
        try:
            found = held.run_now(all_replicas)
        finally:
            held.close()
    except StartupError as problem:
        typer.echo(visible(f"event-streamer replicas: {problem}"), err=True)
        raise typer.Exit(2 if isinstance(problem, WrongArgument) else 1) from problem
    if as_json:
        for replica in found:
            typer.echo(orjson.dumps(_as_json(replica)))
        return
    if not found:
        typer.echo("No replica uses this database.", err=True)
        return
    rows: list[tuple[str, ...]] = [("REPLICA", "URL", "HOST", "STREAMS", "CHAINS (HEAD)", "UP FOR", "STATE")]
    rows += [_row(replica) for replica in found]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo(visible("  ".join(cells).rstrip()))


def _row(replica: Replica) -> tuple[str, ...]:
    details = replica.details
    chains = ", ".join(
        f"{chain_id} ({'not read' if head is None else head})" for chain_id, head in details["chains"].items()
    )
    return (
        replica.id,
        replica.url,
        f"{details['host']}:{details['pid']}",
        str(details["streams"]),
        chains or "none",
        f"{replica.up_for:.0f} s",
        _state(replica),
    )


def _state(replica: Replica) -> str:
    return "there" if replica.lease > 0 else f"gone for {-replica.lease:.0f} s"


def _as_json(replica: Replica) -> dict[str, object]:
    return {
        "id": replica.id,
        "url": replica.url,
        **replica.details,
        "up_for": round(replica.up_for, 3),
        "lease": round(replica.lease, 3),
        "is_there": replica.lease > 0,
    }
