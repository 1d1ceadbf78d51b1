"""
Says how the tests are spread over processes: how many there are, and which file comes first.

Most tests wait more than they reckon: for a process to start, a database, a back-off. Two processes a core
keep a core busy. And a long file that comes last is waited for by all others, so the longest come first.
"""

import os
from collections import Counter, defaultdict
from typing import Any

import pytest

_KEY = "event-streamer/seconds"
# What is assumed of a file that never ran here: a test marked `slow` takes more than ten seconds.
_SLOW, _OTHER = 15.0, 0.3


def processes() -> int:
    """How many processes run the tests."""
    return max(1, min(8, 2 * (os.cpu_count() or 1)))


class LongestFilesFirst:
    """Brings the longest files forward, by what their last run took (in pytest's cache) or may take."""

    def __init__(self, config: pytest.Config) -> None:
        # Absent with `-p no:cacheprovider`.
        self._cache: pytest.Cache | None = getattr(config, "cache", None)
        self._is_worker = hasattr(config, "workerinput")
        self._ran: Counter[str] = Counter()
        self._took: defaultdict[str, float] = defaultdict(float)

    def _known(self) -> dict[str, tuple[int, float]]:
        known: Any = self._cache.get(_KEY, None) if self._cache is not None else None
        return known if isinstance(known, dict) else {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort the files; in one process they stay as they are, as a reader expects it."""
        if not self._is_worker:
            return
        known, expected = self._known(), defaultdict[str, float](float)
        for item in items:
            file = item.nodeid.partition("::")[0]
            tests, seconds = known.get(file, (0, 0.0))
            guessed = _SLOW if item.get_closest_marker("slow") else _OTHER
            expected[file] += seconds / tests if tests else guessed
        items.sort(key=lambda item: -expected[item.nodeid.partition("::")[0]])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up what a file's tests take."""
        file = report.nodeid.partition("::")[0]
        self._took[file] += report.duration
        self._ran[file] += report.when == "call"

    def pytest_sessionfinish(self) -> None:
        """Keep it for the next run, of files of which as many tests ran as before."""
        if self._is_worker or self._cache is None:
            return
        known = self._known()
        for file, tests in self._ran.items():
            if tests and tests >= known.get(file, (0, 0.0))[0]:
                known[file] = (tests, round(self._took[file], 2))
        self._cache.set(_KEY, known)
