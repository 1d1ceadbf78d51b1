"""What holds for all tests: hypothesis profiles, and that nothing is skipped in CI for want of a tool."""

import os
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

# No deadline: a busy machine is no failure. CI is derandomised, so that it fails for a change and not by
# luck; a developer's run goes on looking, and `make fuzz` looks long.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile(
    "fuzz", deadline=None, max_examples=20_000, print_blob=True, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if IN_CI else "default"))

NEEDS = {
    "npm": "npm, which fetches the packages",
    "anvil": "npm (the anvil node comes from the package @foundry-rs/anvil)",
    "postgres": "a PostgreSQL server (Debian's package postgresql)",
}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a test that was skipped for want of a tool into a failure, in CI only."""
    report = yield
    needed = [why for marker, why in NEEDS.items() if item.get_closest_marker(marker)]
    if IN_CI and report.skipped and needed and not hasattr(report, "wasxfail"):
        reason: Any = report.longrepr
        reason = reason[2] if isinstance(reason, tuple) else reason
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped ({reason}), but CI must run it. It needs {needed[0]}."
    return report
