"""
Processes as if each ran on a machine of its own: with a link to PostgreSQL, a clock, and a supervisor.

A supervisor starts what has ended again, as systemd and Kubernetes do.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from support.attendance import Presence
from support.slow_link import Link

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def clock_shifted(seconds: float) -> dict[str, str]:
    """
    What makes a process believe that it is so much later; its monotonic clock is left alone.

    Empty where libfaketime isn't there (Debian and Ubuntu: apt install faketime).
    """
    if not seconds or not (shutil.which("faketime") and Path(FAKETIME).exists()):
        return {}
    return {
        "LD_PRELOAD": FAKETIME,
        "FAKETIME": f"{seconds:+.0f}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",
        "NO_FAKE_STAT": "1",
    }


class Machine:
    """
    A machine with one process.

    Args:
        name: Its name.
        command: What runs there; `{database}` becomes the port of its link.
        link: Its way to PostgreSQL.
        clock: Seconds that its clock is ahead.
        log: Where the process writes.
        environment: What it finds in its environment, beside ours.
    """

    def __init__(
        self, name: str, command: list[str], link: Link, clock: float, log: Path, **environment: str
    ) -> None:
        self.name = name
        self.link = link
        self.presence = Presence()
        self.started_at = 0.0
        """When its process was started, seconds since 1970."""
        self.ended: list[str] = []
        """Ends of the process that nobody has asked for."""
        self.stopped_until: float | None = None
        self.cut_until: float | None = None
        self._command = [each.replace("{database}", str(link.url_port)) for each in command]
        self._environment = os.environ | clock_shifted(clock) | environment
        self._log = log
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.process = self._start()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._supervisor.start()

    def _start(self) -> "subprocess.Popen[bytes]":
        self.started_at = time.time()
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def _supervise(self) -> None:
        while not self._closing.wait(0.2):
            with self._lock:
                code = self.process.poll()
                if code is None:
                    continue
                self.presence.died()
                if code not in (-signal.SIGKILL, -signal.SIGTERM, 0):
                    self.ended.append(f"{self.name} ended with {code}: {self.said()[-600:]}")
                self.process = self._start()

    def kill(self) -> None:
        with self._lock:
            self.presence.died()
            self.process.kill()
            self.process.wait(10)

    def end(self) -> None:
        """SIGTERM; a process that is just starting may not know yet that it could hand over."""
        with self._lock:
            self.process.terminate()

    def stop(self, seconds: float) -> None:
        """SIGSTOP; `mend` wakes it when the time has come."""
        with self._lock:
            self.presence.leaves()
            self.process.send_signal(signal.SIGSTOP)
        self.stopped_until = time.monotonic() + seconds

    def cut(self, seconds: float, *, silently: bool) -> None:
        """Take it off the network to PostgreSQL, for so long."""
        self.presence.leaves()
        if silently:
            self.link.silent = True
        else:
            self.link.refusing = True
            self.link.cut()
        self.cut_until = time.monotonic() + seconds

    def mend(self, *, now: float = float("inf")) -> None:
        """End what is over; all of it where no time is given."""
        if self.stopped_until is not None and now >= self.stopped_until:
            with self._lock, suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
            self.stopped_until = None
            self.presence.returns()
        if self.cut_until is not None and now >= self.cut_until:
            self.link.silent = self.link.refusing = False
            self.cut_until = None
            self.presence.returns()

    @property
    def is_well(self) -> bool:
        return self.stopped_until is None and self.cut_until is None and self.process.poll() is None

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def close(self) -> int:
        """End it in good order; gives the exit code."""
        self._closing.set()
        self._supervisor.join(5)
        self.mend()
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            return -signal.SIGKILL


def python(*arguments: str) -> list[str]:
    """The command of a module of ours."""
    return [sys.executable, "-m", *arguments]
