"""`event-streamer demo`, as `make demo` runs it: on each kind of chain, and with each mistake."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

SUMMARY = re.compile(r"^(asyncio|blocking) +(\d+) +(\d+) +(\d+) +(\d+) +block (\d+)$", re.MULTILINE)


def start(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "event_streamer_sdk.cli", "demo", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "120", **environment},
    )


def finish(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert err == ""
    return out


def check_summary(out):
    rows = SUMMARY.findall(out)
    assert [row[0] for row in rows] == ["asyncio", "blocking"], out
    for _, events, batches, acknowledged, last_block, resumable in rows:
        assert int(events) > 0
        assert 0 < int(batches) == int(acknowledged)
        assert int(resumable) == int(last_block) + 1
    for client in ("asyncio", "blocking"):
        assert re.search(rf"^{client} +block \d+ +0x", out, re.MULTILINE), f"no event of {client} was shown"


@pytest.mark.quick
def test_on_the_embedded_chain():
    out = finish(start("--seconds", 2))
    assert "embedded development chain" in out
    check_summary(out)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_summary(number):
    process = start("--seconds", 60)
    shown = ""
    while not all(re.search(f"^{client} +block", shown, re.MULTILINE) for client in ("asyncio", "blocking")):
        shown += process.stdout.readline()
    process.send_signal(number)
    check_summary(shown + finish(process))


@pytest.mark.anvil
def test_on_anvil(anvil_binary):
    out = finish(start("--node", "anvil", "--seconds", 3))
    assert "anvil at http://127.0.0.1:" in out
    check_summary(out)


@pytest.mark.anvil
def test_on_a_node_of_the_users(anvil_binary):
    from event_streamer_service.devchain.anvil import Anvil
    from event_streamer_service.devchain.node import DevToken

    with Anvil(chain_id=1) as node:
        token = DevToken.deploy(node)
        process = start("--rpc", node.url, "--chain", 1, "--seconds", 6)
        while process.stdout.readline().strip():  # up to the blank line before the events
            pass
        for _ in range(3):
            token.transfer(node.accounts()[1], 10**18)
        check_summary(finish(process))

        wrong = start("--rpc", node.url, "--chain", 5)
        out, err = wrong.communicate(timeout=30)
        assert (wrong.returncode, out) == (1, "")
        assert "CHAIN=1" in one_line(err)


@pytest.fixture
def anvil_binary():
    from event_streamer_service.devchain.anvil import AnvilError, find_anvil

    try:
        return find_anvil()
    except AnvilError as problem:
        pytest.skip(str(problem))


def one_line(err):
    assert len(err.splitlines()) == 1, err
    return err


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:{closed_port}", "No node answers"),
        ("http://user:secret@127.0.0.1:9/key", "No node answers"),
        ("ws://127.0.0.1:9", "http"),
        ("node", "http"),
    ],
)
def test_a_node_that_is_none_is_one_line(url, says, closed_port):
    process = start("--rpc", url.format(closed_port=closed_port), "--chain", 1)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert says in one_line(err)
    assert err.count("127.0.0.1") <= 1
    assert "Errno" not in err
    assert "secret" not in err
    assert "/key" not in err


def test_without_npm_anvil_is_one_line(tmp_path):
    process = start("--node", "anvil", PATH=str(tmp_path), EVENT_STREAMER_CACHE=str(tmp_path / "cache"))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "npm" in one_line(err)


@pytest.mark.parametrize("arguments", [["--rpc", "http://127.0.0.1:9"], ["--chain", 1], ["--node", "geth"]])
def test_half_a_node_is_a_wrong_usage(arguments):
    process = start(*arguments)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Usage" in err


def test_a_site_that_speaks_no_json_rpc_is_one_line(cli):
    from event_streamer_service import LocalService

    with LocalService() as service:
        refused = cli("demo", "--rpc", service.url, "--chain", 1)
    assert refused.code == 1
    assert "No node answers" in one_line(refused.err)
    assert json.dumps(service.url).strip('"') in refused.err
