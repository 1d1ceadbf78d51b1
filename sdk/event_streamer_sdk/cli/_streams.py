"""Standard input, output and error as the shell gave them: closed, full, or without a reader."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys

TYPE_CHECKING = False  # as typing's own, which takes a while to import
if TYPE_CHECKING:
    from typing import TextIO


def prepare() -> None:
    """Bear standard streams that are closed (`<&-`, `>&-`) or can't encode all characters."""
    for number in range(3):  # else the next file or socket gets the number, and what is written there
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 (open to the end)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (open to the end)
    if sys.stdout is None:
        sys.stdout = _Closed()
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def write_no_more() -> None:
    """Throw away what is still to be written to standard output: nobody reads it, or it can't be kept."""
    _throw_away(sys.stdout)


def settle() -> None:
    """
    Leave nothing for Python to flush at its end.

    It would fail there once more for what has been told already, with a message and an exit code of its own.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _throw_away(stream)


def can_encode_all() -> bool:
    """Tell whether standard output takes any character; where it doesn't, JSON is written with escapes."""
    return (sys.stdout.encoding or "utf-8").lower().replace("-", "") == "utf8"


def is_one_terminal() -> bool:
    """Tell whether standard output and standard error go to the same terminal."""
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        return False
    output, error = os.fstat(sys.stdout.fileno()), os.fstat(sys.stderr.fileno())
    return (output.st_dev, output.st_ino) == (error.st_dev, error.st_ino)


def feeds_a_program() -> bool:
    """Tell whether standard output is read by another program, which may write to the terminal itself."""
    try:
        mode = os.fstat(sys.stdout.fileno()).st_mode
    except OSError:  # a stand-in, or closed
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


class _Closed(io.TextIOBase):
    """Standard output that was closed before the start: what can't be written must not seem so."""

    encoding = "utf-8"

    def write(self, _text: str, /) -> int:
        raise OSError(errno.EBADF, "standard output is closed")


def _throw_away(stream: TextIO) -> None:
    from event_streamer_sdk._runs.output import throw_away  # only where something went wrong

    throw_away(stream)
