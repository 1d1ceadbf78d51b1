"""Rows that PostgreSQL works on before their transaction is due."""

from __future__ import annotations

import selectors
from collections.abc import Sequence
from typing import Any

from ..._extras import needs
from .._pieces import begins
from .._text import Lines

__all__ = ["EARLY_MILLISECONDS", "EarlyRows"]

EARLY_MILLISECONDS = 30_000
"""How long the server waits for more: a process that stands still doesn't keep its successor from writing."""


class EarlyRows:
    """
    Rows that are sent as they are made, in a transaction that is not committed.

    Making rows takes us as long as storing them takes the server, so both are done at once. Nothing depends
    on it: whatever goes wrong, the transaction is rolled back, and all rows are sent when they are due.

    psycopg's own `copy` waits for the server's answer; this one asks for it when the next rows are ready. No
    COPY stays open in between, since a server waits for its rows without any limit.

    Args:
        raw: A connection of psycopg, in a transaction.
        statement: The COPY.
    """

    def __init__(self, raw: Any, statement: str) -> None:
        raw.execute(f"SET LOCAL idle_in_transaction_session_timeout = {EARLY_MILLISECONDS}")
        self._psycopg = needs("psycopg")
        self._libpq: Any = raw.pgconn
        self._statement = statement.encode()
        self._sent: list[Lines] = []

    def send(self, rows: Lines) -> None:
        """Send rows; waits until the server has stored those before."""
        self._finish()
        status = self._psycopg.pq.ExecStatus
        self._libpq.send_query(self._statement)
        self._expect(status.COPY_IN)
        while not self._libpq.put_copy_data(rows.content):
            self._flush()
        while not self._libpq.put_copy_end():
            self._flush()
        self._flush()
        self._sent.append(rows)

    def end(self, due: Sequence[Lines]) -> Sequence[Lines] | None:
        """
        Wait for the server where it has the first of the rows that are due, and no others.

        Args:
            due: All rows that are to be in this transaction.

        Returns:
            Those that have not been sent; `None` where others have been, as when blocks are replaced between.
        """
        if not begins(self._sent, due):
            return None
        self._finish()
        return due[len(self._sent) :]

    def _finish(self) -> None:
        if self._sent:
            self._expect(self._psycopg.pq.ExecStatus.COMMAND_OK)
            while self._result() is not None:
                pass

    def _expect(self, status: Any) -> None:
        result = self._result()
        if result is None or result.status != status:
            raise self._problem(result)

    def _problem(self, result: Any) -> Exception:
        field = self._psycopg.pq.DiagnosticField.SQLSTATE
        code = result.error_field(field) if result is not None else None
        kind = self._psycopg.errors.lookup(code.decode()) if code else self._psycopg.OperationalError
        problem: Exception = kind(self._libpq.get_error_message())
        return problem

    def _result(self) -> Any:
        self._flush()
        while self._libpq.is_busy():
            self._wait(selectors.EVENT_READ)
            self._libpq.consume_input()
        return self._libpq.get_result()

    def _flush(self) -> None:
        while self._libpq.flush():
            self._wait(selectors.EVENT_WRITE)

    def _wait(self, event: int) -> None:
        with selectors.DefaultSelector() as selector:  # select() alone knows no more than 1,024 files
            selector.register(self._libpq.socket, event)
            selector.select()
