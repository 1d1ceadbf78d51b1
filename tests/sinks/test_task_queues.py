"""The page about task queues: its programs, on a real Redis and NATS, with processes that are killed."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import redis

from event_streamer_service import DevChain, LocalService
from support.brokers import nats_server, redis_server
from support.documents import blocks
from support.environments import environment
from support.services import wait_until
from support.sinks import rows_of_chain

pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]  # the first one installs both
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "task-queues.md"
REQUIREMENTS = ("celery[redis]==5.7.0", "faststream[cli,nats]==0.7.8")
PATIENCE = 100.0
LAST_BLOCK = 60


class Programs:
    """The programs of the page in a folder, each in a process group of its own."""

    def __init__(self, folder: Path, replaced: dict[str, str]) -> None:
        self.folder = folder
        self._python = environment("task-queues", *REQUIREMENTS)
        self._stack = ExitStack()
        for block in blocks(PAGE):
            if block.file is not None:
                code = block.code
                for old, new in replaced.items():
                    code = code.replace(old, new)
                (folder / block.file).write_text(code)

    def start(self, *command: str, python: str | Path | None = None) -> "subprocess.Popen[bytes]":
        log = self._stack.enter_context((self.folder / "log").open("ab"))
        process = subprocess.Popen(
            [str(python or self._python), *command], cwd=self.folder, stdout=log, stderr=log,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}, start_new_session=True,
        )  # fmt: skip
        self._stack.callback(self.kill, process)
        return process

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)

    def rows(self) -> list[tuple[str, int, str]]:
        place = self.folder / "transfers.db"
        if not place.exists():
            return []
        with closing(sqlite3.connect(place, timeout=30)) as database:
            try:
                return database.execute("SELECT block_hash, log_index, value FROM transfers").fetchall()
            except sqlite3.OperationalError:
                return []  # the table isn't there yet

    def wait_for(self, wanted: set[tuple[str, int, str]]) -> None:
        give_up = time.monotonic() + PATIENCE
        while not wanted <= set(self.rows()):
            assert time.monotonic() < give_up, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.2)

    def close(self) -> None:
        self._stack.close()


def are_visible_again(url: str, seconds: float) -> bool:
    """
    Tell whether all that a killed worker has taken is old enough to be given to another.

    Celery's transport (kombu) looks for it when a worker starts, and then only every hundred seconds.
    """
    with redis.Redis.from_url(url) as broker:
        newest = broker.zrange("unacked_index", -1, -1, withscores=True)
    return not newest or time.time() - newest[0][1] > seconds


@pytest.fixture
def chain() -> DevChain:
    return DevChain(blocks=LAST_BLOCK, logs_per_block=4, mine_every=0.25)


@pytest.fixture
def wanted(chain: DevChain) -> set[tuple[str, int, str]]:
    return {(row[1], row[3], str(row[7])) for row in rows_of_chain(chain, 0, LAST_BLOCK - 1)}


@pytest.fixture
def service(chain: DevChain) -> Iterator[LocalService]:
    with LocalService(chain, heartbeat_interval=1.0) as running:
        yield running


def test_celery_behind_redis_loses_nothing_though_dispatcher_and_worker_are_killed(
    service: LocalService, wanted: set[tuple[str, int, str]], tmp_path: Path
) -> None:
    with redis_server() as server, ExitStack() as stack:
        replaced = {
            "http://localhost:8000": service.url,
            "redis://localhost:6379": server.url,
            # Who is killed while it looks for lost tasks keeps others from looking for five minutes.
            '"visibility_timeout": 3600': '"visibility_timeout": 2, "unacked_mutex_expire": 2',
        }
        programs = Programs(tmp_path, replaced)
        stack.callback(programs.close)
        worker_command = ("-m", "celery", "-A", "tasks", "worker", "--concurrency", "2", "-l", "warning")
        programs.start("to_redis.py", python=sys.executable)
        dispatcher = programs.start("dispatch.py")
        worker = programs.start(*worker_command)
        wait_until(lambda: len(programs.rows()) > 10, seconds=PATIENCE)
        programs.kill(dispatcher)
        programs.kill(worker)
        assert len(programs.rows()) < len(wanted), "there was nothing left to lose"
        programs.start("dispatch.py")
        wait_until(lambda: are_visible_again(f"{server.url}/1", 2))
        programs.start(*worker_command)
        programs.wait_for(wanted)


def test_faststream_behind_nats_loses_nothing_though_it_is_killed(
    service: LocalService, wanted: set[tuple[str, int, str]], tmp_path: Path
) -> None:
    with nats_server() as server, ExitStack() as stack:
        replaced = {
            "http://localhost:8000": service.url,
            "nats://localhost:4222": server.url,
            "ack_wait=30": "ack_wait=2",
        }
        programs = Programs(tmp_path, replaced)
        stack.callback(programs.close)
        programs.start("to_nats.py", python=sys.executable)
        wait_until(lambda: any((server.folder / "jetstream").rglob("*.blk")), seconds=PATIENCE)
        consumer = programs.start("-m", "faststream", "run", "consumer:app")
        wait_until(lambda: len(programs.rows()) > 10, seconds=PATIENCE)
        programs.kill(consumer)
        assert len(programs.rows()) < len(wanted), "there was nothing left to lose"
        for _ in range(2):
            programs.start("-m", "faststream", "run", "consumer:app")
        programs.wait_for(wanted)
