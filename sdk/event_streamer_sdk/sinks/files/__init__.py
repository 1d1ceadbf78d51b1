"""The sink of files: see `FileSink`."""

from .sink import FileSink

__all__ = ["FileSink"]
