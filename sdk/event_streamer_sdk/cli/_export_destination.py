"""Where an export goes, and in which form: the options of `event-streamer export` that say so."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any

import typer
from attrs import define

from event_streamer_sdk.cli._dates import parse_moment
from event_streamer_sdk.cli._shared import option
from event_streamer_sdk.sinks import sink_for

__all__ = ["Destination", "destination_options", "shown_destination"]

_shape = partial(option, rich_help_panel="What is stored, and how")


@define
class Destination:
    """Where events go."""

    name: str
    options: dict[str, Any]
    last_block: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def sink(self) -> Any:
        """Make its sink."""
        return sink_for(self.name, **self.options)

    def end_at(self, block: int | None) -> None:
        """Take the last block by its own option; it is named once."""
        if block is None:
            return
        if self.last_block is not None:
            raise typer.BadParameter(f"name one last block, not {self.last_block} and {block}")
        self.last_block = block

    def keep_only(self, since: datetime | None, until: datetime | None) -> None:
        """Hold the events' own times against dates, for those dates that no block stands for."""
        conditions = [
            f"timestamp {sign} '{moment.isoformat()}'"
            for moment, sign in ((since, ">="), (until, "<="))
            if moment is not None
        ]
        if conditions:
            where = [f"({self.options['where']})"] if "where" in self.options else []
            self.options["where"] = " and ".join(where + conditions)


def destination_options(
    to: Annotated[
        list[str],
        option(
            "--to",
            metavar="PLACE",
            help="Where the events go: a file (.parquet, .csv, .jsonl), a folder, or a URL: s3://bucket, "
            "postgresql://host/db?table=transfers, sqlite:///file.db, redis://host?stream=name, "
            "kafka://host/topic, nats://host/subject.",
        ),
    ],
    columns: Annotated[str | None, _shape(metavar="A,B", help="Only these parameters.")] = None,
    where: Annotated[
        str | None, _shape(metavar="CONDITION", help="Only such events: 'value > 10**24', \"to == '0x…'\".")
    ] = None,
    since: Annotated[
        str | None, _shape(metavar="DATE", help="From the first block at or after this time (UTC).")
    ] = None,
    until: Annotated[
        str | None,
        _shape(
            metavar="DATE",
            help="Up to the last block at or before this time (UTC); with --follow, until events are later.",
        ),
    ] = None,
    format_: Annotated[
        str | None,
        _shape("--format", help="Files: parquet, csv or jsonl. Default: as the place ends, else parquet."),
    ] = None,
    integers: Annotated[
        str | None,
        _shape(help="Files: integers of more than 64 bits as text (default), decimal, binary or float."),
    ] = None,
    byte_style: Annotated[
        str | None,
        _shape("--bytes", help="Files: addresses, hashes and bytes as hex (default) or, in Parquet, binary."),
    ] = None,
    part_rows: Annotated[int | None, _shape(min=1, help="Files: events in a part file.")] = None,
    part_seconds: Annotated[
        float | None,
        _shape(min=0, help="Files: seconds between two part files while events come; 60 where not given."),
    ] = None,
) -> Destination:
    """
    Read where events go, and in which form.

    Raises:
        typer.BadParameter: There is no place, or more than one.
    """
    place, last_block = _place_and_block(to)
    options = {
        "columns": None if columns is None else _names(columns),
        "where": where,
        "format": format_,
        "integers": integers,
        "byte_style": byte_style,
        "part_rows": part_rows,
        "part_seconds": part_seconds,
    }
    given = {name: value for name, value in options.items() if value is not None}
    return Destination(place, given, last_block, _moment("--since", since), _moment("--until", until))


def _names(columns: str) -> list[str]:
    names = [name.strip() for name in columns.split(",") if name.strip()]
    if not names:
        raise typer.BadParameter("--columns names no parameter: write --columns from,to")
    return names


def _place_and_block(to: list[str]) -> tuple[str, int | None]:
    """Tell the place from the last block, which is a number."""
    numbers = [each for each in to if each.isdecimal()]
    places = [each for each in to if not each.isdecimal()]
    if len(places) > 1:
        raise typer.BadParameter(
            f"name one place with --to, not {' and '.join(map(shown_destination, places))}"
        )
    if len(numbers) > 1:
        raise typer.BadParameter(f"name one last block with --to, not {' and '.join(numbers)}")
    if not places:
        raise typer.BadParameter(
            f"--to names no place: {numbers[0]} is read as the last block. A folder of that name is "
            f"./{numbers[0]}"
        )
    return places[0], int(numbers[0]) if numbers else None


def shown_destination(name: str) -> str:
    """
    Show a place without what may be a secret: the password of a URL, and its options.

    Example:
        >>> shown_destination("postgresql://me:secret@host/db?table=t&password=secret")
        'postgresql://host/db?table=t'
    """
    scheme, separator, rest = name.partition("://")
    if not separator:
        return name
    host, slash, path = rest.partition("/")
    path, _, query = path.partition("?")
    named = [each for each in query.split("&") if each.partition("=")[0] in _NAMES]
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}{'?' * bool(named)}{'&'.join(named)}"


_NAMES = ("table", "schema", "stream")
"""The options of URLs that say where something goes."""


def _moment(option: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_moment(text)
    except ValueError as problem:
        raise typer.BadParameter(f"{option}: {problem}") from problem
