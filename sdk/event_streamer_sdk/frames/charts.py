"""
What a plot shows, computed from columns of Python values: pure, and without any library.

A `Chart` holds bars with names or edges; `drawing.py` makes a picture of it, `sparkline.py` a line of text.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, get_args

from attrs import frozen

from event_streamer_api.errors import EventStreamerValidationError

from ..sinks.columns import METADATA

__all__ = ["Chart", "ChartKind", "ChartPer", "PlotData", "chart_of", "check_choices"]

ChartKind = Literal["events", "sum", "histogram", "top"]
"""Events in time, the sum of a parameter in time, the distribution of a parameter, the top addresses."""

ChartPer = Literal["block", "hour", "day"]
"""What the bars of `events` and `sum` stand for."""

MOST_BARS = 400
"""Most bars of a chart over blocks; neighbours are joined beyond."""
MOST_BINS = 40
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_METADATA = {column.name for column in METADATA}
_SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
_LOG_FROM = 1000
"""A histogram gets a logarithmic axis where its largest value is so many times its smallest."""

Number = int | float | Decimal


@frozen
class PlotData:
    """
    Events to plot.

    Attributes:
        event: The event's name.
        about: Where they come from, in a few words.
        columns: Names and values of the columns, each as long as the others.
        first_block: The first block that was looked at; `None` for that of the first event.
        last_block: The last one.
    """

    event: str
    about: str
    columns: Mapping[str, Sequence[Any]]
    first_block: int | None = None
    last_block: int | None = None

    def __len__(self) -> int:
        return len(self.columns["block_number"])

    @property
    def parameters(self) -> list[str]:
        """The names of the event's parameters."""
        return [name for name in self.columns if name not in _METADATA]


@frozen
class Chart:
    """
    What a plot shows.

    Attributes:
        kind: What it is.
        title: What it shows.
        subtitle: Of which events.
        x_label: What lies along its bars.
        y_label: What their lengths are.
        heights: Lengths of the bars.
        edges: Where bars begin and end, one more than there are bars: blocks, times or values. Empty for
            `top`.
        names: Names of the bars of `top`.
        is_log: Whether the edges belong on a logarithmic axis.
        note: What has to be known of it, or nothing.
    """

    kind: ChartKind
    title: str
    subtitle: str
    x_label: str
    y_label: str
    heights: tuple[Number, ...]
    edges: tuple[Any, ...] = ()
    names: tuple[str, ...] = ()
    is_log: bool = False
    note: str = ""


def chart_of(
    data: PlotData,
    kind: str = "events",
    *,
    of: str | None = None,
    by: str | None = None,
    per: str | None = None,
    decimals: int = 0,
    top: int = 10,
) -> Chart:
    """
    Compute what a plot shows.

    Args:
        data: The events.
        kind: A `ChartKind`.
        of: The parameter: a number for `sum` and `histogram`, an address for `top`. Where not given, the only
            one that can be meant; for `top` the contracts where there are several.
        by: With `top`: the number that is added up for each address; events are counted where not given.
        per: A `ChartPer`; what fits the range where not given.
        decimals: How many decimal places numbers have, 0 to 77: 18 for most tokens.
        top: How many addresses, 1 or more.

    Returns:
        The chart.

    Raises:
        EventStreamerValidationError: A value is wrong, or there is no such parameter.
    """
    check_choices(kind, per=per, decimals=decimals, top=top)
    if kind == "events":
        return _in_time(data, per, None, decimals)
    if kind == "top":
        return _top(data, of, by, decimals, top)
    name = of or _only(data, _is_number, "number")
    if kind == "sum":
        return _in_time(data, per, name, decimals)
    return _histogram(data, name, decimals)


def check_choices(kind: str, *, per: str | None = None, decimals: int = 0, top: int = 10) -> None:
    """
    Check what doesn't depend on the events, so that it can be told before they are read.

    Raises:
        EventStreamerValidationError: A value is wrong.
    """
    if kind not in get_args(ChartKind):
        raise EventStreamerValidationError(f"a plot shows {', '.join(get_args(ChartKind))}, not {kind!r}")
    if per is not None and per not in get_args(ChartPer):
        raise EventStreamerValidationError(f"per must be block, hour or day, not {per!r}")
    if not 0 <= decimals <= _MOST_DECIMALS:
        raise EventStreamerValidationError(f"decimals must be 0 to {_MOST_DECIMALS}, not {decimals!r}")
    if top < 1:
        raise EventStreamerValidationError(f"top must be 1 or more, not {top!r}")


