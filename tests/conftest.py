"""What holds for all tests: hypothesis profiles, their order, Ctrl-C, and that CI skips nothing."""

import asyncio
import os
import signal
import warnings
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from support import delays
from support.order import LongestFilesFirst, processes

# A shell without job control starts what it runs in the background with SIGINT ignored, and that is handed
# down to every program a test starts (POSIX, Shell Command Language, 2.11): there Ctrl-C could not be tested.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

if os.environ.get("EVENT_LOOP") == "uvloop":
    # `make test-uvloop`: every event loop of this process is one of uvloop's.
    import uvloop

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of policies, since Python 3.14
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

if os.environ.get("DELAYS"):
    delays.install(int(os.environ["DELAYS"]))  # `make test-delays`

# No deadline: a busy machine is no failure. CI is derandomised, so that it fails for a change and not by
# luck; a developer's run goes on looking, and `make fuzz` looks long.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile(
    "fuzz", deadline=None, max_examples=20_000, print_blob=True, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if IN_CI else "default"))


def pytest_configure(config: pytest.Config) -> None:
    """Let the longest files come first."""
    config.pluginmanager.register(LongestFilesFirst(config), "longest-files-first")


def pytest_xdist_auto_num_workers() -> int:
    """Say what `--numprocesses=auto` means."""
    return processes()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """
    Turn a skipped test into a failure, in CI only: what a test needs can be installed there.

    Tests marked `shared` are let off: what they need is no part of the project.
    """
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail") and not item.get_closest_marker("shared"):
        told: Any = report.longrepr
        reason = told[2] if isinstance(told, tuple) else told
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI doesn't allow. {reason}"
    return report
