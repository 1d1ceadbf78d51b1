"""What a terminal, a pipe or a shell may do to the command: real processes, one line each, no traceback."""

import fcntl
import json
import os
import pty
import shlex
import struct
import subprocess
import sys
import termios

import pytest

from event_streamer_service import LocalService

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
        variables = {**os.environ, "EVENT_STREAMER_URL": service.url, **environment}
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
    assert (empty.returncode, empty.stderr) == (1, b"Error: the document is empty\n")
    silent = shell("$ES subscriptions show 9999 2>&-")
    assert (silent.returncode, silent.stdout) == (1, b"")


def test_nothing_is_deleted_where_nobody_can_be_asked(shell, subscription):
    refused = shell(f"$ES subscriptions delete {subscription} </dev/null")
    assert refused.returncode == 2
    assert b"--yes" in refused.stderr
    assert shell(f"$ES subscriptions show {subscription}").returncode == 0


def test_a_full_disk_is_one_line_and_nothing_is_acknowledged(shell, subscription):
    for command in ("subscriptions list", "subscriptions list --json", f"stream {subscription}"):
        full = shell(f"$ES {command} >/dev/full")
        assert (full.returncode, full.stderr) == (1, b"Error: No space left on device\n")
    assert shell(f"$ES stream {subscription}").stdout


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
    assert "Transfer(address,address,uint256)" in shown


@pytest.mark.parametrize("form", ["--json", "--pretty"])
def test_events_on_a_terminal_stand_above_the_running_count(service, subscription, form):
    shown = on_a_terminal(200, "stream", subscription, form, url=service.url)
    assert shown.count("0x9fe467") > 5
    assert "30 events in 1 batch" in shown


def on_a_terminal(columns, *arguments, url):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "event_streamer_sdk.cli", *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, env={**environment, "EVENT_STREAMER_URL": url},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65536):
            written += part
    except OSError:  # how Linux tells that the other side is closed
        pass
    os.close(ours)
    assert process.wait(timeout=30) == 0
    return written.decode()
