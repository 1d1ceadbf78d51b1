"""
Where events go: files, tables and brokers, each event once.

The position in the stream is stored together with the events, so that neither is ever without the other.
"""

from __future__ import annotations

from ._extras import MissingExtraError
from .columns import Column, ColumnType, EventTable

__all__ = ["Column", "ColumnType", "EventTable", "MissingExtraError"]
