"""The development chain, read with the libraries that people have: web3.py, ethers, viem, cast."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from event_streamer_service.devchain import DevChain, npm
from event_streamer_service.devchain.server import DevChainServer
from support.environments import environment

SUPPORT = Path(__file__).resolve().parents[1] / "support"
TOKEN = "0xa0b86a33e6417b3c4555ba476f04245600306d5d"
TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
REFUSED = (
    "eth_getBalance is not supported by the development chain: it has no accounts, balances or keys. "
    "A whole node for development is anvil."
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first run fetches the libraries


@pytest.fixture
def server() -> Iterator[DevChainServer]:
    with DevChainServer(DevChain(blocks=20)) as running:
        yield running


def run(*command: Any, **variables: str) -> str:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=90, env=os.environ | variables
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed(package: str, version: str) -> Path:
    """A package from npm with what it needs; without npm the test is skipped, in CI that is a failure."""
    try:
        return npm.install(package, version)
    except npm.NpmError as missing:
        pytest.fail(str(missing)) if os.environ.get("CI") else pytest.skip(str(missing))


def test_web3_over_http_and_websocket(server: DevChainServer) -> None:
    """Its provider sends binary frames, its blocks need all fields, and its filters are the node's."""
    python = environment("web3", "web3==8.0.0")
    seen = json.loads(run(python, "-I", SUPPORT / "read_with_web3.py", server.url).splitlines()[-1])
    assert seen == {
        "chain": [True, 31_337, 19, "EventStreamerDevChain/1"],
        "block": [5, 6, 1_704_067_260],
        "logs": [30, True],
        "receipt": [1, 1],
        "transaction": 0,
        "filters": [3, 1, 3],
        "uninstalled": True,
        "batch": [1, 2],
        "balance": REFUSED,
        "ws chain": [True, 31_337],
        "ws logs": 30,
        "ws subscriptions": [True, True, True],
    }


@pytest.mark.npm
def test_ethers_and_viem_over_http_and_websocket(server: DevChainServer) -> None:
    modules = os.pathsep.join(
        str(installed(package, version)) for package, version in (("ethers", "6.17.0"), ("viem", "2.57.20"))
    )
    program = SUPPORT / "read_with_ethers_and_viem.cjs"
    seen = json.loads(run(npm.program("node"), program, server.url, NODE_PATH=modules).splitlines()[-1])
    expected = {
        "chain": [31_337, True],
        "block": [5, 6, 1_704_067_260],
        "logs": [30, True],
        "receipt": [1, 1],
        "transaction": 0,
        "balance": REFUSED,
        "live": [True, True],
    }
    assert seen == {"ethers": expected, "viem": expected | {"filters": [3, 1, True]}}


@pytest.mark.npm
@pytest.mark.skipif(sys.platform == "win32", reason="npm's programs are found otherwise there")
def test_cast(server: DevChainServer) -> None:
    cast = installed("@foundry-rs/cast", "1.7.1") / ".bin" / "cast"

    def ask(*arguments: str) -> str:
        return run(cast, *arguments, "--rpc-url", server.url).strip()

    assert ask("chain-id") == "31337"
    assert ask("block-number") == "19"
    assert ask("find-block", "1704067260") == "5"
    block = json.loads(ask("block", "5", "--json"))
    assert (block["number"], len(block["transactions"])) == ("0x5", 6)
    assert len(json.loads(ask("block", "5", "--full", "--json"))["transactions"]) == 6
    logs = json.loads(
        ask("logs", "--json", "--from-block", "0", "--to-block", "9", "--address", TOKEN, TRANSFER)
    )
    assert len(logs) == 30
    (first, *_) = logs
    receipt = json.loads(ask("receipt", first["transactionHash"], "--json"))
    assert receipt["logs"] == [first]
    assert json.loads(ask("tx", first["transactionHash"], "--json"))["blockNumber"] == "0x0"
    refused = subprocess.run(
        [cast, "balance", TOKEN, "--rpc-url", server.url], capture_output=True, text=True, timeout=60
    )
    assert REFUSED in refused.stderr  # npm's launcher ends with 0 whatever cast ends with
