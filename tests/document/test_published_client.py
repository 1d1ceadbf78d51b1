"""The published client, 0.5.0, in an environment of its own, works against the service."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from event_streamer_service import DevChain, LocalService
from support.environments import environment

PROGRAM = Path(__file__).resolve().parents[1] / "support" / "published_program.py"
START = 19_000_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service() -> Iterator[LocalService]:
    chain = DevChain(chain_id=1, first_block=START, blocks=1_000, mine_every=0.05)
    with LocalService(chain, heartbeat_interval=0.5, max_batch_events=100) as running:
        yield running


@pytest.fixture(scope="module")
def seen(service: LocalService) -> dict[str, Any]:
    python = environment("published", "event-streamer-sdk==0.5.0")
    done = subprocess.run(
        [python, "-I", PROGRAM, service.url], capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # the package prints by itself
    return result


@pytest.mark.parametrize(
    ("step", "gave"),
    [
        ("health", [True, "healthy"]),
        ("read", 1),
        ("updated", START + 30),
        ("last_block", None),
        ("deleted", "EventStreamerSubscriptionError"),
        ("breakers", ["closed", ["1"], True]),
        ("breaker_health", [1, 1, "healthy"]),
        ("metrics", True),
        ("resets", ["success", "success"]),
        ("breaker_config", True),
        ("chains", [137, 137, 137, 137, True, 2]),
    ],
)
def test_its_calls_work(step: str, gave: Any, seen: dict[str, Any]) -> None:
    assert seen[step] == gave


def test_its_subscription_is_made_as_it_asks(seen: dict[str, Any]) -> None:
    identity, topic0, end_block, subscriber, _ = seen["created"]
    assert (identity, end_block, subscriber) == (1, START + 20, "published")
    assert topic0.startswith("0xddf252ad")


def test_its_stream_brings_decoded_events_and_heartbeats(seen: dict[str, Any]) -> None:
    first = seen["stream"]["first"]
    assert first["block_number"] >= START
    assert first["address"].lower() == "0xa0b86a33e6417b3c4555ba476f04245600306d5d"
    assert first["value"].isdigit()
    assert {"from", "to", "transaction_hash", "log_index", "timestamp"} <= set(first)
    assert seen["stream"]["processing"] == [True, 1]
    assert seen["stream"]["heartbeat"] is True


def test_its_acknowledgements_arrive(seen: dict[str, Any], service: LocalService) -> None:
    assert service.journal.acknowledged(seen["subscription"])


def test_its_token_resumes_behind_the_last_batch(seen: dict[str, Any], service: LocalService) -> None:
    assert seen["resumed"]["first"]["block_number"] >= seen["stream"]["last"]
    assert service.journal.tokens(seen["subscription"]) == [None, seen["stream"]["token"]]
