"""What machines do to a service: files that go, full disks, closed streams, signals, clocks that jump."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from event_streamer_service import DevChain, LocalService, ManualClock
from event_streamer_service.activity import FINE_STEP
from event_streamer_service.errors import StartupError
from event_streamer_service.store.database import Database
from support.ports import own_port
from support.raw_client import RawClient, definition
from support.service_process import refused, service_process
from support.services import wait_until

SERVE = f"exec {sys.executable} -W error -m event_streamer_service"
HOUR = 3600.0


@contextmanager
def shell_service(
    folder: Path, form: str, **environment: str
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run a service by a shell's command, in which SERVE stands for it; gives its URL."""
    port = own_port()
    serve = f"{SERVE} --port {port} --database sqlite:///{folder / 'service.db'} --log-format json"
    process = subprocess.Popen(
        ["bash", "-c", form.replace("SERVE", serve)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=os.environ | environment,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(url) or process.poll() is not None, seconds=60)
        yield url, process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


# --- standard streams, language, time zone -------------------------------------------------------------

ODD_MACHINE = {
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "TZ": "Pacific/Kiritimati",
}


@pytest.mark.parametrize(
    "form",
    [
        "SERVE <&- >&- 2>&-",
        "SERVE > >(exec head -c 0) 2> >(exec head -1 >&2)",
        "unset HOME XDG_CONFIG_HOME; SERVE >/dev/full",
    ],
    ids=["closed", "nobody reads", "full"],
)
def test_it_serves_whatever_it_is_started_in(tmp_path: Path, form: str) -> None:
    with shell_service(tmp_path, form, **ODD_MACHINE) as (url, process):
        assert process.poll() is None, process.communicate()
        with RawClient(url) as client:
            number = client.subscribe(subscriber_id="Jürgen ☃")
            assert client.subscription(number)["subscriber_id"] == "Jürgen ☃"
            client.get("/nowhere", 404)
        before = time.time()
        if sys.platform == "linux":
            places = [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)]
            assert not [place for place in places if "socket" in place or place.endswith(".db")]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in out + err
    for line in err.splitlines():
        logged = datetime.fromisoformat(json.loads(line)["time"])
        assert logged.tzinfo == UTC
        assert abs(logged.timestamp() - before) < 60


# --- signals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code", "says"),
    [(signal.SIGTERM, 0, "stopped by SIGTERM before it was ready"), (signal.SIGINT, 130, "")],
    ids=["SIGTERM", "SIGINT"],
)
def test_a_signal_during_the_start_ends_it(tmp_path: Path, number: int, code: int, says: str) -> None:
    """A node that takes the connection and says nothing: the start waits for it."""
    database = tmp_path / "service.db"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        chain = f"1=http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", "event_streamer_service", "--port", "0", "--chain", chain,
             "--database", f"sqlite:///{database}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        silent.settimeout(60)
        silent.accept()[0].close()
        process.send_signal(signal.SIGHUP)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert out == ""
    assert says in err
    assert "Traceback" not in err
    Database(f"sqlite:///{database}").close()


# --- the database's file ---------------------------------------------------------------------------------


