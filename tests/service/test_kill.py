"""
kill -9 of the service, again and again, during history and at the head.

The node is a process of its own. When all is quiet the client must hold exactly the node's logs.
"""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.models.abi import ABIEvent
from event_streamer_sdk.models.subscriptions import SubscriptionCreate
from event_streamer_service.devchain.anvil import Anvil, AnvilError, find_anvil
from event_streamer_service.devchain.node import DevNode, DevToken
from support.ports import own_port
from support.raw_client import TRANSFER_TOPIC, RawClient, definition, events_of, transfer
from support.service_process import ServiceProcess, service_process

HISTORY = 3000
KILLS = 4
ERC20_TOPICS = 3


@pytest.fixture
def devchain() -> Iterator[DevNode]:
    """A development chain in a process of its own, over JSON-RPC."""
    process = subprocess.Popen(
        [sys.executable, "-m", "event_streamer_service.devchain.server", "--blocks", str(HISTORY)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    with process, DevNode(process.stdout.readline().strip()) as node:
        yield node
        process.kill()


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    try:
        find_anvil()
    except AnvilError as missing:
        pytest.skip(str(missing))
    with Anvil() as node:
        yield node


def place(log: dict[str, Any]) -> tuple[int, int, str]:
    """What tells one event from all others, also from one of a lost branch."""
    return log["block_number"], log["log_index"], log["transaction_hash"]


def logs_of(node: DevNode) -> set[tuple[int, int, str]]:
    """The node's ERC-20 Transfers."""
    question = {"fromBlock": "0x0", "toBlock": hex(node.block_number()), "topics": [TRANSFER_TOPIC]}
    return {
        (int(log["blockNumber"], 16), int(log["logIndex"], 16), log["transactionHash"])
        for log in node.call("eth_getLogs", question)
        if len(log["topics"]) == ERC20_TOPICS
    }


class Killed:
    """A service that dies at random instants and comes back on the same port and database."""

    def __init__(self, database: str, node: DevNode) -> None:
        self.port = own_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments = (
            "--database", database, "--port", str(self.port), "--chain", f"31337={node.url}",
            "--heartbeat-interval", "1", "--block-time", "0.5", "--log-level", "warning",
        )  # fmt: skip
        self._stack = ExitStack()
        self._process: ServiceProcess = self._stack.enter_context(service_process(*self._arguments))

    def kill_and_start(self) -> None:
        assert self._process.end() == -9
        self._process = self._stack.enter_context(service_process(*self._arguments))

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def make_service(database: str) -> Iterator[Any]:
    made: list[Killed] = []

    def make(node: DevNode) -> Killed:
        made.append(Killed(database, node))
        return made[-1]

    yield make
    for service in made:
        service.close()


class Follower(threading.Thread):
    """A client that reads, acknowledges, and connects again: with its last token, or without any."""

    def __init__(self, url: str, number: int, *, tokens: bool) -> None:
        super().__init__(daemon=True)
        self.held: dict[tuple[int, int], dict[str, Any]] = {}
        self.connects = 0
        self.enough = threading.Event()
        self.problems: list[BaseException] = []
        self._url, self._number, self._tokens = url, number, tokens
        self._token: str | None = None

    def places(self) -> set[tuple[int, int, str]]:
        return {place(event) for event in list(self.held.values())}

    def run(self) -> None:
        while not self.enough.is_set():
            try:
                with RawClient(self._url, timeout=5) as client:
                    self._read(client)
            except (httpx.HTTPError, AssertionError) as problem:
                if isinstance(problem, AssertionError) and "without its end" not in str(problem):
                    self.problems.append(problem)
                time.sleep(0.05)

    def finish(self) -> None:
        self.enough.set()
        self.join(10)
        assert not self.is_alive()
        assert not self.problems

    def _read(self, client: RawClient) -> None:
        with client.stream(self._number, self._token if self._tokens else None) as stream:
            self.connects += 1
            for message in stream.messages():
                if self.enough.is_set():
                    return
                if message["type"] == "reorg":
                    self._take_back(message["common_ancestor"])
                elif message["type"] == "event_batch":
                    for event in events_of([message]):
                        self.held[event["block_number"], event["log_index"]] = event
                else:
                    continue
                self._token = message["resume_token"]
                stream.acknowledge(message)

    def _take_back(self, ancestor: int) -> None:
        for key in [key for key in self.held if key[0] > ancestor]:
            del self.held[key]


def settle(follower: Follower, node: DevNode, *, seconds: float = 30) -> None:
    """Wait until the client has what the node has."""
    wanted = logs_of(node)
    give_up = time.monotonic() + seconds
    while follower.places() != wanted:
        if time.monotonic() > give_up:
            missing, surplus = wanted - follower.places(), follower.places() - wanted
            raise AssertionError(f"missing {sorted(missing)[:5]}, too much {sorted(surplus)[:5]}")
        time.sleep(0.05)


@pytest.mark.parametrize("tokens", [True, False], ids=["by-token", "by-acknowledgement"])
def test_killed_during_history_and_at_the_head(make_service: Any, devchain: DevNode, *, tokens: bool) -> None:
    rng = random.Random(f"kill {tokens}")
    service = make_service(devchain)
    with RawClient(service.url) as client:
        number = client.subscribe()
    follower = Follower(service.url, number, tokens=tokens)
    follower.start()
    for round_of in range(KILLS):
        time.sleep(rng.uniform(0.02, 0.3))
        if round_of >= KILLS // 2:  # by now at the head
            settle(follower, devchain)
            devchain.mine(3)
        service.kill_and_start()
        devchain.mine(2)
        if round_of == KILLS - 2:
            devchain.reorg(3)
    settle(follower, devchain)
    assert follower.connects > KILLS // 2
    with RawClient(service.url) as client:
        give_up = time.monotonic() + 10
        while client.subscription(number)["last_processed_block"] != devchain.block_number():
            assert time.monotonic() < give_up
            time.sleep(0.05)
        if not tokens:
            # Every event was counted once; those that the reorg took back were delivered too.
            assert client.subscription(number)["events_delivered"] >= len(follower.held)
    follower.finish()


@pytest.mark.anvil
def test_killed_while_a_real_node_mines(make_service: Any, anvil: Anvil) -> None:
    token = DevToken.deploy(anvil)
    receiver = anvil.accounts()[1]
    for _ in range(20):
        token.transfer(receiver, 1)
    service = make_service(anvil)
    with RawClient(service.url) as client:
        number = client.subscribe()
    follower = Follower(service.url, number, tokens=True)
    follower.start()
    for _ in range(3):
        for value in range(10):
            token.transfer(receiver, value + 1)
        service.kill_and_start()
        token.transfer_many(receiver, 5, 20)
    settle(follower, anvil)
    anvil.reorg(3)
    anvil.mine(4)
    settle(follower, anvil)
    follower.finish()


def test_our_own_client_ends_with_the_nodes_logs(
    make_service: Any, devchain: DevNode, tmp_path: Path
) -> None:
    service = make_service(devchain)
    held: set[tuple[int, int, str]] = set()
    with SyncEventStreamer(service.url, "tests") as client:
        wanted = definition()
        made = client.create_subscription(
            SubscriptionCreate(
                topic0=wanted["topic0"],
                event_signature=ABIEvent.from_dict(transfer()),
                start_block=0,
                chain_id=31_337,
            )
        )
        streaming = client.create_streaming_client(made.id, batch_ack_interval=0.2)

        @streaming.on_event("Transfer")
        def take(events: list[dict[str, Any]]) -> None:
            held.update(place(event) for event in events)

        streaming.start_streaming()
        try:
            for _ in range(3):
                time.sleep(0.1)
                service.kill_and_start()
                devchain.mine(2)
            wanted_logs = logs_of(devchain)
            give_up = time.monotonic() + 60
            while held != wanted_logs:
                assert streaming.is_running
                assert time.monotonic() < give_up, f"missing {sorted(wanted_logs - held)[:5]}"
                time.sleep(0.05)
        finally:
            streaming.disconnect()
