"""The sink of databases: see `SQLSink`."""

from .sink import SQLSink

__all__ = ["SQLSink"]
