"""
Where events go: files, tables and brokers, each event once.

::

    streaming_client.run(into=sink_for("transfers.parquet"))
    streaming_client.run(into=sink_for("postgresql://localhost/chain?table=transfers"))

The position in the stream is stored together with the events, so that neither is ever without the other: a
program that dies at any instant goes on where its events end. `docs/sinks.md` says what each place promises.

A sink of your own is four methods, see `Sink`. Each of ours needs an extra, which is imported when it is
used. `EventTable` is what they have in common: event objects become columns, typed from the ABI.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._extras import MissingExtraError
from .columns import Column, ColumnType, EventTable
from .places import sink_for
from .protocol import Sink, SinkBatch, SinkError, SinkFinishedError, SinkUnavailableError, Source

if TYPE_CHECKING:
    from .files import FileSink
    from .kafka import KafkaSink
    from .nats_jetstream import NATSSink
    from .redis_streams import RedisSink
    from .sql import SQLSink

__all__ = [
    "Column",
    "ColumnType",
    "EventTable",
    "FileSink",
    "KafkaSink",
    "MissingExtraError",
    "NATSSink",
    "RedisSink",
    "SQLSink",
    "Sink",
    "SinkBatch",
    "SinkError",
    "SinkFinishedError",
    "SinkUnavailableError",
    "Source",
    "sink_for",
]

_HOMES = {
    "FileSink": ".files",
    "KafkaSink": ".kafka",
    "NATSSink": ".nats_jetstream",
    "RedisSink": ".redis_streams",
    "SQLSink": ".sql",
}


def __getattr__(name: str) -> Any:
    """Import a sink when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
