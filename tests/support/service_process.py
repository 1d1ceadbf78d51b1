"""The service as a process of its own, to be signalled and killed."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ServiceProcess:
    """A `serve` process that has printed its URL."""

    def __init__(self, *arguments: str, patience: float = 30, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "event_streamer_service", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment,
        )  # fmt: skip
        self.log: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read_stdout, daemon=True),
            threading.Thread(target=self._read_stderr, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self.url = self._first_line(patience)
        if not self.url.startswith("http"):
            self.end()
            raise AssertionError(f"the service did not start: {self.url} {' '.join(self.log)[-2000:]}")

    def _first_line(self, patience: float) -> str:
        """
        Wait for it; time in which others had the CPU doesn't count.

        A start takes 1.2 s of CPU, nearly all of it for imports, and waits for nothing. On a machine with
        other work that is any number of seconds by the clock: 20 s with four loops on the same core.
        """
        began = time.monotonic()
        while time.monotonic() < began + patience + starved(self.process.pid):
            try:
                return self._lines.get(timeout=0.5)
            except queue.Empty:
                continue
        return ""

    def _read_stdout(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.strip())
        self._lines.put("")

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        self.log += self.process.stderr

    def end(self, number: int = signal.SIGKILL, patience: float = 10) -> int:
        """Send a signal and return the exit code, negative where the signal itself ended it."""
        self.process.send_signal(number)
        code = self.process.wait(patience)
        for reader in self._readers:
            reader.join(patience)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()
        return code


def starved(thread: int) -> float:
    """
    Seconds for which a thread was ready to run and others ran instead, where the system (Linux) tells.

    Args:
        thread: Its native id; that of a process stands for its main thread.
    """
    try:
        return int(Path(f"/proc/{thread}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


@contextmanager
def service_process(*arguments: str, **environment: str) -> Iterator[ServiceProcess]:
    service = ServiceProcess(*arguments, **environment)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.end()


def refused(*arguments: str, **environment: str) -> tuple[int, list[str]]:
    """Start a service that can't start; gives its exit code and the lines of what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "event_streamer_service", *arguments],
        capture_output=True, text=True, timeout=60, env=os.environ | environment,
    )  # fmt: skip
    assert done.stdout == "", done.stdout
    return done.returncode, done.stderr.splitlines()
