"""`serve` as a process: what it prints, how it stops, and what it refuses to start with."""

import json
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from event_streamer_service import DevChain
from support.raw_client import RawClient, definition
from support.service_process import refused, service_process


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/service.db"


@pytest.mark.quick
def test_it_prints_its_url_and_has_events_at_once(database: str) -> None:
    with service_process("--database", database, "--port", "0") as service:
        with RawClient(service.url) as client:
            number = client.subscribe()
            with client.stream(number) as stream:
                assert stream.next("event_batch")["first_block"] == 0
        assert service.end(signal.SIGTERM) == 0
    lines = [json.loads(line) for line in service.log]
    assert {"time", "level", "logger", "message"} <= lines[0].keys()
    assert lines[0]["message"] == "Started"
    assert (lines[0]["url"], lines[0]["database"]) == (service.url, database)
    assert "31337" in lines[0]["chains"]
    assert lines[-1]["message"] == "Stopped"


def test_the_development_chain_grows_by_itself_and_stands_in_for_another(database: str) -> None:
    arguments = ("--dev-chain-id", "1", "--dev-first-block", "19000000", "--dev-block-seconds", "0.1")
    process = service_process("--database", database, "--port", "0", *arguments)
    with process as service, RawClient(service.url) as client:
        number = client.subscribe(chain_id=1, start_block=19_000_000)
        with client.stream(number) as stream:
            head = stream.next("event_batch")["head_block"]
            stream.batches_to(head + 3)


def test_the_development_chain_is_as_long_as_it_was(database: str) -> None:
    arguments = ("--database", database, "--port", "0", "--dev-block-seconds")
    at_first = DevChain().head_number
    with service_process(*arguments, "0.02") as service, RawClient(service.url) as client:
        number = client.subscribe(start_block=at_first)
        with client.stream(number) as stream:
            stream.batches_to(at_first + 50)
        assert service.end(signal.SIGTERM) == 0
    process = service_process(*arguments, "1000")
    with process as service, RawClient(service.url) as client, client.stream(number) as stream:
        assert stream.next("event_batch")["head_block"] >= at_first + 50


def test_chains_of_the_database_are_enough(database: str) -> None:
    arguments = ("--database", database, "--port", "0")
    with service_process(*arguments) as service, RawClient(service.url) as client:
        node = {"chain_id": 137, "name": "Polygon", "rpc_urls": ["http://127.0.0.1:9"]}
        client.post("/api/chains", node, 201)
        assert client.get("/api/chains/stats")["supported_chain_ids"] == [137, 31_337]
    with service_process(*arguments) as service, RawClient(service.url) as client:
        assert client.get("/api/chains/stats")["supported_chain_ids"] == [137]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_streams_cleanly_within_seconds(database: str, number: int) -> None:
    with service_process("--database", database, "--port", "0") as service, RawClient(service.url) as client:
        with client.stream(client.subscribe()) as stream:
            stream.next("event_batch")
            codes: list[int] = []
            ender = threading.Thread(target=lambda: codes.append(service.end(number, patience=30)))
            ender.start()
            kinds = [message["type"] for message in stream.messages()]
            ender.join()
        assert kinds[-1] == "error"
        assert codes == [0]
        assert "takes too long" not in "".join(service.log)


