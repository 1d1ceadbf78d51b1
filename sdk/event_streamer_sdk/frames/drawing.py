"""Pictures of charts, by matplotlib (extra `[plot]`)."""

from __future__ import annotations

import io
import os
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

from attrs import frozen

from event_streamer_api.errors import EventStreamerValidationError

from .._extras import needs
from .charts import Chart
from .sparkline import short_names, short_number, text_of

__all__ = ["Plot", "PlotFormat", "Theme", "check_drawing", "draw", "format_of"]

Theme = Literal["light", "dark"]
PlotFormat = Literal["png", "svg"]

_COLOURS = {
    "light": {"paper": "#ffffff", "ink": "#1f2933", "faint": "#616e7c", "grid": "#e4e7eb", "bar": "#2f6fb3"},
    "dark": {"paper": "#14181d", "ink": "#f0f4f8", "faint": "#a6b1bd", "grid": "#2b323b", "bar": "#63a4e8"},
}
_SEPARATED = 60
"""Up to so many bars have a line between them."""


@frozen
class Plot:
    """
    A picture; a notebook shows it.

    Attributes:
        chart: What it shows.
        figure: The `matplotlib.figure.Figure`, to change or to save in other forms.
    """

    chart: Chart
    figure: Any

    def save(self, path: str | os.PathLike[str]) -> Path:
        """
        Write the picture to a file. The same picture gives the same bytes.

        Args:
            path: A file that ends with .png or .svg; one that is there is replaced.

        Returns:
            The path.

        Raises:
            EventStreamerValidationError: It ends with something else.
            OSError: It can't be written.
        """
        target = Path(path)
        content = self._rendered(format_of(target))
        target.write_bytes(content)
        return target

    def text(self, width: int = 72) -> str:
        """
        Give it as text: a sparkline, or bars of characters.

        Args:
            width: Columns that it may take.

        Returns:
            Lines, without a line break at the end.
        """
        return text_of(self.chart, width)

    def _repr_png_(self) -> bytes:
        return self._rendered("png")

    def _rendered(self, format_: PlotFormat) -> bytes:
        matplotlib = needs("matplotlib")
        file = io.BytesIO()
        with matplotlib.rc_context({"svg.hashsalt": "event-streamer"}):
            metadata = {"Date": None} if format_ == "svg" else {"Software": None}
            self.figure.savefig(
                file, format=format_, facecolor=self.figure.get_facecolor(), metadata=metadata
            )
        return file.getvalue()


