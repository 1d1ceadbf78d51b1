"""What is shown, and how: tables and details for people, JSON for programs, one line for a failure."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

_NARROW = 80
"""Terminals of fewer columns wrap whole lines: cells that are folded further can't be read."""
_UNFOLDED = 10_000
"""The width of tables in a file or a pipe, where nothing is folded for one that nobody sees."""

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")]
"""The option that all commands with a result have."""


def complain(problem: str) -> None:
    """
    Write a failure as one line to standard error.

    Args:
        problem: What went wrong and what to do; line breaks in it become spaces.
    """
    Console(stderr=True, soft_wrap=True, highlight=False).print(
        Text.assemble(("Error: ", "bold red"), " ".join(problem.split()))
    )


def say(text: str) -> None:
    """
    Write a line for people to standard error, so that standard output stays what a program reads.

    Args:
        text: The line, without markup.
    """
    Console(stderr=True, soft_wrap=True, highlight=False).print(Text(text))


def count(number: int, one: str, many: str | None = None) -> str:
    """
    Name a number of things.

    Args:
        number: How many.
        one: What one of them is called.
        many: What several are called; with an "s" behind unless given.

    Returns:
        Such as "1 event" or "1,200 events".
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def write_no_more() -> None:
    """Throw away what is still to be written to standard output, since nobody reads it any more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def can_encode_all() -> bool:
    """Tell whether standard output takes any character; where it doesn't, JSON is written with escapes."""
    encoding = sys.stdout.encoding or "utf-8"  # rich's stand-in, below a running count, names none
    return encoding.lower().replace("-", "") == "utf8"


def write_json(value: Any) -> None:
    """
    Write a value as indented JSON to standard output.

    Args:
        value: A model of the SDK, or JSON-like values that may hold models and times.
    """
    sys.stdout.write(json.dumps(value, default=_plain, indent=2, ensure_ascii=not can_encode_all()) + "\n")


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return "0x" + value.hex()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def write_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """
    Write rows under headings to standard output.

    Args:
        columns: The headings.
        rows: As many values as there are columns, each; None is shown as a dash.
        empty: The sentence that stands for a table without rows.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_shown(value)) for value in row))
    if table.row_count:
        _print(table)
    else:
        say(empty)


def write_details(values: Mapping[str, Any]) -> None:
    """
    Write names and values, a pair a line, to standard output.

    Args:
        values: What to show; None is shown as a dash.
    """
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(name, Text(_shown(value)))
    _print(table)


def _print(table: Table) -> None:
    console = Console(highlight=False)
    if not sys.stdout.isatty() or console.width < _NARROW:
        console.width = _UNFOLDED
    with console.capture() as written:
        console.print(table)
    for line in written.get().splitlines():
        sys.stdout.write(line.rstrip() + "\n")


def _shown(value: Any) -> str:
    if value is None or value == [] or value == "":
        return "-"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(_shown(item) for item in value)
    return str(value)
