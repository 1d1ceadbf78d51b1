"""
What is shown, and how: tables and details for people, JSON for programs, one line for a failure.

Results go to standard output and nowhere else: a display on a terminal never takes them. Nothing is folded,
since a topic0 or a signature that is broken over two lines can't be copied: a table that is wider than the
terminal is shown as a list of details, row by row. All text is made visible (see `_core.visible`), wherever
it comes from.
"""

import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from datetime import datetime
from typing import Annotated, Any, TextIO

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from event_streamer_sdk._core.visible import visible, visible_json
from event_streamer_sdk.cli._streams import can_encode_all

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")]
"""The option that all commands with a result have."""

_GAP = "  "
"""Between two columns."""

_UNKNOWN_WIDTH = 10_000
"""The width of a file or a pipe: nobody sees it."""


def complain(problem: str) -> None:
    """Write a failure as one line to standard error."""
    _tell(Text.assemble(("Error: ", "bold red"), visible(" ".join(problem.split()))))


def say(text: str) -> None:
    """Write a line for people to standard error, so that standard output stays what a program reads."""
    _tell(Text(visible(text)))


def _tell(line: Text) -> None:
    with suppress(OSError):  # where standard error can't be written there is no one to tell
        _write(line, sys.stderr)


def ask(question: str) -> None:
    """
    Ask on the terminal whether to go on.

    Raises:
        typer.BadParameter: Standard input is no terminal: nobody can answer.
        typer.Abort: The answer was no.
    """
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask for confirmation: pass --yes")
    with redirect_stdout(sys.stderr):  # input() itself writes a blank to what is standard output
        typer.confirm(question, abort=True, err=True)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """
    Write a value as JSON.

    Args:
        value: A model of the SDK, or JSON-like values that may hold models, times and bytes.
        indent: Blanks for each level; None for a single line without any.

    Returns:
        The text, with escapes for what standard output can't encode or a terminal would obey.
    """
    separators = (",", ":") if indent is None else None
    return visible_json(
        json.dumps(
            value, default=_plain, indent=indent, separators=separators, ensure_ascii=not can_encode_all()
        )
    )


def write_json(value: Any) -> None:
    """Write a value as indented JSON to standard output."""
    sys.stdout.write(json_text(value, indent=2) + "\n")


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return "0x" + value.hex()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def write_line(text: str) -> None:
    """Write one line to standard output."""
    sys.stdout.write(visible(text) + "\n")


def write_styled(line: Text) -> None:
    """Write one line to standard output, with its colours on a terminal."""
    _write(line, sys.stdout)


def _write(line: Text, stream: TextIO) -> None:
    if not stream.isatty():
        stream.write(line.plain + "\n")
        return
    # Not by rich itself: where a reader is gone, also that of standard error, it throws standard output away.
    painted = io.StringIO()
    Console(file=painted, force_terminal=True, highlight=False, soft_wrap=True).print(line)
    stream.write(painted.getvalue())


def write_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """
    Write rows under headings to standard output; on a terminal that is too narrow, as details of each row.

    Args:
        columns: The headings.
        rows: As many values as there are columns, each; None is shown as a dash.
        empty: The sentence that stands for a table without rows.
    """
    cells = [[_shown(value) for value in row] for row in rows]
    if not cells:
        say(empty)
        return
    widths = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > _width():
        for number, row in enumerate(cells):
            if number:
                write_styled(Text())
            _write_pairs(list(zip(columns, row, strict=True)))
        return
    write_styled(Text(_aligned(columns, widths), "bold"))
    for row in cells:
        write_line(_aligned(row, widths))


def write_answer(answer: Any, as_json: bool, details: Mapping[str, Any]) -> None:
    """Write what the service answered: as JSON, or what people want to know of it."""
    if as_json:
        write_json(answer)
    else:
        write_details(details)


def write_done(answer: Any, as_json: bool, otherwise: str) -> None:
    """Write that something is done: as JSON, in the service's words, or in ours where it has none."""
    if as_json:
        write_json(answer)
    else:
        say(answer.message or otherwise)


def write_details(values: Mapping[str, Any]) -> None:
    """Write names and values, a pair a line, to standard output."""
    _write_pairs([(visible(name), _shown(value)) for name, value in values.items()])


def _write_pairs(pairs: list[tuple[str, str]]) -> None:
    label = max(cell_len(name) for name, _ in pairs)
    room = _width() - label - len(_GAP)
    for name, value in pairs:
        if cell_len(value) <= room:
            write_styled(Text.assemble((_padded(name, label), "bold"), _GAP, value))
        else:  # on a line of its own it may be whole
            write_styled(Text(name, "bold"))
            write_line(f"{_GAP if cell_len(value) + len(_GAP) <= _width() else ''}{value}")


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(map(_padded, cells, widths)).rstrip()


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _width() -> int:
    return Console().width if sys.stdout.isatty() else _UNKNOWN_WIDTH


def _shown(value: Any) -> str:
    if value is None or value == [] or value == "":
        return "-"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(_shown(item) for item in value)
    return visible(str(value))
