"""A person at a terminal, standard output elsewhere: what it was given it gets, and the screen doesn't."""

import json
import subprocess

import pytest

from event_streamer_service import LocalService
from support.terminal import EVENT_STREAMER, at_a_terminal, ordinary_environment, terminal

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
SIGNATURE = "Transfer(address,address,uint256)"
TOPIC0 = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
LONG = "Settled(address,uint256,uint256,uint256,uint256,uint256)"


@pytest.fixture(scope="module")
def service():
    with LocalService() as running:
        yield running


@pytest.fixture
def subscription(served):
    made = served("subscriptions", "create", TRANSFER, "--chain", 31337, "--end-block", 50, "--json")
    assert made.code == 0, made.err
    yield made.json["id"]
    served("subscriptions", "delete", made.json["id"], "--yes")


@pytest.fixture
def environment(service):
    return ordinary_environment(EVENT_STREAMER_URL=service.url)


def acknowledged(served, subscription):
    return served("subscriptions", "show", subscription, "--json").json["events_delivered"]


@pytest.mark.parametrize("form", [(), ("--json",), ("--pretty",)], ids=["default", "json", "pretty"])
def test_a_stream_that_goes_to_a_file_is_in_the_file(served, subscription, environment, tmp_path, form):
    with (tmp_path / "events").open("w") as file:
        ended = at_a_terminal(["stream", subscription, *form], stdout=file, environment=environment)
    lines = (tmp_path / "events").read_text().splitlines()
    assert ended.code == 0
    assert len(lines) > 100
    assert acknowledged(served, subscription) == len(lines)
    if "--pretty" not in form:
        assert {json.loads(line)["event"] for line in lines} == {"Transfer"}
    assert "Transfer" not in ended.screen
    assert "0x" not in ended.screen
    assert f"{len(lines)} events in " in ended.screen