_MOST_DECIMALS = 77


# --- columns -------------------------------------------------------------------------------------


def _is_number(values: Sequence[Any]) -> bool:
    return all(
        (isinstance(value, int | float | Decimal) and not isinstance(value, bool))
        or (isinstance(value, str) and _NUMBER.fullmatch(value))
        for value in values
    )


def _is_address(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) and _ADDRESS.fullmatch(value) for value in values)


def _only(data: PlotData, fits: Callable[[Sequence[Any]], bool], what: str) -> str:
    found = [name for name in data.parameters if fits(data.columns[name])]
    if len(found) == 1 or (found and not len(data)):
        return found[0]
    which = f"{data.event} has several: {', '.join(found)}" if found else f"{data.event} has none"
    raise EventStreamerValidationError(f"say of which parameter that is a {what}; {which}")


def _column(data: PlotData, name: str) -> Sequence[Any]:
    if name not in data.columns:
        there = ", ".join(data.parameters) or "none"
        raise EventStreamerValidationError(f"{data.event} has no parameter {name!r}; there are {there}")
    return data.columns[name]


def _numbers(data: PlotData, name: str, decimals: int) -> list[Number]:
    values = _column(data, name)
    if not _is_number(values):
        raise EventStreamerValidationError(f"{name} is not a number, and can't be added up or binned")
    numbers = [_number(value) for value in values]
    if not decimals:
        return numbers
    scale = 10**decimals
    return [value / scale if isinstance(value, int | float) else float(value) / scale for value in numbers]


def _number(value: Any) -> Number:
    if isinstance(value, str):
        return Decimal(value) if "." in value else int(value)
    number: Number = value
    return number


# --- in time -------------------------------------------------------------------------------------


def _in_time(data: PlotData, per: str | None, name: str | None, decimals: int) -> Chart:
    weights: Sequence[Number] = [1] * len(data) if name is None else _numbers(data, name, decimals)
    times = data.columns.get("timestamp") or []
    timed = len(times) == len(data) and all(isinstance(time, datetime) for time in times)
    if per in _SPANS and len(data) and not timed:
        raise EventStreamerValidationError(f"these events have no times: per={per!r} can't be shown")
    chosen = per or _fitting(times if timed else [])
    edges: Sequence[Any]
    if chosen == "block" or not len(data):
        step, edges, heights = _per_block(data, weights)
        unit = "block" if step == 1 else f"{step:,} blocks"
        x_label = "block"
    else:
        unit, x_label = chosen, "time (UTC)"
        edges, heights = _per_span(times, weights, _SPANS[chosen])
    what = "events" if name is None else f"sum of {name}"
    return Chart(
        kind="events" if name is None else "sum",
        title=f"{data.event}: {what} per {unit}",
        subtitle=_subtitle(data),
        x_label=x_label,
        y_label=what,
        heights=tuple(heights),
        edges=tuple(edges),
    )


def _fitting(times: Sequence[datetime]) -> str:
    span = max(times) - min(times) if times else timedelta(0)
    if span < timedelta(hours=6):
        return "block"
    return "hour" if span < timedelta(days=5) else "day"


