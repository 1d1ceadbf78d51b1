"""The service that is attacked: a process of its own on loopback, watched from another address."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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

    def figure(self, name: str) -> float:
        """Ask for the sum of a metric over its labels."""
        with RawClient(self.url, key=ADMIN) as admin:
            lines = admin.http.get("/metrics").text.splitlines()
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in lines
            if line.startswith((f"event_streamer_{name}{{", f"event_streamer_{name} "))
        )


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
