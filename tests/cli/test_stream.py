"""`event-streamer stream`: lines for programs and people, places that are remembered, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from support.service_process import starved
from support.services import wait_until
from support.slow_link import link_to

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
CHAIN = 31337
ACKNOWLEDGING = 10.0
"""Seconds that an acknowledgement may take, and a program's own stop."""


@pytest.fixture
def subscribe(served):
    def make(*more):
        made = served("subscriptions", "create", TRANSFER, "--chain", CHAIN, *more, "--json")
        assert made.code == 0, made.err
        return made.json["id"]

    return make


def events(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.quick
def test_each_event_is_a_line_of_json(served, subscribe):
    streamed = served("stream", subscribe("--end-block", 5))
    assert streamed.code == 0, streamed.err
    found = events(streamed.out)
    assert found
    assert {line["event"] for line in found} == {"Transfer"}
    assert {"from", "to", "value", "block_number", "transaction_hash"} <= set(found[0]["values"])
    assert [line["values"]["block_number"] for line in found] == sorted(
        line["values"]["block_number"] for line in found
    )
    summary = streamed.err.splitlines()[-1]
    assert summary.startswith(f"{len(found)} events in ")
    assert summary.endswith("the subscription is done")


@pytest.mark.quick
def test_a_subscription_of_another_subscriber_names_who_asked(served, subscribe):
    number = subscribe("--subscriber-id", "my-app", "--end-block", 5)
    asked = served("stream", number)
    assert asked.code == 1
    assert "Asked as the subscriber event-streamer-cli: --subscriber-id names another one" in asked.err
    assert "Asked as" not in served("stream", number + 1, "--subscriber-id", "my-app").err
    assert served("stream", number, "--subscriber-id", "my-app").code == 0


@pytest.mark.quick
def test_a_place_that_the_service_no_longer_knows(served, subscribe):
    number = subscribe("--end-block", 5)
    lost = served("stream", number, "--resume-token", "rt_unknown")
    assert lost.code == 1
    again = served("stream", number, "--resume-token", "rt_unknown", "--on-token-lost", "restart")
    assert again.code == 0, again.err
    assert events(again.out)


@pytest.mark.quick
def test_a_span_of_time_that_ends_before_it_begins_is_refused(served, subscribe):
    asked = served("stream", subscribe(), "--since", "2024-01-02", "--until", "2024-01-01")
    assert asked.code == 2
    assert "is after --until" in asked.err


@pytest.mark.quick
def test_lines_for_people(served, subscribe):
    number = subscribe("--end-block", 5)
    streamed = served("stream", number, "--pretty", "--no-ack")
    lines = streamed.out.splitlines()
    assert len(lines) == len(events(served("stream", number).out))
    assert "Transfer  from=0x" in lines[0]


def test_a_checkpoint_goes_on_where_it_was(served, subscribe, tmp_path):
    place = tmp_path / "place.json"
    everything = events(served("stream", subscribe("--end-block", 2500)).out)
    number = subscribe("--end-block", 2500)
    first = events(served("stream", number, "--checkpoint", place, "--limit", 10).out)
    rest = events(served("stream", number, "--checkpoint", place).out)
    assert 10 <= len(first) < len(everything)
    assert first + rest == everything


def test_what_is_not_acknowledged_comes_again(served, subscribe):
    number = subscribe("--end-block", 5)
    looked = events(served("stream", number, "--no-ack").out)
    assert events(served("stream", number).out) == looked


def test_a_span_of_time(served, subscribe):
    everything = events(served("stream", subscribe("--end-block", 30)).out)
    times = sorted({line["values"]["timestamp"] for line in everything})
    since, until = times[5], times[20]
    selected = events(served("stream", subscribe("--end-block", 30), "--since", since, "--until", until).out)
    assert selected == [line for line in everything if since <= line["values"]["timestamp"] <= until]


@pytest.mark.parametrize("text", ["yesterdayish", "2024-13-01", "", "2024-01-01 10:30 CET"])
def test_a_wrong_date_is_a_wrong_usage(served, text):
    refused = served("stream", 1, "--since", text)
    assert refused.code == 2
    assert "is not a date" in refused.err or "zone 'CET'" in refused.err


def test_a_wrong_resume_token_is_one_line(served, subscribe):
    refused = served("stream", subscribe(), "--resume-token", "rt_nonsense")
    assert refused.code == 1
    assert len(refused.err.splitlines()) == 1
    assert "rt_nonsense" not in refused.err


@pytest.mark.quick
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_it_cleanly(service, subscribe, number):
    process = start(service, str(subscribe()))
    assert json.loads(process.stdout.readline())["event"] == "Transfer"
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert err.splitlines()[-1].endswith("stopped by a signal")
    assert "Traceback" not in err


def test_a_service_that_falls_silent_does_not_hold_up_the_end(service, subscribe):
    """The acknowledgement of what was handled has no answer, which is waited for no longer than people do."""
    number = str(subscribe("--start-block", service.chain.head_number - 1))
    with link_to(int(service.url.rpartition(":")[2])) as link:
        process = start(f"http://127.0.0.1:{link.url_port}", number)
        try:
            process.stdout.readline()
            link.silent = True
            asked = link.sent
            wait_until(lambda: link.sent > asked or process.poll() is not None, seconds=60)
            began = time.monotonic() - starved(process.pid)
            process.send_signal(signal.SIGTERM)
            while process.poll() is None and (took := time.monotonic() - starved(process.pid) - began) < 30:
                time.sleep(0.02)
        finally:
            process.kill()
            _, err = process.communicate()
    assert process.returncode == 0, err
    assert took < ACKNOWLEDGING, err
    assert "Traceback" not in err


def test_replaced_blocks_are_a_line_of_their_own(service, subscribe):
    head = service.chain.head_number
    with start(service, str(subscribe("--start-block", head - 1))) as process:
        lines = iter(process.stdout.readline, "")
        first = next(json.loads(line) for line in lines)
        assert first["values"]["block_number"] == head - 1
        reorg = service.chain.reorg(depth=1)
        told = next(line["reorg"] for line in map(json.loads, lines) if "reorg" in line)
        assert told["common_ancestor"] == head - 1
        assert [block["number"] for block in told["removed_blocks"]] == [
            block.number for block in reorg.removed
        ]
        again = next(json.loads(line) for line in lines)
        assert again["values"]["block_number"] == head
        assert again["values"]["block_hash"] != told["removed_blocks"][0]["hash"]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


@pytest.mark.quick
def test_a_reader_that_has_seen_enough_is_no_error(service, subscribe):
    with start(service, str(subscribe())) as process:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(timeout=30) == 0, err
    assert err == ""


def test_a_service_that_is_not_there_is_told_at_once(cli, closed_port):
    refused = cli("stream", 1, "--url", f"http://localhost:{closed_port}")
    assert refused.code == 1
    assert len(refused.err.splitlines()) == 1
    assert "is the service running there?" in refused.err


def test_an_unknown_subscription_is_one_line(served):
    refused = served("stream", 99)
    assert refused.code == 1
    assert len(refused.err.splitlines()) == 1
    assert "no subscription 99" in refused.err


def test_a_lost_connection_is_told_and_that_it_is_back(served, service, subscribe):
    service.faults.add("reset", after=1)
    streamed = served("stream", subscribe("--end-block", 3000))
    assert streamed.code == 0, streamed.err
    lost, again, summary = streamed.err.splitlines()
    assert lost.startswith("The connection is lost, trying again: ")
    assert again == "Connected again."
    assert summary.endswith("the subscription is done")


def test_one_of_each_is_no_plural(served, service, subscribe):
    service.chain.mine()
    streamed = served("stream", subscribe("--end-block", 0))
    assert " in 1 batch, 1 acknowledged" in streamed.err


def start(place, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "event_streamer_sdk.cli", "stream", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "EVENT_STREAMER_URL": getattr(place, "url", place)},
    )
