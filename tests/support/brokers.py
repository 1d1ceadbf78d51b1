"""Redis and NATS for the tests, as Debian has them, and Kafka as librdkafka's own mock cluster."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.ports import own_port


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


class Server:
    """A server in a process of its own, that can be stopped, held, killed and started again on its data."""

    def __init__(self, url: str, port: int, command: list[str], folder: Path) -> None:
        self.url = url
        self.port = port
        self.folder = folder
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=self.folder, stdout=log, stderr=log)
        give_up = time.monotonic() + 20
        while not answers(self.port):
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < give_up, (self.folder / "log").read_text()
            time.sleep(0.02)

    def send(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, number: int = signal.SIGKILL) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
            process.wait(20)


def needed(command: str, package: str) -> str:
    """Find a server's program, installed by apt where we may."""
    if shutil.which(command) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(
            ["apt-get", "install", "-qy", package], env=environment, capture_output=True, check=False
        )
    found = shutil.which(command) or shutil.which(command, path="/usr/sbin")
    if found is None:
        pytest.skip(f"{command} is not installed (Debian and Ubuntu: apt install {package})")
    return found


@contextmanager
def server(command: Callable[[int, Path], list[str]], url: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="event-streamer-broker-") as folder:
        port = own_port()
        made = Server(url.format(port=port), port, command(port, Path(folder)), Path(folder))
        made.start()
        try:
            yield made
        finally:
            made.stop()


@contextmanager
def redis_server(*options: str) -> Iterator[Server]:
    """A Redis that forgets nothing it has answered."""
    program = needed("redis-server", "redis-server")
    durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]

    def command(port: int, folder: Path) -> list[str]:
        place = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        return [program, *place, *durable, *options]

    with server(command, "redis://127.0.0.1:{port}") as made:
        yield made


@contextmanager
def nats_server() -> Iterator[Server]:
    program = needed("nats-server", "nats-server")

    def command(port: int, folder: Path) -> list[str]:
        return [program, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder)]

    with server(command, "nats://127.0.0.1:{port}") as made:
        yield made


@contextmanager
def kafka_cluster(*topics: str) -> Iterator[str]:
    """
    The brokers of a mock cluster, which lives in this process.

    It holds transactions open and commits them, but keeps no mark of those that are aborted: what a consumer
    with `read_committed` would leave out can't be shown with it. It writes nothing to a disk either.
    """
    import confluent_kafka

    holder: Any = confluent_kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none"})
    brokers = holder.list_topics(timeout=20).brokers.values()
    for topic in topics:
        holder.list_topics(topic, timeout=20)  # asking makes it: this cluster knows no request to make topics
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    del holder


class KafkaProcess:
    """A mock cluster in a process of its own, which can be held and killed."""

    def __init__(self, process: "subprocess.Popen[str]", brokers: str) -> None:
        self.process = process
        self.brokers = brokers


@contextmanager
def kafka_process(*topics: str) -> Iterator[KafkaProcess]:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from support.brokers import kafka_cluster\n"
        "with kafka_cluster(*sys.argv[2:]) as brokers:\n    print(brokers, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(Path(__file__).parents[1]), *topics],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield KafkaProcess(process, process.stdout.readline().strip())
    finally:
        process.kill()
        process.communicate(timeout=20)
