"""The service that is attacked: a process of its own on loopback, watched from another address."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from support.ports import own_port
from support.raw_client import RawClient
from support.service_process import ServiceProcess

KEY, ADMIN = "an-attackers-own-key", "the-admins-own-key-0"
LIMITS = {
    "head_timeout": "4",
    "body_timeout": "4",
    "write_timeout": "4",
    "max_connections": "1000",
    "max_connections_per_address": "600",
    "max_stored_bytes": "4000000",
}
"""Smaller than the defaults, so that an attack meets them within seconds."""


class Victim:
    """
    A service that can be started again on the same port and database.

    Args:
        arguments: Those of `serve`.
    """

    def __init__(self, *arguments: str) -> None:
        port = own_port()
        self.url = f"http://127.0.0.1:{port}"
        self.place = ("127.0.0.1", port)
        self._arguments = (*arguments, "--port", str(port))
        self._process = ServiceProcess(*self._arguments)

    @property
    def log(self) -> list[str]:
        """What it has logged since it was started last."""
        return self._process.log

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.process.pid

    def memory(self) -> int:
        """Resident memory, in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the service is gone")

    def end(self, number: int) -> int:
        """Send it a signal that ends it; returns its exit code."""
        return self._process.end(number)

    def start(self) -> None:
        """Start it again."""
        self._process = ServiceProcess(*self._arguments)

    def close(self) -> None:
        """End it, if it still runs."""
        if self._process.process.poll() is None:
            self._process.end()

    def open_streams(self) -> int:
        """Ask how many streams are open."""
        with RawClient(self.url, key=ADMIN) as admin:
            for line in admin.http.get("/metrics").text.splitlines():
                if line.startswith("event_streamer_open_streams"):
                    return int(float(line.split()[-1]))
        return 0


@contextmanager
def victim(
    *, limits: dict[str, str], keys: bool = True, database: str | None = None, log_level: str = "warning"
) -> Iterator[Victim]:
    """
    Run a service, with an attacker's key and an admin's.

    Args:
        limits: Settings, as the configuration file has them.
        keys: Whether it has keys at all.
        database: Its URL; an SQLite file unless given.
        log_level: What it logs.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "service.toml"
        lines = [f'[keys]\nadmin = ["{ADMIN}"]', f'[keys.subscribers]\nattacker = ["{KEY}"]'] if keys else []
        lines += ["[limits]", *(f"{name} = {value}" for name, value in (LIMITS | limits).items())]
        config.write_text("\n".join(lines) + "\n")
        made = Victim(
            *("--config", str(config), "--log-level", log_level),
            *("--database", database or f"sqlite:///{folder}/x.db"),
        )
        try:
            yield made
        finally:
            made.close()


class HealthWatch:
    """
    Asks /health again and again, from another address, and remembers the longest answer.

    Attributes:
        longest: Seconds.
        failed: What was not answered with 200.
    """

    def __init__(self, url: str) -> None:
        self.longest = 0.0
        self.failed: list[str] = []
        self._http = httpx.Client(
            base_url=url, timeout=30, transport=httpx.HTTPTransport(local_address="127.0.0.3")
        )
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            began = time.monotonic()
            try:
                answered = self._http.get("/health")
                if answered.status_code != 200:
                    self.failed.append(f"{answered.status_code} {answered.text}")
            except httpx.HTTPError as problem:
                self.failed.append(repr(problem))
            self.longest = max(self.longest, time.monotonic() - began)

    def close(self) -> None:
        """Stop asking."""
        self._over.set()
        self._thread.join(35)
        self._http.close()
