"""
The `event-streamer` command: subscriptions, streams, chains, breakers and ABIs from a terminal.

It needs the extra `[cli]` (typer and rich). The service adds commands of its own (`serve`, `demo`)
through the entry-point group `event_streamer.commands`: each entry is a function with typer's
annotations, loaded only when it is called for.
"""

import errno
import io
import os
import sys

__all__ = ["main"]


def main() -> None:
    """
    Run the command line; the process ends with its exit code.

    Exit codes: 0 done, 1 refused or failed (one line on standard error says why), 2 wrong usage,
    130 broken off by Ctrl-C.
    """
    _prepare_streams()
    try:
        sys.exit(_run())
    except KeyboardInterrupt:
        sys.exit(130)


class _Closed(io.TextIOBase):
    """Standard output that was closed before the start: what can't be written must not seem so."""

    encoding = "utf-8"

    def write(self, _text: str, /) -> int:
        raise OSError(errno.EBADF, "standard output is closed")


def _prepare_streams() -> None:
    """Bear standard streams that are closed (`<&-`, `>&-`) or can't encode all characters."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 (open to the end)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (open to the end)
    if sys.stdout is None:
        sys.stdout = _Closed()
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _run() -> int:
    try:
        import rich  # noqa: F401 (only to see whether the extra is there)
        import typer  # noqa: F401
    except ImportError:
        sys.exit("event-streamer needs its extra: pip install 'event-streamer-sdk[cli]'")
    from event_streamer_sdk.cli._app import run

    return run()
