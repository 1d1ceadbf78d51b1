"""`event-streamer serve`: run the service as a process."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Annotated, Any

import typer
from attrs import evolve
from sqlalchemy.exc import SQLAlchemyError

from event_streamer_sdk._core.visible import visible
from event_streamer_sdk.cli import _streams
from event_streamer_service import logs
from event_streamer_service.allocator import keep_memory
from event_streamer_service.collector import Collector
from event_streamer_service.commands._arguments import (
    api_keys_of,
    chains_of,
    dev_chain_of,
    from_environment,
    keys_of,
    recording_of,
)
from event_streamer_service.commands._deadline import Deadline
from event_streamer_service.configuration import Configuration, KeySet, revealed
from event_streamer_service.connections import descriptor_limit, raise_descriptor_limit
from event_streamer_service.errors import StartupError, WrongArgument
from event_streamer_service.listening import Listener, bind, check_exposure
from event_streamer_service.reloading import Reloading
from event_streamer_service.server import ServiceServer, serve
from event_streamer_service.service import Service
from event_streamer_service.settings import Settings
from event_streamer_service.store.database import reason_of
from event_streamer_service.store.sqlite_lock import only_service_on

logger = logging.getLogger(__name__)

_NODE_PATIENCE = 10.0
"""Seconds that a node has to answer at the start."""
_DEV_BLOCK_SECONDS = 2.0
_STRANGERS_RATE = 100.0
_LAST_RESORT = 20.0
"""Seconds for a stop, which takes a fraction of it, on a busy machine too; Kubernetes gives 30."""
_REST = 3.0
"""Seconds that Python may take to end once all is saved and closed: what still runs is others' look-ups."""
_LEAST_DESCRIPTORS = 64
_OWN_DESCRIPTORS = 256
"""Files that the service opens beside connections of clients: database, nodes, its own."""
_FIELD_OF = {"allowed_host": "allowed_hosts", "trusted_proxy": "trusted_proxies"}


