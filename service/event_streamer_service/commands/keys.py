"""`event-streamer keys`: make API keys, and change the secret that signs resume tokens."""

from __future__ import annotations

import asyncio
import getpass
import secrets
import sys
from typing import Annotated

import typer
from sqlalchemy import Connection, func, select

from event_streamer_sdk._core.visible import visible
from event_streamer_service.auth import digest_of
from event_streamer_service.cluster.postgres_session import CHANNEL
from event_streamer_service.configuration import long_enough, revealed
from event_streamer_service.errors import StartupError, WrongArgument
from event_streamer_service.store.database import Database
from event_streamer_service.store.token_secrets import rotate

keys_command = typer.Typer(help="Create API keys for a service.", no_args_is_help=True, add_completion=False)

_RANDOM_BYTES = 32


@keys_command.command()
def create(
    subscriber: Annotated[
        str | None, typer.Argument(metavar="SUBSCRIBER", show_default=False, help="Whose key it will be.")
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="An admin's key.")] = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="A key that reads only /metrics and /ready.")
    ] = False,
) -> None:
    """
    Create a key: it goes to standard output, its digest for the configuration file to standard error.

    The key itself is kept nowhere. The service is given its digest, from which nobody gets the key back.
    """
    if [subscriber is not None, admin, metrics].count(True) != 1:
        raise typer.BadParameter("name a subscriber, or say --admin or --metrics: one of the three")
    key = f"es_{secrets.token_urlsafe(_RANDOM_BYTES)}"
    digest = f"sha256:{digest_of(key).hex()}"
    if subscriber is not None:
        said = f'[keys.subscribers]\n{_toml_text(subscriber)} = ["{digest}"]'
    else:
        said = f'[keys]\n{"admin" if admin else "metrics"} = ["{digest}"]'
    # A comment: the whole may be appended to the file.
    typer.echo(f"# For the service's configuration file (serve --config):\n\n{said}\n", err=True)
    typer.echo(key)


@keys_command.command()
def digest() -> None:
    """Read a key from standard input (or a prompt), and write its digest for the configuration file."""
    key = getpass.getpass("Key: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    try:
        typer.echo(f"sha256:{digest_of(long_enough(key)).hex()}")
    except StartupError as problem:
        typer.echo(visible(f"event-streamer keys: {problem}"), err=True)
        raise typer.Exit(2) from problem


@keys_command.command()
def rotate_tokens(
    database: Annotated[
        str, typer.Option(envvar="EVENT_STREAMER_DATABASE", help="The service's database.")
    ] = "sqlite:///event-streamer.db",
    keep: Annotated[
        float,
        typer.Option(min=0, help="Hours for which tokens of the old secret stay valid; with 0, none does."),
    ] = 168.0,
) -> None:
    """
    Give the service a new secret for its resume tokens.

    A running service takes it at SIGHUP, replicas at once. A client whose token is no longer valid does what
    its on_token_lost says: it ends with an error, unless told otherwise.
    """

    async def change() -> None:
        held = Database(revealed(database), must_exist=True)
        try:
            await held.run(lambda connection: _rotate_and_tell(connection, keep=keep * 3600))
        finally:
            held.close()

    try:
        asyncio.run(change())
    except StartupError as problem:
        typer.echo(visible(f"event-streamer keys: {problem}"), err=True)
        raise typer.Exit(2 if isinstance(problem, WrongArgument) else 1) from problem
    typer.echo(
        "A new secret signs tokens. A running service takes it at SIGHUP, or when it starts anew.", err=True
    )


def _rotate_and_tell(connection: Connection, *, keep: float) -> None:
    rotate(connection, keep=keep)
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(CHANNEL, '{"keys": true}')))


def _toml_text(text: str) -> str:
    """Spell a key of TOML: bare where it may be."""
    if text.isascii() and text.replace("-", "").replace("_", "").isalnum():
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
