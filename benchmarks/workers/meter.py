"""What every worker measures itself with: standard library only, since each runs in another environment."""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from typing import Any

PAGE = resource.getpagesize()


class Meter:
    """
    CPU and wall seconds of this process between ``start`` and ``stop``.

    CPU is user and system time of all threads (getrusage): the work's cost, whatever else the machine does.
    """

    def start(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = cpu_seconds()

    def stop(self) -> None:
        self.cpu = cpu_seconds() - self._cpu
        self.wall = time.perf_counter() - self._wall

    def report(self, **more: Any) -> None:
        """Print the figures as the one line that the harness reads."""
        print(
            json.dumps({"cpu": self.cpu, "wall": self.wall, "peak_rss": peak_rss(), **more}),
            file=STDOUT,
            flush=True,
        )


def cpu_seconds() -> float:
    """User and system seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def rss() -> int:
    """Resident bytes now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE


def peak_rss() -> int:
    """
    Highest resident bytes so far.

    From the kernel's status file and not from getrusage: ru_maxrss survives exec, so it would start with what
    the harness itself held when it forked.
    """
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status names no VmHWM: the benchmarks need Linux")


WARM = "999"
"""The subscription that contestants stream first, unmeasured: what is imported late is imported then."""
WARM_EVENTS = 100
WARM_BLOCKS = 20
"""The blocks of a node that contestants read first, unmeasured, for the same reason."""
STDOUT = sys.stdout


def quiet() -> contextlib.redirect_stdout[Any]:
    """Keep what a client prints (the published one prints a good deal) out of the report."""
    return contextlib.redirect_stdout(sys.stderr)
