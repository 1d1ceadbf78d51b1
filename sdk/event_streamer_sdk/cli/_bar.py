"""How far a long run is: a bar on a terminal, a line now and then elsewhere. Both on standard error."""

from __future__ import annotations

import time
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from event_streamer_sdk._core.visible import visible
from event_streamer_sdk.cli._output import say
from event_streamer_sdk.cli._progress import span_text

LINE_SECONDS = 5.0
"""Seconds between two lines where there is no terminal."""

_KILO = 1000


class BlockProgress:
    """Shows how many blocks of a range are done."""

    def __init__(self, first: int, last: int | None) -> None:
        self._first = first
        self._last = last
        self._block = first
        self._events = 0
        self._bytes = 0
        self._console = Console(stderr=True, soft_wrap=True, highlight=False)
        self._began = self._told = time.monotonic()
        self._bar: Progress | None = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if self._console.file.isatty():
            self._bar = Progress(
                TextColumn("block {task.fields[block]}"),
                BarColumn(),
                _Share(),
                TextColumn("{task.fields[about]}"),
                TimeRemainingColumn(),
                console=self._console,
                redirect_stdout=False,
            )
            total = None if self._last is None else max(1, self._last - self._first + 1)
            self._task = self._bar.add_task("", total=total, block=f"{self._first:,}", about="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, block: int | None, events: int, size: int) -> None:
        """Tell what is done."""
        self._block = self._block if block is None else block
        self._events, self._bytes = events, size
        if self._bar is not None:
            done = max(0, self._block - self._first + 1)
            self._bar.update(self._task, completed=done, block=f"{self._block:,}", about=self._about())
        elif time.monotonic() - self._told >= LINE_SECONDS:
            self._told = time.monotonic()
            say(self._line())

    def remark(self, text: str) -> None:
        """Tell something beside, above the bar where there is one."""
        if self._bar is not None:
            self._bar.console.print(Text(visible(text), "yellow"))
        else:
            say(text)

    def _about(self) -> str:
        seconds = max(time.monotonic() - self._began, 0.001)
        rate = f"{self._events / seconds:,.0f} events/s"
        return f"{self._events:,} events, {rate}" + (f", {in_bytes(self._bytes)}" if self._bytes else "")

    def _line(self) -> str:
        if self._last is None:
            return f"block {self._block:,}: {self._about()}"
        whole = max(1, self._last - self._first + 1)
        done = max(0, self._block - self._first + 1) / whole
        left = (time.monotonic() - self._began) * (1 - done) / done if done else 0.0
        text = f"block {self._block:,} of {self._last:,} ({done:.0%}): {self._about()}"
        return f"{text}, {span_text(timedelta(seconds=left))} left" if done and left else text


class _Share(ProgressColumn):
    """The share that is done, where there is an end."""

    def render(self, task: Task) -> Text:
        """Write it."""
        return Text("" if task.total is None else f"{task.percentage:3.0f} %")


def in_bytes(size: float) -> str:
    """
    Write a size for people.

    Returns:
        Such as `3.4 MB`.
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < _KILO:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _KILO
    return f"{size:.1f} TB"
