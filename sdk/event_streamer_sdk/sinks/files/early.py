"""A part file of Parquet that is made while its rows come."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ..._extras import needs
from .._pieces import begins

__all__ = ["COMPRESSION", "EarlyPart"]

COMPRESSION = "zstd"

GROUP_ROWS = 50_000
"""Rows in a row group: each is encoded while those of the next one are converted."""


class EarlyPart:
    """
    Encodes row groups in a thread, in memory: pyarrow lets go of the GIL meanwhile.

    Encoding takes a third of the time that converting takes, and this way nobody waits for it.

    Args:
        schema: What Parquet holds.
    """

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._pyarrow = needs("pyarrow")
        self._taken: list[Any] = []
        self._waiting: list[Any] = []
        self._rows = 0
        self._buffer = self._pyarrow.BufferOutputStream()
        self._writer: Any = None
        self._thread = ThreadPoolExecutor(1, "parquet")
        self._groups: list[Future[None]] = []

    @property
    def batches(self) -> int:
        """How many record batches it has."""
        return len(self._taken)

    def begins(self, due: Sequence[Any]) -> bool:
        """Say whether what it has is the beginning of what is due."""
        return begins(self._taken, due)

    def take(self, batch: Any) -> None:
        """Take a record batch, and encode a row group where there are enough."""
        self._taken.append(batch)
        self._waiting.append(batch)
        self._rows += batch.num_rows
        if self._rows >= GROUP_ROWS:
            self._encode()

    def end(self) -> bytes:
        """Give the whole file."""
        if self._waiting or self._writer is None:
            self._encode()
        for group in self._groups:
            group.result()
        self._thread.shutdown()
        self._writer.close()
        content: bytes = self._buffer.getvalue().to_pybytes()
        return content

    def _encode(self) -> None:
        rows = self._pyarrow.Table.from_batches(self._waiting, schema=self._schema)
        self._waiting, self._rows = [], 0
        if self._writer is None:
            parquet = needs("pyarrow.parquet")
            self._writer = parquet.ParquetWriter(self._buffer, self._schema, compression=COMPRESSION)
        self._groups.append(self._thread.submit(self._writer.write_table, rows))
