"""The guide's tables and command lines name what there is, with its defaults: all of it and nothing else."""

import builtins
import inspect
import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import attrs
import pytest
import typer

from event_streamer_sdk import EventStreamer, Reconnect, StreamingClient, checkpoints, exceptions
from event_streamer_sdk._core.stream.options import CheckedOptions, StreamOptions
from event_streamer_sdk.cli._app import app
from event_streamer_service.commands.serve import serve_command
from event_streamer_service.testing.faults import KINDS, Fault

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"

pytestmark = pytest.mark.quick


def table(document: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading, row by row."""
    section = re.split(rf"^## {heading}$", (DOCS / document).read_text("utf-8"), flags=re.MULTILINE)[1]
    section = re.split(r"^##+ ", section, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def code_words(cell: str) -> list[str]:
    return [word.split()[0] for word in re.findall(r"`([^`]+)`", cell)]


def first_cells(document: str, heading: str) -> set[str]:
    """The code words in the first column of the table below a heading."""
    return {word for row in table(document, heading) for word in code_words(row[0])}


def defaults(document: str, heading: str) -> dict[str, Any]:
    """What the last column says of each name of the first; several are parted by semicolons."""
    found: dict[str, Any] = {}
    for row in table(document, heading):
        names, said = code_words(row[0]), row[-1].split(";")
        assert len(said) in {1, len(names)}, row
        found |= zip(names, map(value, said * (len(names) // len(said))), strict=True)
    return found


def value(said: str) -> Any:
    said = said.strip().strip("`").strip('"')
    number = re.match(r"([\d,]+(?:\.\d+)?)( MiB)?(?: s)?(?=$|: )", said)
    if number:
        return float(number[1].replace(",", "")) * (2**20 if number[2] else 1)
    words = {"none": None, "no limit": None, "off": False, "True": True, "False": False}
    return words.get(said, said)


def parameters(function: Any) -> dict[str, Any]:
    return {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}


def test_every_option_of_a_stream_is_described() -> None:
    arguments = parameters(EventStreamer.create_streaming_client)
    named = set(arguments) - {"self", "subscription_id", "options"}
    assert first_cells("streaming.md", "All options") == named | set(StreamOptions.__annotations__)

    said = defaults("streaming.md", "All options")
    real = {field.name: field.default for field in attrs.fields(CheckedOptions)}
    in_words = {"heartbeat_interval", "reconnect"}  # what the service says; a whole policy
    for name in (said.keys() & real.keys()) - in_words:
        assert said[name] == real[name], name
    for name in ("auto_acknowledge", "batch_ack_interval"):
        assert said[name] == arguments[name], name


def test_every_part_of_the_reconnect_policy_is_described() -> None:
    said = defaults("streaming.md", "How often it tries again")
    assert said == {field.name: field.default for field in attrs.fields(Reconnect)}


def test_every_handler_is_described() -> None:
    named = {word.partition("(")[0] for word in first_cells("streaming.md", "Handlers")}
    assert named == {name for name in dir(StreamingClient) if name.startswith("on_")}


def test_every_store_is_described() -> None:
    section = (DOCS / "streaming.md").read_text("utf-8").partition("## Where the position is kept")[2]
    section = section.partition("\n## ")[0]
    stores = {name for name in checkpoints.__all__ if name.endswith(("Checkpoint", "DeadLetters"))}
    for name in stores - {"Checkpoint", "DeadLetters"}:
        assert f"`{name}" in section, name


def test_every_option_of_a_client_is_described() -> None:
    arguments = parameters(EventStreamer.__init__)
    said = defaults("client.md", "How the service is reached")
    assert said.keys() == arguments.keys() - {"self", "service_url", "subscriber_id"}
    for name in said.keys() - {"limits"}:  # httpx's own
        assert said[name] == arguments[name], name


def test_every_option_of_serve_is_described() -> None:
    arguments = {f"--{name.replace('_', '-')}": value for name, value in parameters(serve_command).items()}
    told_in_the_text = {
        "--dev-chain-id",
        "--dev-first-block",
        "--dev-block-seconds",
        "--log-format",
        "--log-level",
    }
    assert first_cells("service.md", "Start it") == arguments.keys() - told_in_the_text
    assert told_in_the_text <= set(re.findall(r"--[a-z-]+", (DOCS / "service.md").read_text("utf-8")))

    said = defaults("service.md", "Start it")
    in_words = {"--chain", "--block-time", "--recording", "--requests-per-second"}
    for name in said.keys() - in_words:
        assert said[name] == arguments[name], name
    assert all(arguments[name] is None for name in in_words)


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    tree = re.findall(r"```\n(Event.*?)```", (DOCS / "errors.md").read_text("utf-8"), re.DOTALL)[0]
    above: list[type] = []
    for line in tree.splitlines():
        indent, name, builtin = re.findall(r"^([│ ├└─]*)(\w+)(?: \((\w+)\))?", line)[0]
        error = getattr(exceptions, name)
        above = above[: len(indent) // 4]
        for base in [*above[-1:], *([getattr(builtins, builtin)] if builtin else [])]:
            assert issubclass(error, base), (name, base)
        above.append(error)
    there = {name for name in exceptions.__all__ if name.endswith("Error")}
    assert set(re.findall(r"\w+Error(?=\s)", tree)) - {"TimeoutError"} == there


def test_every_fault_is_described() -> None:
    rows = table("service.md", "Faults on purpose")
    assert {word for row in rows if len(row) == 2 for word in code_words(row[0])} == set(KINDS)
    options = {code_words(row[0])[0]: row for row in rows if len(row) == 4}
    fields = {field.name: field for field in attrs.fields(Fault) if field.init and field.name != "kind"}
    assert options.keys() == fields.keys()
    for name, (_, of, _, default) in options.items():
        assert value(default) == fields[name].default, name
        assert of == "all" or set(code_words(of)) <= set(KINDS)


def commands(group: Any = None, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], set[str]]:
    """Every command of the command line with its options, from (`subscriptions`, `create`) on."""
    group = group or typer.main.get_command(app)
    context = typer.Context(group)
    found: dict[tuple[str, ...], set[str]] = {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if hasattr(command, "list_commands"):
            found |= commands(command, (*path, name))
        if not hasattr(command, "list_commands") or command.invoke_without_command:
            options = {option for each in command.params for option in [*each.opts, *each.secondary_opts]}
            found[*path, name] = {"--help", *options}
    return found


def shown() -> list[list[str]]:
    """The command lines of README and guides, in words; of `id=$(…)` what is in the brackets."""
    lines: list[str] = []
    for document in [ROOT / "README.md", *DOCS.glob("*.md"), *DOCS.glob("how-to/*.md")]:
        text = document.read_text("utf-8").replace("\\\n", " ")
        lines += re.findall(r"^\$ event-streamer (.+)$", text, re.MULTILINE)
        lines += re.findall(r"^\$ \w+=\$\(event-streamer (.+)\)$", text, re.MULTILINE)
        lines += re.findall(r"`event-streamer ([^`…]+)`", text)
    elsewhere = {"|", ">", ">>"}
    split = [shlex.split(line, comments=True) for line in lines]
    return [list(itertools.takewhile(lambda word: word not in elsewhere, words)) for words in split]


def test_what_command_lines_name_is_there() -> None:
    known = commands()
    for words in shown():
        path = next((path for path in known if tuple(words[: len(path)]) == path), None)
        if path is None:
            group = words[0] in {path[0] for path in known} and len(words) == 1
            assert group or words[0] in {"--version", "--install-completion"}, words
            continue
        options = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert options <= known[path], words


def test_every_command_is_shown_in_its_guide() -> None:
    text = (DOCS / "cli.md").read_text("utf-8")
    for path in commands():
        assert f"event-streamer {' '.join(path)}" in text, path
