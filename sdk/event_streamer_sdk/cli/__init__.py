"""
The `event-streamer` command: subscriptions, streams, chains, breakers and ABIs from a terminal.

It needs the extra `[cli]` (typer and rich). The service adds commands of its own (`serve`, `demo`)
through the entry-point group `event_streamer.commands`: each entry is a function with typer's
annotations, loaded only when it is called for.
"""

# Until `main` runs, Ctrl-C ends in Python's traceback: nothing slow is imported here.
import os
import sys

from event_streamer_sdk.cli import _streams

__all__ = ["main"]


def main() -> None:
    """
    Run the command line; the process ends with its exit code.

    Exit codes: 0 done, 1 refused or failed (one line on standard error says why), 2 wrong usage,
    130 interrupted with Ctrl-C.
    """
    try:
        heed_sigterm()
        _streams.prepare()
        sys.exit(_run())
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        _streams.settle()


def heed_sigterm() -> None:
    """
    Let SIGTERM end process 1 of a container as Ctrl-C does, until the command takes signals itself.

    The system gives process 1 no signal that it has no handler for: `docker stop` in the first second, while
    Python loads the command, would wait in vain. Python's own handler is one that `run()` replaces.
    """
    if os.getpid() != 1:
        return
    import signal  # it takes a while, too

    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def _run() -> int:
    try:
        import rich  # noqa: F401 (only to see whether the extra is there)
        import typer  # noqa: F401
    except ImportError:
        from event_streamer_sdk._core.words import install_hint

        sys.exit(f"event-streamer needs its extra: {install_hint('cli')}")
    from event_streamer_sdk.cli._app import run

    return run()
