"""`event-streamer worker` and `worker status`: what is refused, and what is shown."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from event_streamer_service import DevChain, LocalService
from support.ports import own_port

APP = """
def app(stream):
    @stream.on_event("Transfer")
    def handle(events):
        with open("handled", "a") as file:
            file.writelines(f"{event['block_number']}\\n" for event in events)

number = 7
"""
TRANSFER = "event Transfer(address indexed from, address indexed to, uint256 value)"


KEPT = ("--checkpoint", "sqlite:///p.db")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--app module:function"),
        (("--app", "x:y"), "--checkpoint postgresql://"),
        (("--app", "x:y", *KEPT), "--all or which ones"),
        (
            ("--app", "x:y", *KEPT, "--all", "--subscriptions", "1"),
            "--all or which",
        ),
        (
            ("--app", "nowhere_at_all:y", *KEPT, "--all"),
            "no module 'nowhere_at_all'",
        ),
        (("--app", "json:nothing", *KEPT, "--all"), "no function 'nothing'"),
        (("--app", "json", *KEPT, "--all"), "must be module:function"),
        (("--app", "json:loads", *KEPT, "--subscriptions", "1,x"), "must be ids"),
        (
            ("--app", "json:loads", *KEPT, "--all", "--health", "x"),
            "must be host:port",
        ),
    ],
)
def test_wrong_usage(cli: Any, arguments: tuple[str, ...], told: str) -> None:
    refused = cli("worker", *arguments)
    assert refused.code == 2
    assert told in " ".join(refused.err.replace("│", " ").split())


def test_a_database_that_cannot_be(cli: Any) -> None:
    refused = cli("worker", "--app", "json:loads", "--checkpoint", "nonsense", "--all")
    assert refused.code == 2
    assert "not a database" in refused.err
    assert "'nonsense' is not a database" in cli("worker", "status", "--checkpoint", "nonsense").err
    secret = cli("worker", "status", "--checkpoint", "me:hunter2@db")
    assert (secret.code, "hunter2" in secret.err) == (2, False)


@pytest.mark.parametrize("key", [(), ("--api-key", "alices-key", "--subscriber-id", "bob")])
def test_a_status_that_may_not_be_asked_for_is_a_refusal(
    cli: Any, key: tuple[str, ...], tmp_path: Path
) -> None:
    with LocalService(DevChain(blocks=1), api_keys={"alices-key": "alice"}) as service:
        kept = ("--checkpoint", f"sqlite:///{tmp_path}/p.db")
        refused = cli("worker", "status", *kept, "--url", service.url, *key)
    assert (refused.code, refused.out) == (1, "")
    assert "subscription" not in refused.err.partition("Error: ")[0]


def test_a_status_without_the_service_tells_what_workers_say_and_that_this_is_not_all(
    cli: Any, closed_port: int, tmp_path: Path
) -> None:
    kept = ("--checkpoint", f"sqlite:///{tmp_path}/p.db", "--url", f"http://127.0.0.1:{closed_port}")
    partial = cli("worker", "status", *kept, "--json")
    assert "there is no file" in partial.err
    assert not (tmp_path / "p.db").exists(), "status only looks"
    assert partial.code == 1
    assert json.loads(partial.out) == {"workers": [], "streams": []}
    assert "subscriptions that no worker has are left out" in partial.err


@pytest.mark.parametrize("blocking", [False, True], ids=["asyncio", "blocking"])
def test_a_worker_works_tells_and_hands_over(cli: Any, blocking: bool, tmp_path: Path) -> None:
    (tmp_path / "own_app.py").write_text(APP)
    with LocalService(DevChain(blocks=11), heartbeat_interval=0.5) as service:
        at = ("--url", service.url, "--subscriber-id", "me")
        made = cli(
            "subscriptions",
            "create",
            TRANSFER,
            "--chain",
            31337,
            "--start-block",
            0,
            "--end-block",
            10,
            "--json",
            *at,
        )
        assert made.code == 0, made.err
        port = own_port()
        place = f"sqlite:///{tmp_path}/positions.db"
        command = [sys.executable, "-W", "error", "-m", "event_streamer_sdk.cli", "worker", *at]
        command += ["--app", "own_app:app", "--checkpoint", place, "--all", "--lease", "5"]
        command += ["--health", f"127.0.0.1:{port}", *(["--blocking"] if blocking else [])]
        worker = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        try:
            give_up = time.monotonic() + 40
            while True:
                shown = cli("worker", "status", "--checkpoint", place, *at)
                if "finished" in shown.out:
                    break
                assert worker.poll() is None, worker.communicate()[1]
                assert time.monotonic() < give_up, shown
                time.sleep(0.3)
            assert "10" in shown.out
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                assert answer.status == 200
        finally:
            worker.send_signal(signal.SIGTERM)
            _, told = worker.communicate(timeout=20)
        assert worker.returncode == 0, told
        assert "handed over" in told
        assert "took subscription" in told
        assert "Traceback" not in told
        assert (tmp_path / "handled").read_text().splitlines()
        after = cli("worker", "status", "--checkpoint", place, "--json", *at).json
        assert after["workers"] == []
        assert [each["state"] for each in after["streams"]] == ["unattended"]