def serve_command(
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A TOML file with keys, chains and limits; the command line takes precedence. Its keys may "
            "change without a restart.",
        ),
    ] = None,
    database: Annotated[
        str, typer.Option(envvar="EVENT_STREAMER_DATABASE", help="sqlite:///file.db or postgresql://…")
    ] = "sqlite:///event-streamer.db",
    replicas: Annotated[
        bool,
        typer.Option(
            "--replicas",
            help="Share the PostgreSQL database with other processes that are started with this option.",
        ),
    ] = False,
    replica_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where the other replicas reach this one, if not at its address on the way to the database.",
        ),
    ] = None,
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
    host: Annotated[
        str, typer.Option(help="Interface, by name or address; off loopback API keys are required.")
    ] = "127.0.0.1",
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
    metrics_key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY",
            help="A key that reads only /metrics and /ready. Also EVENT_STREAMER_METRICS_KEYS.",
        ),
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Another name of this service besides localhost; matters where there are no keys. Pages of "
            "this host may call it.",
        ),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="A reverse proxy, whose X-Forwarded-For is believed; may be given several times.",
        ),
    ] = None,
    heartbeat_interval: Annotated[float, typer.Option(help="Seconds between two heartbeats.")] = 30.0,
    token_lifetime: Annotated[float, typer.Option(help="Hours for which a resume token is valid.")] = 168.0,
    requests_per_second: Annotated[
        float | None,
        typer.Option(
            help="The most requests a second of one subscriber; 100 where API keys are set, else no limit."
        ),
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
            raise WrongArgument(f"--log-level {log_level} is not one of debug, info, warning, error.")
        if log_format is None:
            log_format = "text" if sys.stderr is not None and sys.stderr.isatty() else "json"
        if log_format not in {"json", "text"}:
            raise WrongArgument(f"--log-format {log_format} is not one of json, text.")
        given = _given(
            host=host,
            port=port,
            database=database,
            replicas=replicas,
            replica_url=replica_url,
            heartbeat_interval=heartbeat_interval,
            token_lifetime=token_lifetime,
            requests_per_second=requests_per_second,
            testing=testing,
            allowed_host=allowed_host,
            trusted_proxy=trusted_proxy,
        )
        keys = KeySet(
            api_keys=api_keys_of([*(api_key or []), *from_environment("EVENT_STREAMER_API_KEYS")]),
            admin_keys=keys_of([*(admin_key or []), *from_environment("EVENT_STREAMER_ADMIN_KEYS")]),
            metrics_keys=keys_of([*(metrics_key or []), *from_environment("EVENT_STREAMER_METRICS_KEYS")]),
        )
        file = Configuration.read(config) if config is not None else Configuration()
        host = given.pop("host", file.host or host)
        port = given.pop("port", port if file.port is None else file.port)
        settings = _settings({"database": database} | file.settings | _as_settings(given), keys | file.keys)
        named = chains_of([*(chain or []), *from_environment("EVENT_STREAMER_CHAINS", None)], block_time)
        chains = list(
            ({one.chain_id: one for one in file.chains} | {one.chain_id: one for one in named}).values()
        )
        sources = [recording_of(text) for text in recording or []]
        dev_chain = dev_chain_of(dev_chain_id, dev_first_block, dev_block_seconds)
        logs.configure(log_level, form=log_format)
        check_exposure(host, settings)
        raise_descriptor_limit(settings.max_connections + _OWN_DESCRIPTORS)
        _check_descriptors()
        # Each replica would have a development chain of its own.
        fallback = None if settings.replicas else lambda: dev_chain
        make = partial(Service, settings, chains=chains, sources=sources, fallback=fallback)
        # The port first: a start that fails for it leaves no lock file behind.
        with (
            _signals_heeded(),
            closing(bind(host, port)) as listener,
            only_service_on(settings.database),
            _made(make) as service,
            Deadline() as deadline,
        ):
            asyncio.run(_serve(service, listener, Reloading(config, keys, file.files), deadline))
    except StartupError as problem:
        typer.echo(visible(f"event-streamer serve: {problem}"), err=True)
        raise typer.Exit(2 if isinstance(problem, WrongArgument) else 1) from problem
    except SQLAlchemyError as problem:  # it went away between two steps of the start
        typer.echo(visible(f"event-streamer serve: can't use the database: {reason_of(problem)}"), err=True)
        raise typer.Exit(1) from problem
    except RuntimeError as problem:
        if "start new thread" not in str(problem):
            raise
        said = "the system gives this process no more threads: raise the limit (ulimit -u, TasksMax=)."
        typer.echo(f"event-streamer serve: {said}", err=True)
        raise typer.Exit(1) from problem
    except (_InterruptedEarlyError, KeyboardInterrupt):
        raise typer.Exit(130) from None
    except (_StoppedEarlyError, asyncio.CancelledError):
        typer.echo("event-streamer serve: stopped by SIGTERM before it was ready.", err=True)
        raise typer.Exit(0) from None


def main() -> None:
    """Run `serve` as a program of its own."""
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command("serve")(serve_command)
    _streams.prepare()
    try:
        command(prog_name="python -m event_streamer_service")
    finally:
        _streams.settle()


class _StoppedEarlyError(BaseException):
    """
    SIGTERM came before there was an event loop, whose task it would have cancelled.

    Not Python's own `SystemExit` nor `KeyboardInterrupt`: for these psycopg asks the server for ten seconds
    to break off what it does, and the server may be silent.
    """


class _InterruptedEarlyError(_StoppedEarlyError):
    """Ctrl-C came as early."""


@contextmanager
def _made(make: Callable[[], Service]) -> Iterator[Service]:
    """Make the service, which brings its database to the newest schema. Ctrl-C ends that at once."""

    def interrupt(_number: int, _frame: object) -> None:
        raise _InterruptedEarlyError

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        service = make()
    finally:
        signal.signal(signal.SIGINT, before)
    with closing(service.database):
        yield service


@contextmanager
def _signals_heeded() -> Iterator[None]:
    """
    Heed signals while the service starts: uvicorn does once it serves.

    SIGTERM stops the start, also of a container's process 1, to which the system gives no signal that has no
    handler. SIGHUP would end the process; what it asks for, to read the keys, is being done anyway.
    """

    def stop(_number: int, _frame: object) -> None:
        raise _StoppedEarlyError

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, stop)}
    if sys.platform != "win32":
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check_descriptors() -> None:
    """Refuse to start where files run out before the first client comes."""
    limit = descriptor_limit()
    if limit is not None and limit < _LEAST_DESCRIPTORS:
        raise StartupError(
            f"This process may open {limit} files, and the service needs {_LEAST_DESCRIPTORS} at least: "
            "raise the limit (ulimit -n, LimitNOFILE= of systemd)."
        )