def format_of(path: str | os.PathLike[str]) -> PlotFormat:
    """
    Tell a picture's format by its file's name.

    Raises:
        EventStreamerValidationError: It is neither.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".png":
        return "png"
    if suffix == ".svg":
        return "svg"
    raise EventStreamerValidationError(f"{os.fspath(path)}: a plot's file ends with .png or .svg")


def draw(chart: Chart, *, theme: str = "light", width: float = 10.0, height: float = 5.0) -> Plot:
    """
    Draw a chart.

    Args:
        chart: The chart.
        theme: light or dark.
        width: Inches, of 144 dots each in a PNG; 3 to 40.
        height: Inches.

    Returns:
        The picture.

    Raises:
        EventStreamerValidationError: A value is wrong.
        MissingExtraError: matplotlib isn't installed.
    """
    check_drawing(theme, width, height)
    figures = needs("matplotlib.figure")
    colours = _COLOURS[theme]
    figure = figures.Figure(
        figsize=(width, height), dpi=144, facecolor=colours["paper"], layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.15)
    axes = figure.add_subplot(facecolor=colours["paper"])
    _head(axes, chart, colours, width)
    _plain(axes, colours, along="x" if chart.kind == "top" else "y")
    if not any(True for _ in chart.heights) or not _total(chart):
        _nothing(axes, colours)
    elif chart.kind == "top":
        _bars(axes, chart, colours)
    else:
        _steps(axes, chart, colours)
    return Plot(chart, figure)


def check_drawing(theme: str, width: float, height: float) -> None:
    """
    Check what doesn't depend on the chart, so that it can be told before there is one.

    Raises:
        EventStreamerValidationError: A value is wrong.
        MissingExtraError: matplotlib isn't installed.
    """
    if theme not in get_args(Theme):
        raise EventStreamerValidationError(f"theme must be light or dark, not {theme!r}")
    for name, size in (("width", width), ("height", height)):
        if not _SMALLEST <= size <= _LARGEST:
            raise EventStreamerValidationError(
                f"{name} must be {_SMALLEST} to {_LARGEST} inches, not {size!r}"
            )
    needs("matplotlib")


_SMALLEST, _LARGEST = 3, 40


def _total(chart: Chart) -> bool:
    return any(chart.heights) or chart.kind == "sum"


def _head(axes: Any, chart: Chart, colours: dict[str, str], width: float) -> None:
    room = max(20, int(width * 8))
    title = textwrap.fill(chart.title, room, break_long_words=True)
    below = chart.subtitle + (f" · {chart.note}" if chart.note else "")
    subtitle = textwrap.fill(below, int(room * 1.5), break_long_words=True)
    # Names may hold $, which would begin a formula.
    text = axes.set_title(title, loc="left", color=colours["ink"], fontsize=13, fontweight="bold")
    text.set_parse_math(False)
    text.set_y(1.0)
    lines = subtitle.count("\n") + 1
    axes.set_title(title, loc="left", pad=8 + 14 * lines, fontweight="bold")
    axes.annotate(
        subtitle, (0, 1), (0, 7), xycoords="axes fraction", textcoords="offset points", va="bottom",
        color=colours["faint"], fontsize=9.5, parse_math=False, annotation_clip=False,
    )  # fmt: skip


def _plain(axes: Any, colours: dict[str, str], along: str) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(colours["faint"])
    axes.tick_params(which="both", colors=colours["faint"], labelsize=9, length=0)
    axes.grid(axis=along, color=colours["grid"], linewidth=0.8)
    axes.set_axisbelow(True)


def _labels(axes: Any, x_label: str, y_label: str, colours: dict[str, str]) -> None:
    for put, label in ((axes.set_xlabel, x_label), (axes.set_ylabel, y_label)):
        shown = label if len(label) <= _LONGEST_LABEL else f"{label[:_LONGEST_LABEL]}…"
        put(shown, color=colours["ink"], fontsize=10, parse_math=False)


def _nothing(axes: Any, colours: dict[str, str]) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, "no events", transform=axes.transAxes, ha="center", va="center",
              color=colours["faint"], fontsize=14)  # fmt: skip


def _numbered(axis: Any) -> None:
    ticker = needs("matplotlib.ticker")
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: short_number(value)))


def _steps(axes: Any, chart: Chart, colours: dict[str, str]) -> None:
    dates, ticker = needs("matplotlib.dates"), needs("matplotlib.ticker")
    timed = chart.x_label.startswith("time")
    edges = [dates.date2num(edge) if timed else edge for edge in chart.edges]
    heights = [float(height) for height in chart.heights]
    line = (
        {"edgecolor": colours["paper"], "linewidth": 1.0} if len(heights) <= _SEPARATED else {"linewidth": 0}
    )
    axes.bar(
        edges[:-1], heights, width=[after - before for before, after in pairwise(edges)],
        align="edge", color=colours["bar"], **line,
    )  # fmt: skip
    if chart.is_log:
        axes.set_xscale("log")
    if len(heights) == 1:  # one bar would be a wall
        middle, half = (edges[0] + edges[1]) / 2, edges[1] - edges[0]
        if not chart.is_log:
            axes.set_xlim(middle - 2.5 * half, middle + 2.5 * half)
    else:
        axes.set_xlim(edges[0], edges[-1])
    if min(heights) >= 0:
        axes.set_ylim(0, (max(heights) or 1) * 1.05)
    _numbered(axes.yaxis)
    if timed:
        locator = dates.AutoDateLocator(minticks=3, maxticks=9)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
        axes.xaxis.get_offset_text().set_color(colours["faint"])
    elif chart.kind == "histogram":
        _numbered(axes.xaxis)
        if chart.is_log:
            axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    else:
        axes.xaxis.set_major_locator(ticker.MaxNLocator(7, integer=True))
        axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    if all(isinstance(height, int) for height in chart.heights):  # there is no half event
        axes.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    _labels(axes, chart.x_label, chart.y_label, colours)


_FEW = 20
_LONGEST_LABEL = 40


def _bars(axes: Any, chart: Chart, colours: dict[str, str]) -> None:
    heights = [float(height) for height in chart.heights]
    places = range(len(heights))
    axes.barh(places, heights, color=colours["bar"], height=0.7)
    axes.set_yticks(places, short_names(chart.names), family="monospace")
    axes.invert_yaxis()
    axes.set_ylim(max(len(heights), 4) - 0.4, -0.6)
    axes.set_xlim(0, (max(heights) or 1) * 1.1)
    _numbered(axes.xaxis)
    if max(heights) < _FEW:
        ticker = needs("matplotlib.ticker")
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    for place, height in zip(places, heights, strict=True):
        axes.annotate(short_number(height), (height, place), (4, 0), textcoords="offset points",
                      va="center", color=colours["ink"], fontsize=9)  # fmt: skip
    _labels(axes, chart.x_label, chart.y_label, colours)
