"""The events of a fetch: a table in memory, and what it can be turned into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from event_streamer_api.errors import EventStreamerValidationError

from .._extras import needs
from ..abi import LogDecodeError, human_readable
from ..sinks import ColumnType, EventTable
from ..sinks import arrow as conversion
from ..sinks.arrow import ByteStyle, IntegerStyle

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from event_streamer_api.models import ABIEvent

    from .._core.stream.reports import Gap
    from .charts import ChartKind, ChartPer, PlotData
    from .drawing import Plot, Theme

__all__ = ["EventFrame"]

DEFAULT_STYLE = ("text", "hex")
"""How a frame holds integers of more than 64 bits, and bytes."""


class EventFrame:
    """
    The events of a range of blocks, in the order of the chain; `client.fetch` makes it.

    It is held as Arrow. Looping over it gives each event as a dict by the names of `columns`, with values as
    Python has them: integers of any size as `int`, `fixed` numbers as `Decimal`, addresses, hashes and bytes
    as 0x-hex, times in UTC.

    Attributes:
        event: The event (an `ABIEvent`).
        chain_id: The chain (EIP-155).
        start_block: The first block that was fetched.
        end_block: The last one.
        columns: The names of the columns: metadata, then the parameters.
        gaps: What the stream told about events that may be missing; empty where all is well.

    Example:
        >>> blocks = {"start_block": 19_000_000, "end_block": 19_000_100}
        >>> frame = client.fetch(erc20_abi, "Transfer", chain_id=1, **blocks)
        >>> max(frame, key=lambda event: event["value"])["transaction_hash"]
    """

    def __init__(
        self,
        table: EventTable,
        held: pyarrow.Table,
        start_block: int,
        end_block: int,
        *,
        gaps: Sequence[Gap] = (),
    ) -> None:
        self._table = table
        self._held = held
        self.event: ABIEvent = table.event
        self.chain_id: int = table.chain_id
        self.start_block = start_block
        self.end_block = end_block
        self.columns: tuple[str, ...] = table.names
        self.gaps: tuple[Gap, ...] = tuple(gaps)

    def __len__(self) -> int:
        count: int = self._held.num_rows
        return count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for chunk in self._held.to_batches(max_chunksize=_ROWS):
            for row in zip(*self._values(chunk), strict=True):
                yield dict(zip(self.columns, row, strict=True))

    def __repr__(self) -> str:
        return (
            f"<EventFrame: {len(self):,} × {human_readable(self.event)}, chain {self.chain_id}, "
            f"blocks {self.start_block:,} to {self.end_block:,}>"
        )

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand the table to any library that takes Arrow (the Arrow PyCapsule interface)."""
        return self._held.__arrow_c_stream__(requested_schema)

    def column(self, name: str) -> list[Any]:
        """
        Give one column.

        Args:
            name: One of `columns`.

        Returns:
            Its values, as a loop over the frame gives them.

        Raises:
            EventStreamerValidationError: There is no such column.

        Example:
            >>> sum(frame.column("value"))
        """
        if name not in self.columns:
            raise EventStreamerValidationError(
                f"{self.event.name} has no column {name!r}; there are {', '.join(self.columns)}"
            )
        type_ = self._table.columns[self.columns.index(name)].type
        return _as_python(self._held.column(name).to_pylist(), type_)

    def to_arrow(self, *, integers: IntegerStyle = "text", byte_style: ByteStyle = "hex") -> pyarrow.Table:
        """
        Give the events as an Arrow table.

        Args:
            integers: How integers of more than 64 bits are written: `text` and `binary` are exact, `decimal`
                has 76 digits, `float` keeps 15 to 17. Shorter ones are integers.
            byte_style: Addresses, hashes and bytes as `hex`, or `binary`.

        Returns:
            A `pyarrow.Table`. With the defaults nothing is copied.

        Raises:
            EventStreamerValidationError: A style that doesn't exist.
            LogDecodeError: The style can't hold a value.

        Example:
            >>> pyarrow.parquet.write_table(frame.to_arrow(), "transfers.parquet")
        """
        schema = conversion.schema(self._table, integers=integers, byte_style=byte_style)
        if (integers, byte_style) == DEFAULT_STYLE:
            return self._held
        chunks = [
            conversion.batch_of_columns(self._table, self._values(chunk), schema)
            for chunk in self._held.to_batches(max_chunksize=_ROWS)
        ]
        return needs("pyarrow").Table.from_batches(chunks, schema)

    def to_pandas(
        self, *, integers: Literal["int"] | IntegerStyle = "int", byte_style: ByteStyle = "hex"
    ) -> pandas.DataFrame:
        """
        Give the events as a pandas DataFrame.

        Args:
            integers: How integers of more than 64 bits come: `int` as Python's in a column of objects, which
                add up exactly; else as in `to_arrow`. `float` is the fast one.
            byte_style: Addresses, hashes and bytes as `hex`, or `binary`.

        Returns:
            The DataFrame, with times in UTC.

        Raises:
            EventStreamerValidationError: A style that doesn't exist.
            LogDecodeError: The style can't hold a value.
            MissingExtraError: pandas isn't installed.

        Example:
            >>> frame.to_pandas().groupby("to")["value"].sum().sort_values()
        """
        pandas = needs("pandas")
        if integers != "int":
            return self.to_arrow(integers=integers, byte_style=byte_style).to_pandas()
        made = self.to_arrow(byte_style=byte_style).to_pandas()
        for column in self._table.columns:
            if _has_big_numbers(column.type):
                values = self.column(column.name)
                made[column.name] = pandas.Series(values, index=made.index, dtype=object)
        return made

    def to_polars(
        self, *, integers: IntegerStyle = "text", byte_style: ByteStyle = "hex"
    ) -> polars.DataFrame:
        """
        Give the events as a polars DataFrame.

        Args:
            integers: How integers of more than 64 bits come; polars has none so large. `text` and `binary`
                are exact, `float` keeps 15 to 17 digits, and `decimal` has the 38 digits of polars.
            byte_style: Addresses, hashes and bytes as `hex`, or `binary`.

        Returns:
            The DataFrame, with times in UTC.

        Raises:
            EventStreamerValidationError: A style that doesn't exist.
            LogDecodeError: The style can't hold a value.
            MissingExtraError: polars isn't installed.

        Example:
            >>> frame.to_polars(integers="float").group_by("to").agg(polars.col("value").sum())
        """
        library = needs("polars")
        table = self.to_arrow(integers=integers, byte_style=byte_style)
        made: polars.DataFrame = library.from_arrow(_with_short_decimals(table))
        return made

    def plot(
        self,
        kind: ChartKind = "events",
        *,
        of: str | None = None,
        by: str | None = None,
        per: ChartPer | None = None,
        decimals: int = 0,
        top: int = 10,
        theme: Theme = "light",
        width: float = 10.0,
        height: float = 5.0,
    ) -> Plot:
        """
        Draw the events. A notebook shows what this returns; `save` writes it to a PNG or SVG file.

        Args:
            kind: `events` in time, the `sum` of a number in time, the `histogram` of a number, or the `top`
                addresses.
            of: The parameter that it is about; where not given, the only one that can be meant.
            by: With `top`: the number that is added up for each address; else events are counted.
            per: `block`, `hour` or `day`; what fits the range where not given. Many blocks are joined.
            decimals: Decimal places that numbers have, 0 to 77: 18 for most tokens.
            top: How many addresses, 1 or more.
            theme: `light` or `dark`.
            width: Inches, 3 to 40; a PNG has 144 dots in each.
            height: Inches, 3 to 40.

        Returns:
            The plot.

        Raises:
            EventStreamerValidationError: A value is wrong, or there is no such parameter.
            MissingExtraError: matplotlib isn't installed (extra `[plot]`).

        Example:
            >>> frame.plot("sum", of="value", per="day", decimals=18).save("transfers.svg")
        """
        from .charts import chart_of
        from .drawing import draw

        chart = chart_of(self.plot_data(), kind, of=of, by=by, per=per, decimals=decimals, top=top)
        return draw(chart, theme=theme, width=width, height=height)

    def plot_data(self) -> PlotData:
        """Give what `charts.chart_of` takes."""
        from .charts import PlotData

        columns = {name: self.column(name) for name in self.columns}
        about = f"chain {self.chain_id}"
        return PlotData(self.event.name, about, columns, self.start_block, self.end_block)

    def _values(self, chunk: Any) -> list[list[Any]]:
        return [
            _as_python(values.to_pylist(), column.type)
            for column, values in zip(self._table.columns, chunk.columns, strict=True)
        ]


