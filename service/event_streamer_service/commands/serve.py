"""`event-streamer serve`: run the service as a process."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from event_streamer_sdk._core.visible import visible
from event_streamer_service import logs
from event_streamer_service.chains.config import ChainConfig, redact_url
from event_streamer_service.chains.recording import Recording
from event_streamer_service.chains.source import ChainSource
from event_streamer_service.devchain.chain import DevChain
from event_streamer_service.errors import StartupError, WrongArgument
from event_streamer_service.server import ServiceServer, bind, check_exposure, serve, url_of
from event_streamer_service.service import Service
from event_streamer_service.settings import Settings
from event_streamer_service.store.lock import only_service_on

logger = logging.getLogger(__name__)

_NODE_PATIENCE = 10.0
"""Seconds that a node has to answer at the start."""
_DEV_BLOCK_SECONDS = 2.0


def serve_command(
    *,
    database: Annotated[
        str, typer.Option(envvar="EVENT_STREAMER_DATABASE", help="sqlite:///file.db or postgresql://…")
    ] = "sqlite:///event-streamer.db",
    chain: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID=URL[,URL…]",
            help="A chain and its JSON-RPC nodes, the preferred one first; may be given for several chains. "
            "Without any chain, also in the database: the embedded development chain.",
        ),
    ] = None,
    block_time: Annotated[
        float | None,
        typer.Option(
            help="Seconds between two blocks of the chains given: how often their nodes are asked for the "
            "head, at least every 10 s."
        ),
    ] = None,
    recording: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[ID=]FOLDER",
            help="Recorded blocks (blocks.ndjson, logs.ndjson) of chain ID, 1 unless told otherwise.",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Interface; off loopback API keys are required.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port; 0 takes a free one.")] = 8000,
    api_key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SUBSCRIBER=KEY",
            help="A subscriber's API key; may be given several times. "
            "EVENT_STREAMER_API_KEYS holds them with commas, out of sight of `ps`.",
        ),
    ] = None,
    admin_key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY", help="A key that may change chains and breakers. Also EVENT_STREAMER_ADMIN_KEYS."
        ),
    ] = None,
    heartbeat_interval: Annotated[float, typer.Option(help="Seconds between two heartbeats.")] = 30.0,
    token_lifetime: Annotated[float, typer.Option(help="Hours for which a resume token is good.")] = 168.0,
    requests_per_second: Annotated[
        float | None,
        typer.Option(help="Requests of one subscriber, at most; 100 where API keys are set, else no limit."),
    ] = None,
    dev_chain_id: Annotated[int, typer.Option(help="Chain id of the development chain.")] = 31_337,
    dev_first_block: Annotated[int, typer.Option(help="First block of the development chain.")] = 0,
    dev_block_seconds: Annotated[
        float, typer.Option(help="Seconds between two blocks of the development chain.")
    ] = _DEV_BLOCK_SECONDS,
    testing: Annotated[
        bool, typer.Option("--testing", help="Offer fault injection and the journal under /admin.")
    ] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    log_format: Annotated[
        str | None,
        typer.Option(help="json or text. Default: text on a terminal, else json.", show_default=False),
    ] = None,
) -> None:
    """Run the service. It prints its URL, logs to standard error, and stops at Ctrl-C or SIGTERM."""
    try:
        if log_level not in {"debug", "info", "warning", "error"}:
            raise WrongArgument(f"--log-level {log_level} is none of debug, info, warning, error.")
        if log_format is None:
            log_format = "text" if sys.stderr.isatty() else "json"
        if log_format not in {"json", "text"}:
            raise WrongArgument(f"--log-format {log_format} is none of json, text.")
        api_keys = _api_keys([*(api_key or []), *_from_environment("EVENT_STREAMER_API_KEYS")])
        admin_keys = [*(admin_key or []), *_from_environment("EVENT_STREAMER_ADMIN_KEYS")]
        if requests_per_second is None and (api_keys or admin_keys):
            requests_per_second = 100.0
        settings = Settings(
            database=database,
            api_keys=api_keys,
            admin_keys=admin_keys,
            heartbeat_interval=heartbeat_interval,
            token_lifetime=token_lifetime * 3600,
            requests_per_second=requests_per_second,
            testing=testing,
        )
        chains = _chains(chain or [], block_time)
        sources = [_recording(text) for text in recording or []]
        dev_chain = _dev_chain(dev_chain_id, dev_first_block, dev_block_seconds)
        logs.configure(log_level, form=log_format)
        check_exposure(host, settings)
        service = partial(Service, settings, chains=chains, sources=sources, fallback=lambda: dev_chain)
        with only_service_on(database):
            asyncio.run(_serve(service, host, port))
    except StartupError as problem:
        typer.echo(visible(f"event-streamer serve: {problem}"), err=True)
        raise typer.Exit(2 if isinstance(problem, WrongArgument) else 1) from problem
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def main() -> None:
    """Run `serve` as a program of its own."""
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command("serve")(serve_command)
    command(prog_name="python -m event_streamer_service")


async def _serve(make_service: Callable[[], Service], host: str, port: int) -> None:
    listener = bind(host, port)
    url = url_of(listener)
    try:
        service = make_service()
    except BaseException:
        listener.close()
        raise

    def announce(_: ServiceServer) -> None:
        typer.echo(url)
        sys.stdout.flush()
        chains = ", ".join(
            f"{chain.config.chain_id} ({chain.config.name})" for chain in service.chains.running()
        )
        logger.info("Started", extra=logs.fields(url=url, chains=chains, database=service.database.name))

    await serve(service, listener, started=announce, node_patience=_NODE_PATIENCE)
    logger.info("Stopped")


def _chains(texts: list[str], block_time: float | None) -> list[ChainConfig]:
    """Read all of `--chain`."""
    if block_time is not None and not texts:
        raise WrongArgument("--block-time says how fast the chains of --chain grow: give one.")
    chains: dict[int, ChainConfig] = {}
    for text in texts:
        config = _chain(text, block_time)
        if chains.setdefault(config.chain_id, config) is not config:
            raise WrongArgument(
                f"--chain {config.chain_id} is given twice: name all its nodes in one of them."
            )
    return list(chains.values())


def _chain(text: str, block_time: float | None) -> ChainConfig:
    """Read `ID=URL[,URL…]`."""
    number, _, urls = text.partition("=")
    if not (number.isascii() and number.isdigit()) or not urls:
        raise WrongArgument(f"--chain must be ID=URL, such as 1=https://node.example, not {_masked(text)!r}.")
    try:
        return ChainConfig(
            chain_id=int(number),
            name=f"Chain {int(number)}",
            rpc_urls=urls.split(","),
            average_block_time=block_time,
        )
    except ValueError as problem:
        raise WrongArgument(f"--chain {number}: {problem}.") from problem


def _masked(text: str) -> str:
    """Return what was typed without what may be a secret: everything after a host's name."""
    name, equals, url = text.partition("=")
    return f"{name}{equals}{redact_url(url)}" if "://" in url else text


