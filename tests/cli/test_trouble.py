"""What a terminal, a pipe or a shell may do to the command: real processes, one line each, no traceback."""

import json
import shlex
import subprocess
import sys

import pytest

from event_streamer_service import LocalService
from support.terminal import at_a_terminal, ordinary_environment

EVENT_STREAMER = f"{shlex.quote(sys.executable)} -m event_streamer_sdk.cli"
TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture(scope="module")
def service():
    with LocalService() as running:
        yield running


@pytest.fixture
def subscription(served):
    made = served("subscriptions", "create", TRANSFER, "--chain", 31337, "--end-block", 5, "--json")
    assert made.code == 0, made.err
    yield str(made.json["id"])
    served("subscriptions", "delete", made.json["id"], "--yes")


@pytest.fixture
def shell(service, tmp_path):
    """Run a line of shell in which $ES is the command."""

    def run(line, **environment):
        variables = ordinary_environment(EVENT_STREAMER_URL=service.url, **environment)
        return subprocess.run(
            ["bash", "-c", f"{line.replace('$ES', EVENT_STREAMER)}"],
            cwd=tmp_path, env=variables, capture_output=True, timeout=60,
        )  # fmt: skip

    return run


def test_closed_standard_output_is_no_success(shell, subscription):
    for command in ("subscriptions list", f"stream {subscription}", "--version"):
        refused = shell(f"$ES {command} >&-")
        assert (refused.returncode, refused.stderr) == (1, b"Error: standard output is closed\n")
    assert shell(f"$ES stream {subscription}").stdout, "what could not be written was acknowledged"


def test_closed_standard_input_and_error(shell, subscription):
    empty = shell("$ES abi events - <&-")
    assert (empty.returncode, empty.stderr) == (2, b"Error: standard input: the document is empty\n")
    silent = shell("$ES subscriptions show 9999 2>&-")
    assert (silent.returncode, silent.stdout) == (1, b"")


def test_nothing_is_deleted_where_nobody_can_be_asked(shell, subscription):
    refused = shell(f"$ES subscriptions delete {subscription} </dev/null")
    assert refused.returncode == 2
    assert b"--yes" in refused.stderr
    assert shell(f"$ES subscriptions show {subscription}").returncode == 0


EVERY_KIND_OF_OUTPUT = [
    "--version",
    "--help",
    "abi --help",
    "--show-completion bash",
    "health",
    "health --json",
    "subscriptions list",
    "subscriptions list --json",
    f"abi topic0 '{TRANSFER}'",
    f"abi json '{TRANSFER}'",
    f"abi json '{TRANSFER}' | $ES abi codegen -",
    f"abi json '{TRANSFER}' | $ES abi human-readable -",
]


@pytest.mark.parametrize("command", EVERY_KIND_OF_OUTPUT)
def test_a_full_disk_is_one_line(shell, subscription, command):
    full = shell(f"$ES {command} >/dev/full")
    assert (full.returncode, full.stderr) == (1, b"Error: No space left on device\n")


@pytest.mark.parametrize("form", ["--json", "--pretty"])
def test_what_a_full_disk_did_not_take_is_not_acknowledged(shell, subscription, form):
    full = shell(f"$ES stream {subscription} {form} >/dev/full")
    assert (full.returncode, full.stderr) == (1, b"Error: No space left on device\n")
    assert shell(f"$ES stream {subscription}").stdout


@pytest.mark.parametrize("command", EVERY_KIND_OF_OUTPUT)
def test_a_reader_that_is_gone_is_no_error(shell, subscription, command):
    left = shell(f"$ES {command} | sleep 0; exit ${{PIPESTATUS[-2]}}")
    assert (left.returncode, left.stderr) == (0, b"")


def test_a_reader_of_remarks_that_is_gone_costs_no_event(shell, service, subscription):
    service.faults.add("reset", after=0)
    streamed = shell(f"$ES stream {subscription} 2> >(exec sleep 0)")
    assert streamed.returncode == 0
    assert streamed.stdout.count(b"\n") >= 30


def test_where_nothing_can_be_told_the_exit_code_still_tells(shell, subscription):
    assert shell("$ES subscriptions show 9999 2>/dev/full").returncode == 1
    assert shell("$ES no-such-command 2>/dev/full").returncode in {1, 2}
    streamed = shell(f"$ES stream {subscription} 2>/dev/full")
    assert (streamed.returncode, streamed.stdout.count(b"\n")) == (0, 30)


def test_a_place_that_can_not_be_kept_is_refused(shell, subscription):
    for place in ("/dev/null", "."):
        refused = shell(f"$ES stream {subscription} --checkpoint {place}")
        assert (refused.returncode, refused.stdout) == (2, b"")
    gone = shell(f"$ES stream {subscription} --checkpoint no/such/place.json")
    assert (gone.returncode, gone.stdout) == (1, b"")
    assert len(gone.stderr.splitlines()) == 1


def test_a_terminal_without_unicode(shell, subscription):
    people = shell("$ES subscriptions list", **ASCII)
    assert (people.returncode, people.stderr) == (0, b"")
    assert b"0 ? 5" in people.stdout
    assert shell(f"$ES stream {subscription} --pretty --no-ack", **ASCII).returncode == 0

    lines = shell(f"$ES stream {subscription}", **ASCII)
    assert {json.loads(line)["event"] for line in lines.stdout.splitlines()} == {"Transfer"}


def test_json_is_whole_in_any_encoding(shell, served):
    name = "P\u00f3lygon \U0001f7e3"
    served("chains", "create", 137, "--name", name, "--rpc", "http://127.0.0.1:9", "--json")
    for environment in (ASCII, {"PYTHONIOENCODING": "latin-1"}, {}):
        listed = shell("$ES chains list --json", **environment)
        assert name in [chain["name"] for chain in json.loads(listed.stdout)["chains"]]


@pytest.mark.parametrize("flags", ["-W error", "-O", "-OO", "-X dev -W error"])
def test_flags_of_the_interpreter_change_nothing(shell, subscription, flags):
    python = f"{shlex.quote(sys.executable)} {flags} -m event_streamer_sdk.cli"
    streamed = shell(f"{python} stream {subscription}")
    assert streamed.returncode == 0
    assert len(streamed.stderr.splitlines()) == 1, streamed.stderr
    assert shell(f"{python} subscriptions list --help").returncode == 0


@pytest.mark.parametrize("columns", [20, 79, 120])
def test_no_column_is_lost_on_a_narrow_terminal(service, subscription, columns):
    shown = on_a_terminal(columns, "subscriptions", "list", url=service.url)
    for part in ("Transfer(address,address,uint256)", "31337", "0 … 5", "Delivered", "idle"):
        assert part in shown


@pytest.mark.parametrize("form", ["--json", "--pretty"])
def test_events_on_a_terminal_stand_above_the_running_count(service, subscription, form):
    shown = on_a_terminal(200, "stream", subscription, form, url=service.url)
    assert shown.count("0x9fe467") > 5
    assert "30 events in 1 batch" in shown


def on_a_terminal(columns, *arguments, url):
    ended = at_a_terminal(
        arguments, columns=columns, environment=ordinary_environment(EVENT_STREAMER_URL=url)
    )
    assert ended.code == 0, ended.screen
    return ended.screen
