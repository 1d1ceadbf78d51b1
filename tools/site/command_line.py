"""The reference of the command line, written by the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from event_streamer_sdk.cli._app import app


def page(_root: Path) -> str:
    """Every command with its arguments and options."""
    lines = [
        "# Commands\n",
        "Every command, as `--help` has it. [The guide](../cli.md) shows them at work.\n",
    ]
    for path, command in _commands(typer.main.get_command(app), ()):
        lines += _command(path, command)
    return "\n".join(lines)


def _commands(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if hasattr(command, "list_commands"):
            if command.invoke_without_command:  # a command that has others, such as `worker`
                yield (*path, name), command
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


def _command(path: tuple[str, ...], command: Any) -> Iterator[str]:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [
        each
        for each in command.params
        if each.param_type_name == "option" and not getattr(each, "hidden", False)
    ]
    usage = " ".join(["event-streamer", *path, *(_argument(each) for each in arguments)])
    yield f"## event-streamer {' '.join(path)}\n"
    yield f"```text\n{usage}{' [OPTIONS]' if options else ''}\n```\n"
    yield f"{_text(command.help)}\n"
    for each in arguments:
        yield f"`{each.make_metavar(typer.Context(command))}`\n: {_sentence(each)}\n"
    for each in options:
        names = ", ".join(f"`{name}`" for name in [*each.opts, *each.secondary_opts])
        metavar = "" if each.is_flag else f" {_metavar(command, each)}"
        yield f"{names}{metavar}\n: {_sentence(each)}\n"


def _argument(argument: Any) -> str:
    name = argument.human_readable_name
    return name if argument.required else f"[{name}]"


def _metavar(command: Any, option: Any) -> str:
    return f"`{option.make_metavar(typer.Context(command))}`"


def _text(help_text: str | None) -> str:
    return inspect.cleandoc(help_text or "").replace("\b\n", "").replace("<", "\\<")


def _sentence(parameter: Any) -> str:
    said = " ".join(_text(getattr(parameter, "help", None)).split()) or "No more to say."
    variable, default = getattr(parameter, "envvar", None), parameter.default
    if callable(default):
        default = None
    if variable:
        said += f" Environment: `{variable if isinstance(variable, str) else variable[0]}`."
    shown = getattr(parameter, "show_default", True)
    if isinstance(shown, str):  # a default that the command itself falls back to
        default = shown
    if default not in (None, False, (), [], "") and shown:
        said += f" Default: `{default}`."
    return said