def _recording(text: str) -> ChainSource:
    """Read `[ID=]FOLDER`."""
    number, equals, folder = text.partition("=")
    has_id = bool(equals) and number.isascii() and number.isdigit()
    try:
        return Recording(folder, chain_id=int(number)) if has_id else Recording(text)
    except (OSError, ValueError) as problem:
        raise WrongArgument(f"--recording {text}: {problem}") from problem


def _dev_chain(chain_id: int, first_block: int, block_seconds: float) -> DevChain:
    try:
        return DevChain(chain_id, first_block, mine_every=block_seconds)
    except ValueError as problem:
        raise WrongArgument(f"The development chain can't be made: {problem}.") from problem


def _api_keys(texts: list[str]) -> dict[str, str]:
    """Read `SUBSCRIBER=KEY` into key → subscriber."""
    keys: dict[str, str] = {}
    for text in texts:
        subscriber, _, key = text.partition("=")
        if not subscriber or not key:
            raise WrongArgument("--api-key must be SUBSCRIBER=KEY, such as my-app=a-long-random-text.")
        if keys.setdefault(key, subscriber) != subscriber:
            raise WrongArgument(f"The API key of {subscriber} is also another subscriber's.")
    return keys


def _from_environment(name: str) -> list[str]:
    return [part for part in os.environ.get(name, "").split(",") if part]