def test_a_file_that_is_gone_is_told_and_nothing_is_promised_until_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is written to a deleted file dies with the process, so that no acknowledgement may count."""
    file, elsewhere = tmp_path / "service.db", tmp_path / "elsewhere.db"
    with (
        LocalService(DevChain(blocks=3), database=f"sqlite:///{file}") as service,
        RawClient(service.url) as client,
    ):
        number = client.subscribe()
        with client.stream(number) as stream:
            batch = stream.next("event_batch")
            file.rename(elsewhere)
            path = f"/subscriptions/{number}/stream/{stream.connection_id}/ack/batch"
            client.post(path, {"batch_id": batch["batch_id"]}, 503)
            client.post("/subscriptions", definition(), 503)
            client.get("/health", 503)
            elsewhere.rename(file)
            client.post("/subscriptions", definition(), 201)
            wait_until(lambda: client.subscription(number)["events_delivered"] > 0)
        file.write_bytes(b"")
        assert client.http.get(f"/subscriptions/{number}").status_code in {200, 503}
    told = [record for record in caplog.records if record.getMessage() == "The database can't be used"]
    assert "is gone; put it back" in told[0].fields["reason"]  # type: ignore[attr-defined]
    assert not [record for record in caplog.records if record.exc_info]


def test_a_disk_that_fills_up_loses_nothing_that_was_promised(tmp_path: Path) -> None:
    """A limit of the file's size stands for the disk: SQLite is told so by the system in the same way."""
    with shell_service(tmp_path, "ulimit -f 300; SERVE") as (url, process):
        made = []
        with RawClient(url) as client:
            for index in range(2000):
                answer = client.http.post("/subscriptions", json=definition(subscriber_id=f"{index}" * 100))
                if answer.status_code == 503:
                    break
                assert answer.status_code == 201, answer.text
                made.append(answer.json()["id"])
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert client.get(f"/subscriptions/{made[-1]}")["id"] == made[-1]
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err
    with (
        service_process("--database", f"sqlite:///{tmp_path}/service.db", "--port", "0") as again,
        RawClient(again.url) as client,
    ):
        assert client.get("/subscriptions")["total"] == len(made)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere/x.db", "There is no folder"),
        ("folder", "is a folder"),
        ("text.db", "file is not a database"),
    ],
)
def test_a_file_that_can_not_be_one_says_why(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.db").write_text("no database at all\n" * 100)
    with pytest.raises(StartupError, match="Can't open the database") as told:
        Database(f"sqlite:///{tmp_path / name}")
    assert says in str(told.value)


def test_a_working_directory_that_is_gone_is_told(tmp_path: Path) -> None:
    """As after a release that a tool has removed: a relative path leads nowhere."""
    form = f"mkdir gone; cd gone; rmdir ../gone; {SERVE} --port 0"
    done = subprocess.run(["bash", "-c", form], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "the folder in which the service was started is gone" in done.stderr


def test_tables_of_another_program_are_not_taken_for_ours(database: str) -> None:
    from sqlalchemy import create_engine, text

    engine = create_engine(database.replace("postgresql", "postgresql+psycopg", 1))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE subscriptions (id INTEGER, plan VARCHAR)"))
    with pytest.raises(StartupError, match="tables that another program made: subscriptions"):
        Database(database)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE subscriptions"))
    Database(database).close()
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE event_streamer_settings SET value = 'x' WHERE name = 'schema_version'")
        )
    engine.dispose()
    with pytest.raises(StartupError, match="schema version is 'x'"):
        Database(database)


@pytest.fixture
def other_users_folder() -> Iterator[Path]:
    """A folder that every user may enter: pytest's own are closed to others."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("mode", "says"),
    [("folder", "may not write to the folder"), ("file", "may not read and write the file")],
)
def test_files_that_this_user_may_not_write_are_named(other_users_folder: Path, mode: str, says: str) -> None:
    """In a container that runs as any user the mounted folder is often root's."""
    file = other_users_folder / "service.db"
    Database(f"sqlite:///{file}").close()
    if mode == "file":
        other_users_folder.chmod(0o777)
        file.chmod(0o444)
    program = (
        "import os, sys\n"
        "from event_streamer_service.errors import StartupError\n"
        "from event_streamer_service.store.database import Database\n"
        "import sqlite3, sqlalchemy.dialects.sqlite\n"
        "os.setgroups([]); os.setgid(54321); os.setuid(54321)\n"
        "try:\n"
        f"    Database('sqlite:///{file}')\n"
        "except StartupError as told:\n"
        "    print(told)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr == ""
    assert says in done.stdout


# --- addresses and the clock -------------------------------------------------------------------------------


def test_an_address_of_ipv6_alone(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as missing:
        pytest.skip(f"no IPv6 here: {missing}")
    with (
        LocalService(DevChain(blocks=3), host="::1") as service,
        RawClient(service.url) as client,
        client.stream(client.subscribe()) as stream,
    ):
        assert service.url.startswith("http://[::1]:")
        assert stream.next("event_batch")
        code, lines = refused("--host", "::1", "--port", service.url.rpartition(":")[2])
    assert code == 1
    assert len(lines) == 1, lines
    assert "Can't listen on [::1]:" in lines[0]


def _look(service: LocalService) -> None:
    activity = service.service.activity
    activity.look((activity._looked_at or 0.0) + FINE_STEP)


@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "ahead"])
def test_the_machines_clock_jumps_by_an_hour(sqlite_database: str, jump: float) -> None:
    clock, chain = ManualClock(), DevChain(blocks=5, logs_per_block=0)
    with (
        LocalService(chain, clock=clock, database=sqlite_database) as service,
        RawClient(service.url) as client,
    ):
        keyed = {"headers": {"Idempotency-Key": "once"}, "json": definition()}
        number = client.call("POST", "/subscriptions", 201, **keyed)["id"]
        with client.stream(number) as stream:
            chain.transfer("0x" + "aa" * 20, "0x" + "bb" * 20, 1, mine=True)
            batch = stream.next("event_batch")
            _look(service)
            clock.advance(jump)
            _look(service)
            stream.acknowledge(batch)
            chain.transfer("0x" + "aa" * 20, "0x" + "bb" * 20, 2, mine=True)
            later = stream.next("event_batch")
        assert client.call("POST", "/subscriptions", 201, **keyed)["id"] == number
        with client.stream(number, batch["resume_token"]) as stream:
            assert stream.next("event_batch")["batch_id"] != later["batch_id"]
        assert client.subscription(number)["events_delivered"] == 1
        seen = [point.at for point in service.service.activity._fine]
    assert seen == sorted(seen)
    assert seen[-1] <= clock.time()


# --- process 1 of a container ----------------------------------------------------------------------------

ALONE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


@contextmanager
def process_1(folder: Path, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A service that is process 1 of a namespace of its own; gives the `unshare` around it, and its id."""
    try:
        subprocess.run([*ALONE, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as missing:
        pytest.skip(f"no namespaces here: {missing}")
    around = subprocess.Popen(
        [*ALONE, sys.executable, "-m", "event_streamer_service", "--port", "0", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
    )  # fmt: skip
    children = Path(f"/proc/{around.pid}/task/{around.pid}/children")
    try:
        wait_until(children.read_text)
        yield around, int(children.read_text())
    finally:
        around.kill()
        around.communicate()


def test_process_1_heeds_sigterm_while_python_loads_it(tmp_path: Path) -> None:
    """The system gives process 1 no signal without a handler: `docker stop` would wait its ten seconds."""
    with process_1(tmp_path) as (around, process):
        while around.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
            time.sleep(0.02)
        out, err = around.communicate()
    assert (around.returncode, out, err) == (130, "", ""), "not as late as its start, which says so with 0"


def test_process_1_stops_at_sigterm(tmp_path: Path) -> None:
    with process_1(tmp_path) as (around, process):
        assert around.stdout is not None
        assert around.stdout.readline().startswith("http://")
        os.kill(process, signal.SIGTERM)
        around.communicate(timeout=30)
    assert around.returncode == 0