def _per_block(data: PlotData, weights: Sequence[Number]) -> tuple[int, list[int], list[Number]]:
    blocks = data.columns["block_number"]
    first = data.first_block if data.first_block is not None else min(blocks, default=0)
    last = data.last_block if data.last_block is not None else max(blocks, default=first)
    step = _round_step(math.ceil((last - first + 1) / MOST_BARS))
    heights: list[Number] = [0] * ((last - first) // step + 1)
    for block, weight in zip(blocks, weights, strict=True):
        heights[(block - first) // step] += weight
    edges = [*range(first, last + 1, step), last + 1]
    return step, edges, heights


def _round_step(least: int) -> int:
    """Give the next number of the series 1, 2, 5, 10, 20, 50."""
    power: int = 10 ** max(0, len(str(least)) - 1)
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)


def _per_span(
    times: Sequence[datetime], weights: Sequence[Number], span: timedelta
) -> tuple[list[datetime], list[Number]]:
    seconds = int(span.total_seconds())
    numbers = [int(time.timestamp()) // seconds for time in times]
    first, last = min(numbers), max(numbers)
    heights: list[Number] = [0] * (last - first + 1)
    for number, weight in zip(numbers, weights, strict=True):
        heights[number - first] += weight  # type: ignore[operator]
    return [datetime.fromtimestamp(seconds * each, UTC) for each in range(first, last + 2)], heights


# --- distribution and addresses ------------------------------------------------------------------


def _histogram(data: PlotData, name: str, decimals: int) -> Chart:
    values = _numbers(data, name, decimals)
    above = [value for value in values if value > 0]
    is_log = bool(above) and min(values) >= 0 and max(above) >= _LOG_FROM * min(above)
    note = ""
    if is_log:
        zeros, values = len(values) - len(above), above
        if zeros:
            note = f"{zeros:,} of value 0 are not shown"
    edges = _log_edges(values) if is_log else _edges(values)
    heights = [0] * max(0, len(edges) - 1)
    for value in values:
        heights[_bin_of(float(value), edges)] += 1
    return Chart(
        kind="histogram",
        title=f"{data.event}: distribution of {name}",
        subtitle=_subtitle(data),
        x_label=name,
        y_label="events",
        heights=tuple(heights),
        edges=tuple(edges),
        is_log=is_log,
        note=note,
    )


def _bins(count: int) -> int:
    return max(1, min(MOST_BINS, math.ceil(2 * count ** (1 / 3)) + 4)) if count > 1 else 1


def _edges(values: Sequence[Number]) -> list[float]:
    if not values:
        return []
    low, high = float(min(values)), float(max(values))
    if low == high:
        half = abs(low) / 20 or 0.5
        return [low - half, high + half]
    if all(isinstance(value, int) for value in values) and high - low < MOST_BINS:
        return [low - 0.5 + number for number in range(int(high - low) + 2)]  # a bar for each number
    bins = _bins(len(values))
    return [low + (high - low) * number / bins for number in range(bins)] + [high]


def _log_edges(values: Sequence[Number]) -> list[float]:
    low, high = math.log10(min(values)), math.log10(max(values))
    bins = _bins(len(values))
    inner = [10 ** (low + (high - low) * number / bins) for number in range(1, bins)]
    return [float(min(values)), *inner, float(max(values))]


def _bin_of(value: float, edges: Sequence[float]) -> int:
    from bisect import bisect_right

    return min(max(bisect_right(edges, value) - 1, 0), len(edges) - 2)


def _top(data: PlotData, of: str | None, by: str | None, decimals: int, top: int) -> Chart:
    name = of or _whose(data)
    addresses = _column(data, name)
    if not _is_address(addresses):
        raise EventStreamerValidationError(f"{name} is not an address")
    totals: Counter[str] = Counter()
    weights: Sequence[Number] = [1] * len(data) if by is None else _numbers(data, by, decimals)
    for address, weight in zip(addresses, weights, strict=True):
        totals[address] += weight  # type: ignore[assignment]
    best = sorted(totals.items(), key=lambda each: (-each[1], each[0]))[:top]
    what = "events" if by is None else f"sum of {by}"
    whose = "contracts" if name == "address" else f"addresses ({name})"
    rest = len(totals) - len(best)
    return Chart(
        kind="top",
        title=f"{data.event}: top {whose} by {'number of events' if by is None else what}",
        subtitle=_subtitle(data),
        x_label=what,
        y_label=name,
        heights=tuple(total for _, total in best),
        names=tuple(address for address, _ in best),
        note=f"{rest:,} more {'address' if rest == 1 else 'addresses'}" if rest else "",
    )


def _whose(data: PlotData) -> str:
    """Choose whose addresses are counted: contracts, unless there is just one."""
    if len(set(data.columns.get("address", ()))) > 1:
        return "address"
    return next((name for name in data.parameters if _is_address(data.columns[name])), "address")


def _subtitle(data: PlotData) -> str:
    blocks = data.columns["block_number"]
    first = data.first_block if data.first_block is not None else min(blocks, default=None)
    last = data.last_block if data.last_block is not None else max(blocks, default=None)
    parts = [data.about] if data.about else []
    if first is not None and last is not None:
        parts.append(f"blocks {first:,} to {last:,}" if first != last else f"block {first:,}")
    parts.append(f"{len(data):,} event{'' if len(data) == 1 else 's'}")
    return " · ".join(parts)
