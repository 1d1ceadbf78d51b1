"""How far a stream is: a running count on a terminal, with a percentage where the end is known."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType

from attrs import define
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from event_streamer_sdk._core.visible import visible
from event_streamer_sdk.cli._streams import feeds_a_program, is_one_terminal


@define
class Course:
    """
    The way from where a stream begins to where it ends, as far as the end is known.

    Attributes:
        first_block: Where the subscription begins.
        last_block: Where it ends; None where it goes on with the chain.
        limit: After so many events it is enough; None for all.
        until: After this time it is enough; None for all.
    """

    first_block: int
    last_block: int | None = None
    limit: int | None = None
    until: datetime | None = None
    _since: datetime | None = None

    def part_done(self, block: int | None, written: int, moment: datetime | None) -> float | None:
        """
        Tell which part of the way is done.

        Returns:
            From 0 to 1, by the end that is nearest; None where no end is known.
        """
        parts = []
        if self.last_block is not None and block is not None:
            parts.append((block - self.first_block + 1) / (self.last_block - self.first_block + 1))
        if self.limit is not None:
            parts.append(written / self.limit)
        if self.until is not None and moment is not None:
            self._since = self._since or moment
            parts.append((moment - self._since) / max(self.until - self._since, timedelta.resolution))
        return min(max(0.0, *parts), 1.0) if parts else None


@define
class Pace:
    """Tells from how much was done since the first look how long the rest takes."""

    _clock: Callable[[], float] = time.monotonic
    _began: tuple[float, float] | None = None

    def seconds_left(self, done: float) -> float | None:
        """
        Estimate the rest.

        Returns:
            Seconds, or None as long as there is nothing to go by.
        """
        now = self._clock()
        if self._began is None:
            self._began = (now, done)
        since, before = self._began
        return None if done <= before else (now - since) * (1 - done) / (done - before)


def progress_text(done: float, seconds_left: float | None) -> str:
    """
    Write a percentage and the time left.

    Example:
        >>> progress_text(0.4399, 80.2)
        '43 %, 0:01:20 left'
    """
    left = "" if seconds_left is None else f", {timedelta(seconds=round(seconds_left))} left"
    return f"{int(done * 100)} %{left}"


_UNITS = ((365 * 86_400, "year"), (86_400, "day"), (3_600, "h"), (60, "min"))


def span_text(span: timedelta) -> str:
    """
    Write how long something takes, in the units that people use for so long a time.

    Example:
        >>> [span_text(timedelta(seconds=seconds)) for seconds in (4, 3_660, 28_861, 10**8)]
        ['4 s', '1 h 1 min', '8 h 1 min', '3 years 62 days']
    """
    left = round(span.total_seconds())
    parts: list[str] = []
    for seconds, unit in _UNITS:
        number, rest = divmod(left, seconds)
        if number:
            parts.append(f"{number:,} {unit}{'s' if unit in ('year', 'day') and number > 1 else ''}")
        elif parts:
            break
        left = rest
        if len(parts) == 2:
            break
    return " ".join(parts) or f"{left} s"


class Display:
    """
    A running count on the terminal of standard error, and nowhere else.

    There is none where another program reads what is written (`… | jq`): its own lines stand there.
    What a program writes to standard output stays there. Only where both are one terminal, lines are written
    through `lines`, so that the count stays below them.
    """

    def __init__(self, text: str) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._shares_terminal = is_one_terminal()
        self._count = Spinner("dots", Text(text))
        self._live: Live | None = None
        if self._console.file.isatty() and not feeds_a_program():
            # By default rich takes over sys.stdout as well, and shows on the terminal what goes to a file.
            self._live = Live(self._count, console=self._console, transient=True, redirect_stdout=False)

    def __enter__(self) -> "Display":
        if self._live is not None:
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._live is not None:
            with suppress(OSError):  # the terminal may be gone, results may still go where they should
                self._live.stop()

    @property
    def is_shown(self) -> bool:
        """Whether anybody sees it."""
        return self._live is not None

    @property
    def shares_terminal(self) -> bool:
        """Whether standard output goes to the same terminal."""
        return self.is_shown and self._shares_terminal

    def update(self, text: str) -> None:
        """Replace the count."""
        if self._live is not None:
            self._count.update(text=Text(visible(text)))

    def lines(self, lines: Sequence[Text]) -> None:
        """Write lines above the count, all at once: it is drawn anew each time."""
        if lines:
            self._console.print(Text("\n").join(lines))