def test_keys_come_from_the_environment_too(database: str) -> None:
    with service_process(
        "--database", database, "--port", "0", "--host", "0.0.0.0", "--api-key", "alice=a-long-enough-key",
        EVENT_STREAMER_API_KEYS="bob=b-long-enough-key,carol=c-long-enough-key",
        EVENT_STREAMER_ADMIN_KEYS="root-long-enough-key",
    ) as service:  # fmt: skip
        for key, name in (("a", "alice"), ("b", "bob"), ("c", "carol")):
            with RawClient(service.url, key=f"{key}-long-enough-key") as client:
                client.post("/subscriptions", definition(subscriber_id=name), 201)
        with RawClient(service.url, key="root-long-enough-key") as client:
            assert client.get("/subscriptions")["total"] == 3
            client.get("/admin/faults", 404)
        with RawClient(service.url) as client:
            client.get("/subscriptions", 401)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--port", "99999"], 2, "Port 99999 doesn't exist"),
        (["--port", "-1"], 2, "Port -1 doesn't exist"),
        (["--host", "0.0.0.0"], 2, "set API keys"),
        (["--host", "::"], 2, "set API keys"),
        (["--host", "203.0.113.7", "--api-key", "a=a-long-enough-key"], 1, "Can't listen on 203.0.113.7"),
        (
            ["--host", "no.such.host.invalid", "--api-key", "a=a-long-enough-key"],
            1,
            "Can't listen on no.such.host.invalid",
        ),
        (["--database", "mysql://x"], 2, "SQLite or PostgreSQL"),
        (["--database", "nonsense"], 2, "The database URL can't be read"),
        (["--database", "sqlite:////nowhere/x.db"], 1, "Can't open the database"),
        (["--database", "postgresql://u:secret@127.0.0.1:1/x"], 1, "Connection refused"),
        (["--chain", "1=http://127.0.0.1:9/secret"], 1, "Chain 1 can't be read"),
        (
            ["--chain", "1=http://127.0.0.1:9", "--chain", "1=http://127.0.0.1:8"],
            2,
            "--chain 1 is given twice",
        ),
        (["--block-time", "2"], 2, "--block-time"),
        (["--requests-per-second", "0"], 2, "requests_per_second must be more than 0"),
        (["--chain", "nonsense"], 2, "--chain must be ID=URL"),
        (["--chain", "1=ftp://x/secret"], 2, "--chain 1: rpc_urls must hold full URLs"),
        (["--api-key", "secret"], 2, "--api-key must be SUBSCRIBER=KEY"),
        (
            ["--api-key", "a=long-enough-secret", "--api-key", "b=long-enough-secret"],
            2,
            "also another subscriber's",
        ),
        (["--recording", "/nowhere"], 2, "--recording /nowhere"),
        (["--recording", "5=/nowhere"], 2, "--recording 5=/nowhere"),
        (["--heartbeat-interval", "0"], 2, "heartbeat_interval must be more than 0"),
        (["--log-level", "loud"], 2, "--log-level loud"),
        (["--log-format", "xml"], 2, "--log-format xml"),
        (["--dev-chain-id", "0"], 2, "chain_id must be 1 or more"),
        (["--host", ""], 2, "Every interface can be reached"),
        (
            ["--database", "file:/nowhere/database"],
            2,
            "/nowhere/database can't be read: No such file",
        ),
        (["--api-key", "a=sha256:secret"], 2, "64 hexadecimal digits"),
        (["--config", "/nowhere/service.toml"], 2, "--config /nowhere/service.toml: No such file"),
    ],
)
def test_what_can_not_start_says_so_in_one_line(
    database: str, arguments: list[str], code: int, says: str
) -> None:
    """With 2 where the command line is wrong, with 1 where the machine has it otherwise."""
    port = [] if "--port" in arguments else ["--port", "0"]
    ended, lines = refused("--database", database, *port, *arguments)
    assert ended == code
    assert len(lines) == 1, lines
    assert lines[0].startswith("event-streamer serve: ")
    assert says in lines[0]
    assert "secret" not in lines[0]


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        database = f"sqlite:///{tmp_path / 'service.db'}"
        code, lines = refused("--database", database, "--port", str(taken.getsockname()[1]))
    assert code == 1
    assert not list(tmp_path.iterdir()), "nothing is left behind"
    assert "Address already in use" in lines[0]
    assert "--port 0" in lines[0]


def test_a_process_that_may_open_hardly_any_files_says_so(tmp_path: Path) -> None:
    serve = f"{sys.executable} -m event_streamer_service --port 0 --database sqlite:///{tmp_path / 'x.db'}"
    done = subprocess.run(["bash", "-c", f"ulimit -n 12; exec {serve}"], capture_output=True, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "may open 12 files, and the service needs 64" in done.stderr


def test_a_process_without_threads_says_so(tmp_path: Path) -> None:
    """As root no limit of threads holds, so what Python raises where one does is raised here."""
    program = (
        "import sys, threading\n"
        'def start(self): raise RuntimeError("can\'t start new thread")\n'
        "threading.Thread.start = start\n"
        "from event_streamer_service.commands.serve import main\n"
        f"sys.argv = ['serve', '--port', '0', '--database', 'sqlite:///{tmp_path / 'x.db'}']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "no more threads" in done.stderr


def test_one_service_works_on_a_database_file(tmp_path: Path) -> None:
    """By whichever name it is called."""
    (tmp_path / "link.db").symlink_to(tmp_path / "service.db")
    database = f"sqlite:///{tmp_path}/service.db"
    with service_process("--database", database, "--port", "0") as service:
        code, lines = refused("--database", f"sqlite:///{tmp_path}/link.db", "--port", "0")
        assert code == 1
        assert len(lines) == 1, lines
        assert "Another service is using" in lines[0]
        service.end(signal.SIGKILL)
    with service_process("--database", database, "--port", "0") as service:
        assert service.end(signal.SIGTERM) == 0


def test_the_command_line_knows_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "event_streamer_sdk.cli", "serve", "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "--database" in done.stdout
