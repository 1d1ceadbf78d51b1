"""A stop ends the process, whatever it waits for: a database that is silent, a name that nobody looks up."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Connection, text

from event_streamer_service.store.database import Database
from support.replicas import node_process
from support.service_process import service_process
from support.services import wait_until
from support.slow_link import Link, link_to

FOR_EVER = 30
"""Seconds: what hung did so until the database spoke again, or for as long as a look-up takes."""


@pytest.fixture
def link(postgres_database: str) -> Iterator[Link]:
    with link_to(urlsplit(postgres_database).port or 5432) as made:
        yield made


def linked(link: Link) -> str:
    """Two servers, both silent when the link is."""
    host = f"host=127.0.0.1:{link.url_port}"
    return f"postgresql://tests@/postgres?{host}&{host}"


def closed_in_time(database: Database, link: Link) -> bool:
    closing = threading.Thread(target=database.close, daemon=True)
    closing.start()
    closing.join(FOR_EVER)
    in_time = not closing.is_alive()
    link.silent = False  # else the test's own end would hang
    closing.join(FOR_EVER)
    return in_time


@pytest.mark.postgres
def test_work_whose_caller_was_cancelled_holds_up_no_close(link: Link) -> None:
    """A replica that renewed its lease when it was stopped: nobody severed the connection it waited for."""
    held = Database(linked(link))
    began = threading.Event()

    def work(connection: Connection) -> None:
        began.set()
        connection.execute(text("SELECT 1"))

    async def leave() -> None:
        link.silent = True
        waiting = asyncio.create_task(held.run(work))
        await asyncio.to_thread(began.wait)
        waiting.cancel()
        await asyncio.wait({waiting})

    asyncio.run(leave())
    assert closed_in_time(held, link)


@pytest.mark.postgres
@pytest.mark.parametrize("sent", range(4))
def test_a_connection_that_is_being_made_holds_up_no_close(link: Link, sent: int) -> None:
    """The server falls silent after so many messages, of which the last ones set the connection up."""
    held = Database(linked(link), connections=1)
    link.cut()

    async def connect() -> None:
        link.falls_silent_after = link.sent + sent
        reading = asyncio.create_task(held.read(lambda connection: connection.execute(text("SELECT 1"))))
        await asyncio.to_thread(wait_until, lambda: link.silent)
        reading.cancel()
        await asyncio.wait({reading})

    asyncio.run(connect())
    assert closed_in_time(held, link)


@pytest.mark.postgres
@pytest.mark.parametrize("sent", [1, 8, 25, 54, 63, 70])
def test_a_start_is_stopped_wherever_its_database_falls_silent(link: Link, sent: int, tmp_path: Path) -> None:
    """Connecting, making the tables, taking the place, joining the others: of 74 messages in all."""
    how = signal.SIGTERM if sent % 2 else signal.SIGINT
    link.falls_silent_after = sent
    command = [sys.executable, "-W", "error", "-m", "event_streamer_service", "--port", "0", "--replicas"]
    errors = tmp_path / "stderr"
    with errors.open("w") as stderr:
        starting = subprocess.Popen(
            [*command, "--database", linked(link)], stdout=subprocess.DEVNULL, stderr=stderr
        )
        try:
            wait_until(lambda: link.silent or starting.poll() is not None, seconds=60)
            starting.send_signal(how)
            assert starting.wait(FOR_EVER) == (0 if how == signal.SIGTERM else 130)
        finally:
            starting.kill()
            starting.wait()
    said = errors.read_text()
    assert "Traceback" not in said
    assert "takes too long" not in said


@pytest.mark.postgres
def test_a_replica_stops_while_it_renews_its_lease_with_a_silent_database(link: Link) -> None:
    with (
        node_process(3) as node,
        service_process(
            *("--database", linked(link), "--replicas", "--chain", f"31337={node.url}", "--port", "0"),
        ) as service,
    ):
        link.silent = True
        before = link.sent
        wait_until(lambda: link.sent > before, seconds=60)  # every two seconds
        assert service.end(signal.SIGTERM, patience=FOR_EVER) == 0
        link.silent = False
    said = "".join(service.log)
    assert "Traceback" not in said
    assert "takes too long" not in said


SLOW_NAMES = """
import socket, time
from pathlib import Path
look_up = socket.getaddrinfo
def slow(host, *arguments, **options):
    if host in ("slow.example", b"slow.example"):
        Path({asked!r}).touch()
        time.sleep(120)
    return look_up(host, *arguments, **options)
socket.getaddrinfo = slow
"""


def test_a_look_up_of_a_name_holds_up_no_stop(tmp_path: Path) -> None:
    """Python waits for the threads in which it looks names up; a resolver without an answer takes 30 s."""
    asked, errors = tmp_path / "asked", tmp_path / "stderr"
    (tmp_path / "sitecustomize.py").write_text(SLOW_NAMES.format(asked=str(asked)))
    command = [sys.executable, "-m", "event_streamer_service", "--port", "0"]
    command += ["--database", "sqlite://", "--chain", "1=http://slow.example:8545"]
    with errors.open("w") as stderr:
        starting = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
        )
        try:
            wait_until(lambda: asked.exists() or starting.poll() is not None, seconds=60)
            starting.send_signal(signal.SIGTERM)
            assert starting.wait(FOR_EVER) == 0
        finally:
            starting.kill()
            starting.wait()
    assert "Traceback" not in errors.read_text()


DEADLINE = """
import threading, time
from event_streamer_service import logs
from event_streamer_service.commands._deadline import Deadline
logs.configure("info", form="text")
with Deadline() as deadline:
    deadline.set({first}, code=1)
    {then}
threading.Thread(target=time.sleep, args=(0.2,)).start()
"""


@pytest.mark.parametrize(
    ("first", "then", "code", "said"),
    [
        (0.1, "threading.Thread(target=time.sleep, args=(120,), name='stuck').start(); time.sleep(60)", 1, 1),
        (600, "deadline.set(0, code=0); time.sleep(60)", 0, 0),
        (0.1, "", 0, 0),
    ],
    ids=["a thread hangs", "all is closed", "it ends by itself"],
)
def test_the_deadline_of_a_stop_ends_the_process(first: float, then: str, code: int, said: int) -> None:
    program = DEADLINE.format(first=first if then else 600, then=then)
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100)
    assert time.monotonic() - began < 60
    assert (done.returncode, len(done.stderr.splitlines())) == (code, said), done.stderr
    assert ("stuck" in done.stderr) == bool(said)
