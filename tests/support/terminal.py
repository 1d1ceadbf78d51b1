"""Programs at a pseudo-terminal: what they show there, and what they write elsewhere meanwhile."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

EVENT_STREAMER = [sys.executable, "-m", "event_streamer_sdk.cli"]
ORDERS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""Colours, cursor movements and the like (ECMA-48, control sequences)."""


def ordinary_environment(**more: str) -> dict[str, str]:
    """The environment of the tests, without what changes how Python buffers and how wide a terminal is."""
    ours = {"COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR"}
    plain = {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith("PYTHON")
    }
    return {**plain, "TERM": "xterm", **more}


class Terminal:
    """A pseudo-terminal of so many columns; gathers what is shown."""

    def __init__(self, columns: int = 120) -> None:
        self._master, self.end = pty.openpty()
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._shown = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        try:
            while part := os.read(self._master, 65536):
                self._shown += part
        except OSError:  # how Linux tells that nobody holds the other end any more
            pass

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def close(self) -> None:
        """Let go of the end that programs hold; what they showed is whole then."""
        os.close(self.end)
        self._reader.join(30)
        os.close(self._master)

    @property
    def shown(self) -> str:
        """All that was shown, without colours and cursor movements."""
        return ORDERS.sub("", self._shown.decode()).replace("\r\n", "\n")


@contextmanager
def terminal(columns: int = 120) -> Iterator[Terminal]:
    opened = Terminal(columns)
    try:
        yield opened
    finally:
        opened.close()


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what was shown."""

    code: int
    screen: str


def at_a_terminal(
    arguments: Sequence[object],
    *,
    columns: int = 120,
    stdout: IO[Any] | int | None = None,
    stderr: IO[Any] | int | None = None,
    stdin: IO[Any] | int | None = None,
    keys: str = "",
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """
    Run `event-streamer` at a terminal.

    Args:
        arguments: What is typed behind its name.
        columns: The terminal's width.
        stdout: Where standard output goes instead of the terminal; so also `stderr` and `stdin`.
        keys: What is typed while it runs.
        environment: Its variables.
    """
    with terminal(columns) as screen:
        process = subprocess.Popen(
            [*EVENT_STREAMER, *map(str, arguments)],
            stdin=screen.end if stdin is None else stdin,
            stdout=screen.end if stdout is None else stdout,
            stderr=screen.end if stderr is None else stderr,
            env=dict(environment or ordinary_environment()),
        )
        if keys:
            screen.type(keys)
        code = process.wait(60)
    return Ended(code, screen.shown)