def test_a_stream_that_goes_to_a_program_reaches_it(subscription, environment):
    with terminal() as screen:
        reader = subprocess.Popen(["wc", "-l"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        done = subprocess.run(
            [*EVENT_STREAMER, "stream", str(subscription)],
            stdin=screen.end, stdout=reader.stdin, stderr=screen.end, env=environment, timeout=60,
        )  # fmt: skip
        counted, _ = reader.communicate(timeout=30)
    assert done.returncode == 0
    assert int(counted) > 100
    assert f"{int(counted)} events" in screen.shown
    assert "waiting" not in screen.shown, "that program's own lines would stand in the running count"


def test_what_goes_to_a_file_of_errors_is_not_on_the_screen(subscription, environment, tmp_path):
    with (tmp_path / "errors").open("w") as file:
        ended = at_a_terminal(["stream", subscription, "--json"], stderr=file, environment=environment)
    assert ended.code == 0
    assert ended.screen.count('"event":"Transfer"') > 100
    assert "events in " not in ended.screen
    assert "events in " in (tmp_path / "errors").read_text()
    assert "\x1b" not in (tmp_path / "errors").read_text()


def test_two_terminals_get_each_their_own(subscription, environment):
    with terminal() as second:
        ended = at_a_terminal(["stream", subscription, "--json"], stdout=second.end, environment=environment)
    assert ended.code == 0
    assert second.shown.count('"event":"Transfer"') > 100
    assert '"event"' not in ended.screen
    assert "events in " in ended.screen


@pytest.mark.parametrize(
    ("command", "result"),
    [
        (["--version"], "event-streamer-sdk "),
        (["--help"], "Usage"),
        (["health"], "healthy"),
        (["subscriptions", "create", TRANSFER, "--chain", 31337], TOPIC0),
        (["subscriptions", "list"], SIGNATURE),
        (["subscriptions", "show", "{id}"], TOPIC0),
        (["subscriptions", "update", "{id}", "--end-block", 40], TOPIC0),
        (["chains", "list"], "31337"),
        (["chains", "stats"], "Active"),
        (["chains", "show", 31337], "Nodes"),
        (["breakers", "status", "--json"], "circuit_breakers"),
        (["breakers", "health"], "Healthy endpoints"),
        (["breakers", "config"], "Opens after"),
        (["abi", "json", TRANSFER], '"Transfer"'),
        (["abi", "topic0", TRANSFER], TOPIC0),
        (["abi", "events", "{abi}"], TOPIC0),
        (["abi", "human-readable", "{abi}"], f"event {TRANSFER}"),
        (["abi", "codegen", "{abi}"], "class Transfer"),
        (["abi", "decode", TRANSFER, "-t", TOPIC0, "-t", "0x" + "0" * 64, "-t", "0x" + "0" * 64, "-d",
          "0x" + "7" * 64], "540"),
        (["demo", "--seconds", 1], "blocking"),
    ],
    ids=lambda value: " ".join(map(str, value[:2])) if isinstance(value, list) else "",
)  # fmt: skip
def test_every_commands_result_is_in_the_file_and_not_on_the_screen(
    served, subscription, environment, tmp_path, command, result
):
    abi = tmp_path / "token.json"
    abi.write_text(json.dumps(served("abi", "json", TRANSFER).json))
    words = [str(word).format(id=subscription, abi=abi) for word in command]
    with (tmp_path / "result").open("w") as file:
        ended = at_a_terminal(words, stdout=file, environment=environment)
    written = (tmp_path / "result").read_text()
    assert ended.code == 0, ended.screen
    assert result in written
    assert "\x1b" not in written
    assert result not in ended.screen


def test_a_question_goes_to_the_screen_alone(served, environment, tmp_path):
    made = served("subscriptions", "create", TRANSFER, "--chain", 31337, "--json").json["id"]
    for keys, gone in (("n\n", False), ("y\n", True)):
        with (tmp_path / "result").open("w") as file:
            ended = at_a_terminal(
                ["subscriptions", "delete", made], stdout=file, keys=keys, environment=environment
            )
        assert f"Delete {made} for good?" in ended.screen
        assert (tmp_path / "result").read_text() == ""
        assert ended.code == (0 if gone else 1)
        assert (served("subscriptions", "show", made).code == 1) is gone


@pytest.mark.parametrize("columns", [80, 100])
def test_what_people_copy_stays_on_one_line(served, service, environment, columns, tmp_path):
    made = served("subscriptions", "create", f"{TRANSFER}", "--chain", 31337, "--json").json["id"]
    abi = tmp_path / "token.json"
    abi.write_text(json.dumps(served("abi", "json", TRANSFER).json))
    shown = at_a_terminal(["subscriptions", "show", made], columns=columns, environment=environment).screen
    lines = [line.strip() for line in shown.splitlines()]
    assert any(line.endswith(TOPIC0) for line in lines)
    assert any(line.endswith(f"event {TRANSFER}") for line in lines)
    assert all(len(line) <= columns for line in lines), shown
    for command in (["subscriptions", "list"], ["abi", "events", abi]):
        shown = at_a_terminal(command, columns=columns, environment=environment).screen
        assert any(SIGNATURE in line for line in shown.splitlines()), shown
        assert all(len(line) <= columns for line in shown.splitlines()), shown
    assert TOPIC0 in shown


def test_a_wide_table_is_shown_row_by_row(tmp_path):
    abi = tmp_path / "two.txt"
    abi.write_text(f"event {LONG}\nevent Paused()\n")
    shown = at_a_terminal(["abi", "events", abi], columns=80).screen.splitlines()
    assert shown[0] == f"Event   {LONG}"
    assert shown[1].startswith("topic0  0x")
    assert (shown[2], shown[3]) == ("", "Event   Paused()")
    wide = at_a_terminal(["abi", "events", abi], columns=140).screen.splitlines()
    assert wide[0].split() == ["Event", "topic0"]
    assert len(wide) == 3


@pytest.mark.parametrize("more", [(), ("--limit", "100000"), ("--until", "2024-01-01T01:00")])
def test_the_running_count_tells_how_far_it_is(subscription, environment, tmp_path, more):
    with (tmp_path / "events").open("w") as file:
        ended = at_a_terminal(["stream", subscription, *more], stdout=file, environment=environment)
    assert "events, block 50, 100 %" in ended.screen
    assert "behind the head" not in ended.screen


def test_without_an_end_there_is_no_percentage(served, environment, tmp_path):
    endless = served("subscriptions", "create", TRANSFER, "--chain", 31337, "--json").json["id"]
    with (tmp_path / "events").open("w") as file:
        ended = at_a_terminal(["stream", endless, "--limit", 10], stdout=file, environment=environment)
        assert "100 %" in ended.screen
        later = ["stream", endless, "--until", "2024-01-01"]  # the chain begins there: one batch, no course
        assert at_a_terminal(later, stdout=file, environment=environment).code == 0
