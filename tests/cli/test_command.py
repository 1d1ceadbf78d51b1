"""The command itself: version, help, completion, missing extras, commands that other packages add."""

import subprocess
import sys
from importlib.metadata import version

import pytest

COMMANDS = [
    *("subscriptions", "stream", "export", "plot", "worker", "chains", "breakers", "health", "abi"),
    *("demo", "keys", "serve"),
]


def python(*arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    call = ["-c", code] if code else ["-m", "event_streamer_sdk.cli"]
    return subprocess.run([sys.executable, *call, *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.quick
def test_version(cli):
    shown = cli("--version")
    assert shown.code == 0
    assert shown.out == f"event-streamer-sdk {version('event-streamer-sdk')}\n"


@pytest.mark.quick
def test_help_names_every_command(cli):
    shown = cli("--help")
    assert shown.code == 0
    for command in COMMANDS:
        assert f"│ {command} " in shown.out, "it stands at the beginning of its row"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(cli, command):
    shown = cli(command, "-h")
    assert shown.code == 0
    assert "Usage" in shown.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(cli, shell, monkeypatch):
    # Else typer looks for the shell among the parents of this process, which may have none.
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    shown = cli("--show-completion", shell)
    assert shown.code == 0
    assert "event-streamer" in shown.out


@pytest.mark.quick
def test_an_unknown_command_is_a_wrong_usage(cli):
    shown = cli("subscribtions")
    assert shown.code == 2
    assert "subscribtions" in shown.err


def test_it_runs_as_a_module():
    shown = python("--version")
    assert shown.returncode == 0
    assert shown.stdout.startswith("event-streamer-sdk ")


def hide(package: str) -> str:
    return f"""
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name == {package!r} or name.startswith({package + "."!r}):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
from event_streamer_sdk.cli import main
main()
"""


def test_ctrl_c_while_it_still_loads_is_no_traceback():
    broken_off = python(
        "health",
        code="""
import sys
class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, CtrlC())
from event_streamer_sdk.cli import main
main()
""",
    )
    assert (broken_off.returncode, broken_off.stdout, broken_off.stderr) == (130, "", "")


def test_without_its_extra_it_says_what_to_install():
    refused = python("health", code=hide("typer"))
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [
        "event-streamer needs its extra: pip install 'event-streamer-sdk[cli]>=1' "
        "(in a checkout: pip install '.[cli]')"
    ]


def test_without_the_service_it_says_what_to_install():
    refused = python("serve", code=hide("starlette"))
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "event-streamer-sdk[service]" in refused.stderr

    others = python("--help", code=hide("starlette"))
    assert others.returncode == 0
    assert "subscriptions" in others.stdout


def test_the_sdk_alone_needs_no_service_to_read_an_abi():
    loaded = python(
        "abi",
        "topic0",
        "Paused()",
        code="import sys, atexit\n"
        "from event_streamer_sdk.cli import main\n"
        "atexit.register(lambda: print([m for m in sys.modules if m.startswith('event_streamer_service')]))\n"
        "main()",
    )
    assert loaded.returncode == 0
    assert loaded.stdout.splitlines()[1] == "[]"


EVENT = ("subscriptions", "create", "Transfer(address indexed from, address indexed to, uint256 value)")
NODE = ("chains", "create", "5", "--name", "X", "--rpc")


@pytest.mark.quick
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("subscriptions", "show", "abc"), "'abc' is not a whole number"),
        (("worker", "--lease", "long"), "'long' is not a number"),
        ((*EVENT, "--chain", "1", "--chain", "2"), "it is given twice, and takes one value"),
        (("worker", "--app", "a:b", "--app", "c:d"), "it is given twice, and takes one value"),
        (("demo", "--seconds", "1", "--seconds", "2"), "it is given twice, and takes one value"),
        ((*EVENT, "--chain", "1", "--address", "0x12"), "--address must be 0x and 40 hex digits, got '0x12'"),
        ((*NODE, "node"), "--rpc must be the address of a node, such as https://node.example, got 'node'"),
        ((*NODE, "http://node", "--set", "speed"), "--set takes NAME=VALUE"),
        ((*NODE, "http://node", "--set", "speed=1"), "--set has no 'speed'; there are average_block_time"),
    ],
    ids=str.split("number fraction twice group entry-point address node no-value no-name"),
)
def test_what_was_mistyped_is_said_in_words(cli, typed, said):
    refused = cli(*typed)
    assert refused.code == 2
    assert said in " ".join(refused.err.replace("│", " ").split())
    assert refused.out == ""


def test_little_is_loaded_before_ctrl_c_is_heeded():
    """Until the command's own code runs, Ctrl-C shows Python's traceback; `typing` took most of that time."""
    code = "import sys, event_streamer_sdk.cli, event_streamer_service; print(*sys.modules)"
    loaded = python(code=code).stdout.split()
    assert "event_streamer_sdk.cli" in loaded
    assert not {"typing", "enum", "re", "signal", "typer", "httpx"} & set(loaded)
