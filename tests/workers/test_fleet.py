"""Workers as processes on PostgreSQL: killed, paused, ended, and replaced."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from support.postgres import Missing, cluster
from support.worker_fleet import chaos, process_fleet

pytestmark = pytest.mark.postgres


@pytest.fixture
def postgres() -> Iterator[str]:
    try:
        running = cluster()
        with running as url:
            yield f"{url}/postgres"
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.slow
def test_three_workers_twelve_subscriptions_and_trouble(postgres: str) -> None:
    with process_fleet(postgres, workers=3, subscriptions=12, lease=2.0) as fleet:
        figures = chaos(fleet, seconds=12, seed=3)
        assert len(figures["troubles"]) >= 2
        assert figures["writes"] > 50


def test_sigterm_hands_over_within_two_seconds_and_a_paused_worker_changes_nothing(postgres: str) -> None:
    with process_fleet(postgres, workers=2, subscriptions=4, lease=3.0) as fleet:
        first, second = sorted(fleet.processes)
        fleet.pause(first, 6.0)
        fleet.look_until(lambda: set(fleet.owners().values()) == {second} and len(fleet.owners()) == 4, 15)
        (last,) = fleet.connection.execute("SELECT max(number) FROM writes").fetchone() or (0,)
        fleet.look_until(lambda: not fleet.paused, 15)  # it wakes
        fleet.look_until(lambda: set(fleet.owners().values()) == {first, second}, 15)
        fleet.check_writes()
        rows = fleet.connection.execute(
            "SELECT DISTINCT fencing, owner FROM writes WHERE writer = %s AND number > %s", [first, last]
        ).fetchall()
        assert all(owner == first for _, owner in rows)

        done = subprocess.run(
            [
                *(sys.executable, "-m", "event_streamer_sdk.cli", "worker", "status", "--json"),
                *("--checkpoint", postgres, "--url", fleet.service.url, "--subscriber-id", "fleet"),
            ],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        status = json.loads(done.stdout)
        assert {each["name"] for each in status["workers"]} == {first, second}
        assert {each["subscription_id"] for each in status["streams"]} == set(fleet.ids)
        assert all(each["owner"] in {first, second} for each in status["streams"])

        began = time.monotonic()
        ending = fleet.processes[second]
        ending.terminate()
        took = fleet.look_until(lambda: list(fleet.owners().values()) == [first] * 4, 15)
        assert took < 2.0 + fleet.witness.longest, f"{took:.1f} s"
        del fleet.processes[second]
        assert ending.wait(10) == 0, fleet.logs()
        assert time.monotonic() - began < 12
        fleet.check_writes()
