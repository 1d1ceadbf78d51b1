"""Which sink a place asks for."""

from __future__ import annotations

import os
from typing import Any

from event_streamer_api.errors import EventStreamerValidationError

from .files.folders import SCHEME

__all__ = ["sink_for"]


def sink_for(place: str | os.PathLike[str], **options: Any) -> Any:
    """
    Make the sink of a place.

    Args:
        place: A file, a folder, or a URL: `postgresql://` and `sqlite://` (`SQLSink`), `redis://` and
            `rediss://` (`RedisSink`), `kafka://` (`KafkaSink`), `nats://` and `tls://` (`NATSSink`); any
            other is one of fsspec, such as `s3://` (`FileSink`).
        **options: The options of that sink.

    Returns:
        The sink, for `run(into=…)`.

    Raises:
        EventStreamerValidationError: The place or an option can't be used.
        MissingExtraError: The library of that sink isn't installed.

    Example:
        >>> streaming_client.run(into=sink_for("postgresql://localhost/chain?table=transfers"))
    """
    text = os.fspath(place)
    if not text:
        raise EventStreamerValidationError("name a place: a file, a folder or a URL")
    found = SCHEME.match(text)
    scheme = found[0].removesuffix("://").lower() if found else ""
    kind = _kind(scheme.partition("+")[0])
    try:
        return kind(text, **options)
    except TypeError as problem:
        if "unexpected keyword argument" not in str(problem):
            raise
        name = str(problem).rpartition("argument ")[2]
        raise EventStreamerValidationError(f"{kind.__name__} has no option {name}") from None


def _kind(scheme: str) -> Any:
    """Import the sink that is asked for, and no other one."""
    if scheme in ("postgresql", "postgres", "sqlite"):
        from .sql import SQLSink

        return SQLSink
    if scheme in ("redis", "rediss"):
        from .redis_streams import RedisSink

        return RedisSink
    if scheme == "kafka":
        from .kafka import KafkaSink

        return KafkaSink
    if scheme in ("nats", "tls"):
        from .nats_jetstream import NATSSink

        return NATSSink
    from .files import FileSink

    return FileSink
