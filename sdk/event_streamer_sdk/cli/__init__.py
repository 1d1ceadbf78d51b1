"""
The `event-streamer` command: subscriptions, streams, chains, breakers and ABIs from a terminal.

It needs the extra `[cli]` (typer and rich). The service adds commands of its own (`serve`, `demo`)
through the entry-point group `event_streamer.commands`: each entry is a function with typer's
annotations, loaded only when it is called for.
"""

import sys

from event_streamer_sdk._core.words import install_hint
from event_streamer_sdk.cli import _streams

__all__ = ["main"]


def main() -> None:
    """
    Run the command line; the process ends with its exit code.

    Exit codes: 0 done, 1 refused or failed (one line on standard error says why), 2 wrong usage,
    130 interrupted with Ctrl-C.
    """
    _streams.prepare()
    try:
        sys.exit(_run())
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        _streams.settle()


def _run() -> int:
    try:
        import rich  # noqa: F401 (only to see whether the extra is there)
        import typer  # noqa: F401
    except ImportError:
        sys.exit(f"event-streamer needs its extra: {install_hint('cli')}")
    from event_streamer_sdk.cli._app import run

    return run()
