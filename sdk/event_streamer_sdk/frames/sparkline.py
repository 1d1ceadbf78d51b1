"""Charts as text: a line of blocks of eight heights, or bars; and short forms of numbers and addresses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from .charts import Chart

__all__ = ["short_names", "short_number", "text_of"]

LEVELS = "▁▂▃▄▅▆▇█"
PLAIN_LEVELS = "_.-=+*%#"
"""For terminals that have no block characters."""


def text_of(chart: Chart, width: int = 72, *, plain: bool = False) -> str:
    """
    Write a chart as text.

    Returns:
        Its title, what it is of, and its bars; lines without a line break at the end.
    """
    dot = " · "
    head = [chart.title, chart.subtitle + (f"{dot}{chart.note}" if chart.note else "")]
    if not any(chart.heights) and chart.kind != "sum":
        body = ["no events"]
    elif chart.kind == "top":
        body = _bars(chart, width, "#" if plain else "█")
    else:
        body = _line(chart, width, PLAIN_LEVELS if plain else LEVELS)
    text = "\n".join([*head, *body])
    if not plain:
        return text
    lowered = {raised: ord(digit) for digit, raised in zip("-0123456789", _RAISED.values(), strict=True)}
    return text.replace(dot, ", ").replace("…", "..").replace("×10", "e").translate(lowered)


def _line(chart: Chart, width: int, levels: str) -> list[str]:
    heights = _joined([float(height) for height in chart.heights], width)
    low, high = min(0.0, *heights), max(heights)
    span = (high - low) or 1.0
    drawn = "".join(
        # What is there is seen, be it small beside others.
        " " if height == 0 else levels[min(len(levels) - 1, int((height - low) / span * len(levels)))]
        for height in heights
    )
    left, right = _edge(chart.edges[0]), _edge(chart.edges[-1])
    total = short_number(float(sum(chart.heights)))
    most = f"highest {short_number(max(map(float, chart.heights)))}, total {total}"
    gap = max(2, len(drawn) - len(left) - len(right))
    return [drawn, f"{left}{' ' * gap}{right}", f"{most} ({chart.y_label})"]


def _joined(heights: Sequence[float], width: int) -> list[float]:
    """Join neighbours where there are more bars than columns: by their highest, so that peaks stay."""
    if len(heights) <= width:
        return list(heights)
    marks = [round(len(heights) * number / width) for number in range(width + 1)]
    return [max(heights[before:after]) for before, after in pairwise(marks)]


def _edge(edge: Any) -> str:
    if isinstance(edge, datetime):
        return f"{edge:%Y-%m-%d %H:%M}"
    return f"{edge:,}" if isinstance(edge, int) else short_number(edge)


def _bars(chart: Chart, width: int, full: str) -> list[str]:
    names = short_names(chart.names)
    values = [short_number(float(height)) for height in chart.heights]
    widest, widest_value = max(map(len, names)), max(map(len, values))
    room = max(4, width - widest - widest_value - 4)
    most = max(map(float, chart.heights)) or 1.0
    return [
        f"{name:<{widest}}  {value:>{widest_value}}  {full * max(1, round(float(height) / most * room))}"
        for name, value, height in zip(names, values, chart.heights, strict=True)
    ]


def short_number(value: float) -> str:
    """
    Write a number for people, in few characters.

    Args:
        value: The number.

    Returns:
        Such as 12,345, 123 k, 4.5 M or 1.2×10¹⁸.

    Example:
        >>> short_number(123_456)
        '123 k'
    """
    size = abs(value)
    if size == 0:
        return "0"
    if size >= _POWERS_FROM or size < _POWERS_BELOW:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}×10{str(int(exponent)).translate(_RAISED)}"
    for unit, name in ((1e6, " M"), (1e3, " k")):
        if size >= unit * (100 if name == " k" else 1):
            return f"{value / unit:.3g}{name}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}"


_POWERS_FROM, _POWERS_BELOW = 1e9, 1e-3
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def short_names(addresses: Sequence[str]) -> list[str]:
    """
    Shorten addresses, so far that they still differ.

    Args:
        addresses: 0x-hex.

    Returns:
        Such as 0x1234ab…89abcd, in the same order.
    """
    for kept in range(6, 20, 2):
        short = [f"{each[: 2 + kept]}…{each[-kept:]}" for each in addresses]
        if len(set(short)) == len(set(addresses)):
            return short
    return list(addresses)