_ROWS = 10_000
"""Rows that are converted at a time."""


def _with_short_decimals(table: Any) -> Any:
    """Give decimals the 38 digits that polars has."""
    pa = needs("pyarrow")

    def short(type_: Any) -> Any:
        if pa.types.is_decimal256(type_):
            return pa.decimal128(_POLARS_DIGITS, min(type_.scale, _POLARS_DIGITS))
        if pa.types.is_list(type_):
            return pa.list_(type_.value_field.with_type(short(type_.value_type)))
        if pa.types.is_struct(type_):
            return pa.struct([each.with_type(short(each.type)) for each in type_])
        return type_

    schema = pa.schema([each.with_type(short(each.type)) for each in table.schema])
    if schema == table.schema:
        return table
    try:
        return table.cast(schema)
    except pa.ArrowInvalid as problem:
        raise LogDecodeError(
            f"a value has more than {_POLARS_DIGITS} digits, the most of a decimal in polars: take "
            f"integers='text' or 'float' ({problem})"
        ) from None


_POLARS_DIGITS = 38


def _has_big_numbers(type_: ColumnType) -> bool:
    """Tell whether a column is, or holds, numbers that Arrow has as text."""
    if type_.item is not None:
        return _has_big_numbers(type_.item)
    return (
        type_.is_wide or type_.kind == "decimal" or any(_has_big_numbers(each) for _, each in type_.members)
    )


def _as_python(values: list[Any], type_: ColumnType) -> list[Any]:
    """Make Python's values of those that Arrow gives."""
    if type_.kind == "timestamp":
        return [None if value is None else value.astimezone(UTC) for value in values]
    if not _has_big_numbers(type_):
        return values
    if type_.kind == "integer":
        return list(map(int, values))
    if type_.kind == "decimal":
        return list(map(Decimal, values))
    if type_.item is not None:
        return [_as_python(value, type_.item) for value in values]
    members = {name: _as_python([value[name] for value in values], each) for name, each in type_.members}
    return [dict(zip(members, row, strict=True)) for row in zip(*members.values(), strict=True)]
