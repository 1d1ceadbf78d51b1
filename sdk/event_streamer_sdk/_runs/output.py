"""Standard output whose reader is gone, as behind `python program.py | head`."""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn, TextIO

from .._core.stream.commands import OutputClosedError


def judged(error: BaseException) -> BaseException:
    """
    Tell a handler's `print` that nobody reads any more from other broken pipes, which may come back.

    Args:
        error: What a handler raised.

    Returns:
        The error, or an `OutputClosedError` in place of it.
    """
    if not isinstance(error, BrokenPipeError) or not _nobody_reads(sys.stdout):
        return error
    return OutputClosedError(error.errno, "nobody reads standard output any more")


def end_quietly(closed: OutputClosedError) -> NoReturn:
    """
    End the program as a filter ends when its reader has seen enough: at once, with exit code 1, silently.

    click and rich do the same. What is still to be written is thrown away, or Python would complain of it
    when it ends.

    Args:
        closed: What ended the run. In another thread than the main one it is raised: only that one ends the
            program.

    Raises:
        SystemExit: In the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        raise closed
    throw_away(sys.stdout)
    raise SystemExit(1) from closed


def throw_away(stream: TextIO) -> None:
    """Let nothing more reach a stream of the system's, as a reader that is gone or a disk that is full."""
    try:
        descriptor = stream.fileno()
    except OSError:  # no file of the system: a stand-in
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _nobody_reads(stream: TextIO | None) -> bool:
    if stream is None:
        return False
    try:
        import select

        ask = select.poll()
        ask.register(stream, 0)  # errors are told in any case
        return bool(ask.poll(0))
    except (ImportError, AttributeError, OSError, ValueError):  # no such call (Windows), no such file
        return False
