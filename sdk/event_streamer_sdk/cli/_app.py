"""The command's tree, the commands that other packages add to it, and how failures end."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from importlib.metadata import EntryPoint, entry_points, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from event_streamer_sdk._core.words import install_hint
from event_streamer_sdk.cli import (
    _streams,
    abi,
    breakers,
    chains,
    dead_letters,
    doctor,
    export,
    health,
    plot,
    stream,
    subscriptions,
    worker,
)
from event_streamer_sdk.cli._once import Commands
from event_streamer_sdk.cli._option_names import in_options
from event_streamer_sdk.cli._output import complain
from event_streamer_sdk.exceptions import (
    EventStreamerAuthError,
    EventStreamerRequestError,
    EventStreamerSDKError,
    EventStreamerValidationError,
    LogDecodeError,
    StreamLineError,
)

COMMANDS_GROUP = "event_streamer.commands"
"""The entry-point group through which the service adds `serve` and `demo`: the SDK never imports it."""


@contextmanager
def _readers_may_leave() -> Iterator[None]:
    """`event-streamer … | head` has seen enough: that is not an error, and what it didn't see isn't lost."""
    try:
        yield
    except BrokenPipeError as closed:
        _streams.write_no_more()
        raise typer.Exit(0) from closed
    except SystemExit as end:  # what rich, which writes the help texts, makes of it
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        raise typer.Exit(0) from end


class _OpenGroup(TyperGroup):
    """A command group that also holds what entry points bring, each loaded when it is asked for."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the command line, which may show a help text."""
        with _readers_may_leave():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _readers_may_leave():
            result = super().invoke(ctx)
            sys.stdout.flush()  # what can't be written must fail here, and not when Python ends
            return result

    def list_commands(self, ctx: Any) -> list[str]:
        """Name the commands, the added ones last."""
        added = [entry.name for entry in _added_commands() if _installed(entry)]
        return [*super().list_commands(ctx), *sorted(added)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Find a command by its name, among our own first."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            return found
        for entry in _added_commands():
            if entry.name == cmd_name:
                return _load(entry)
        return None


def _added_commands() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=COMMANDS_GROUP))


def _installed(entry: EntryPoint) -> bool:
    try:
        entry.load()
    except ImportError:
        return False
    return True


def _load(entry: EntryPoint) -> Any:
    try:
        function = entry.load()
    except ImportError as missing:
        complain(f"event-streamer {entry.name} needs the service ({missing}): {install_hint('service')}")
        raise typer.Exit(1) from missing
    if isinstance(function, typer.Typer):  # a group of commands, such as `keys`
        group = typer.main.get_command(function)
        group.name = entry.name  # the list of commands shows it
        return group
    single = Commands(add_completion=False)
    single.command(entry.name)(function)
    return typer.main.get_command(single)


app = Commands(
    cls=_OpenGroup,
    help="Stream decoded blockchain events, and manage what is streamed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(subscriptions.app, name="subscriptions")
app.command("stream")(stream.stream)
app.command("export")(export.export)
app.command("plot")(plot.plot)
app.add_typer(worker.app, name="worker")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(chains.app, name="chains")
app.add_typer(breakers.app, name="breakers")
app.command("health")(health.health)
app.command("doctor")(doctor.doctor)
app.add_typer(abi.app, name="abi")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"event-streamer-sdk {version('event-streamer-sdk')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    pass


_KEY_FROM = ". The key is taken from --api-key, EVENT_STREAMER_API_KEY or the settings file"
_HINTS: dict[int | None, str] = {
    HTTPStatus.UNAUTHORIZED: _KEY_FROM,
    HTTPStatus.FORBIDDEN: f"{_KEY_FROM}, and whose it is from --subscriber-id, EVENT_STREAMER_SUBSCRIBER_ID "
    "or that file",
}
"""What to do about a refusal."""

_USAGE = 2


def _is_usage(problem: EventStreamerSDKError) -> bool:
    """Say whether what was typed can't be used, so that nothing was asked of the service or of a place."""
    came_from_elsewhere = EventStreamerRequestError, StreamLineError, LogDecodeError
    return isinstance(problem, EventStreamerValidationError) and not isinstance(problem, came_from_elsewhere)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command."""
    # What goes wrong is said in the command's own words.
    logging.getLogger("event_streamer_sdk").addHandler(logging.NullHandler())
    try:
        code = _run(arguments)
        sys.stdout.flush()  # a help text, too, may be more than the disk can hold
    except EventStreamerSDKError as problem:
        hint = _HINTS.get(problem.status_code, "") if isinstance(problem, EventStreamerAuthError) else ""
        complain(f"{in_options(problem)}{hint}")
        return _USAGE if _is_usage(problem) else 1
    except BrokenPipeError:
        _streams.write_no_more()
        return 0
    except OSError as problem:
        why = problem.strerror or str(problem)
        complain(f"{problem.filename}: {why}" if problem.filename else why)
        return 1
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        app(args=None if arguments is None else list(arguments), prog_name="event-streamer")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    return 0