def _given(**values: Any) -> dict[str, Any]:
    """
    Return the options that were given, be it with their default; others leave it to the configuration file.

    Args:
        **values: Parameters of `serve_command`.
    """
    defaults = {name: parameter.default for name, parameter in signature(serve_command).parameters.items()}
    typed = {argument.partition("=")[0] for argument in sys.argv[1:]}
    return {
        name: value
        for name, value in values.items()
        if value != defaults[name] or f"--{name.replace('_', '-')}" in typed
    }


def _as_settings(given: dict[str, Any]) -> dict[str, Any]:
    """Turn options into fields of `Settings`."""
    values = {_FIELD_OF.get(name, name): value for name, value in given.items()}
    if "token_lifetime" in values:
        values["token_lifetime"] *= 3600
    if "database" in values:
        values["database"] = revealed(values["database"])
    return values


def _settings(values: dict[str, Any], keys: KeySet) -> Settings:
    """Put the settings together; whoever has keys has strangers, whose requests are counted."""
    settings = Settings(**values, **keys.settings())
    if settings.requests_per_second is None and settings.has_keys and "requests_per_second" not in values:
        settings = evolve(settings, requests_per_second=_STRANGERS_RATE)
    return settings


async def _serve(service: Service, listener: Listener, reloading: Reloading, deadline: Deadline) -> None:
    url = listener.url
    loop, task, is_ready, is_told = asyncio.get_running_loop(), asyncio.current_task(), False, False

    def limit() -> None:
        nonlocal is_told
        is_told = True
        deadline.set(_LAST_RESORT, code=1)

    def stop(_number: int, _frame: object) -> None:
        if not is_ready and task is not None:
            limit()
            loop.call_soon_threadsafe(task.cancel)

    signal.signal(signal.SIGTERM, stop)

    def announce(_: ServiceServer) -> None:
        nonlocal is_ready
        is_ready = True
        try:
            typer.echo(url)
            sys.stdout.flush()
        except OSError as problem:  # nobody reads it: no reason to serve nobody
            logger.warning(
                "The URL can't be written to standard output", extra=logs.fields(reason=problem.strerror)
            )
            _streams.write_no_more()
        chains = ", ".join(
            f"{chain.config.chain_id} ({chain.config.name})" for chain in service.chains.running()
        )
        known = {"url": url, "chains": chains, "database": service.database.name}
        if len(listener.sockets) > 1:
            known["listens"] = ", ".join(listener.places)
        logger.info("Started", extra=logs.fields(**known))

    reloader = asyncio.create_task(reloading.run(service), name="reload keys")
    keep_memory()
    collector = asyncio.create_task(Collector().run(), name="collector")
    try:
        await serve(service, listener, started=announce, stopping=limit, node_patience=_NODE_PATIENCE)
    finally:
        reloader.cancel()
        collector.cancel()
        if is_told:
            deadline.set(_REST, code=0)
    logger.info("Stopped")
