"""`event-streamer chains`: the chains that the service reads, and their nodes."""

from typing import Annotated, Any

import attrs
import typer

from event_streamer_sdk.cli._connection import (
    DEFAULT_SUBSCRIBER,
    DEFAULT_URL,
    ApiKey,
    SubscriberId,
    Url,
    connect,
)
from event_streamer_sdk.cli._output import AsJson, say, write_details, write_json, write_table
from event_streamer_sdk.models.chains import ChainConfigRequest, ChainConfigResponse

app = typer.Typer(help="Look at and change the chains that the service reads.", no_args_is_help=True)

ChainId = Annotated[int, typer.Argument(min=1, show_default=False, help="The chain's id.")]
Name = Annotated[str, typer.Option("--name", "-n", show_default=False, help="What people call the chain.")]
Rpc = Annotated[
    list[str],
    typer.Option("--rpc", "-r", show_default=False, help="A node's address; several are tried in turn."),
]
BlockTime = Annotated[float | None, typer.Option(show_default=False, help="Seconds from block to block.")]
BlocksPerRequest = Annotated[int | None, typer.Option(min=1, show_default=False, help="Of a log query.")]
Confirmations = Annotated[
    int | None, typer.Option(min=0, show_default=False, help="How deep a block lies before it counts.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any other setting, as live_max_gap_size=500."),
]


@app.command("list")
def list_(
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    subscriber_id: SubscriberId = DEFAULT_SUBSCRIBER,
    api_key: ApiKey = None,
) -> None:
    """List the active chains."""
    with connect(url, subscriber_id, api_key) as client:
        answer = client.get_all_chains()
    if as_json:
        write_json(answer)
        return
    write_table(
        ["Chain", "Name", "Status", "Block time", "Nodes"],
        [[one.chain_id, one.name, one.status, one.average_block_time, one.rpc_urls] for one in answer.chains],
        empty="No chains.",
    )


@app.command()
def stats(
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    subscriber_id: SubscriberId = DEFAULT_SUBSCRIBER,
    api_key: ApiKey = None,
) -> None:
    """Count chains and the nodes that work."""
    with connect(url, subscriber_id, api_key) as client:
        answer = client.get_chain_stats()
    if as_json:
        write_json(answer)
        return
    write_details(
        {
            "Chains": answer.total_chains,
            "Active": answer.active_chains,
            "Healthy nodes": answer.healthy_rpcs,
            "Ids": answer.supported_chain_ids,
            "Read at": answer.last_refresh,
        }
    )


@app.command()
def show(
    chain: ChainId,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    subscriber_id: SubscriberId = DEFAULT_SUBSCRIBER,
    api_key: ApiKey = None,
) -> None:
    """Show one chain's configuration."""
    with connect(url, subscriber_id, api_key) as client:
        _show(client.get_chain(chain), as_json)


@app.command()
def create(
    chain: ChainId,
    name: Name,
    rpc: Rpc,
    average_block_time: BlockTime = None,
    max_blocks_per_request: BlocksPerRequest = None,
    confirmation_blocks: Confirmations = None,
    settings: Settings = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    subscriber_id: SubscriberId = DEFAULT_SUBSCRIBER,
    api_key: ApiKey = None,
) -> None:
    """Add a chain; the service begins to read it at once."""
    config = _config(
        chain, name, rpc, average_block_time, max_blocks_per_request, confirmation_blocks, settings
    )
    with connect(url, subscriber_id, api_key) as client:
        _show(client.create_chain(config), as_json)


@app.command()
def update(
    chain: ChainId,
    name: Name,
    rpc: Rpc,
    average_block_time: BlockTime = None,
    max_blocks_per_request: BlocksPerRequest = None,
    confirmation_blocks: Confirmations = None,
    settings: Settings = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    subscriber_id: SubscriberId = DEFAULT_SUBSCRIBER,
    api_key: ApiKey = None,
) -> None:
    """Replace a chain's configuration; what isn't named gets its default."""
    config = _config(
        chain, name, rpc, average_block_time, max_blocks_per_request, confirmation_blocks, settings
    )
    with connect(url, subscriber_id, api_key) as client:
        _show(client.update_chain(chain, config), as_json)


@app.command()
def delete(
    chain: ChainId,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    subscriber_id: SubscriberId = DEFAULT_SUBSCRIBER,
    api_key: ApiKey = None,
) -> None:
    """Deactivate a chain: it is read no more, its configuration stays."""
    with connect(url, subscriber_id, api_key) as client:
        _done(client.delete_chain(chain), as_json, f"Deactivated chain {chain}.")


@app.command()
def refresh(
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    subscriber_id: SubscriberId = DEFAULT_SUBSCRIBER,
    api_key: ApiKey = None,
) -> None:
    """Let the service read the configurations from its database again."""
    with connect(url, subscriber_id, api_key) as client:
        _done(client.refresh_chains(), as_json, "Refreshed.")


def _config(
    chain: int,
    name: str,
    rpc: list[str],
    average_block_time: float | None,
    max_blocks_per_request: int | None,
    confirmation_blocks: int | None,
    settings: list[str] | None,
) -> ChainConfigRequest:
    values: dict[str, Any] = {
        "average_block_time": average_block_time,
        "max_blocks_per_request": max_blocks_per_request,
        "confirmation_blocks": confirmation_blocks,
    }
    named = {name: value for name, value in values.items() if value is not None}
    return ChainConfigRequest(chain_id=chain, name=name, rpc_urls=rpc, **named, **_settings(settings or []))


def _settings(given: list[str]) -> dict[str, Any]:
    known = {field.name for field in attrs.fields(ChainConfigRequest)} - {"chain_id", "additional_properties"}
    values: dict[str, Any] = {}
    for setting in given:
        name, equals, value = setting.partition("=")
        if not equals or name not in known:
            raise typer.BadParameter(f"{setting!r} is no NAME=VALUE with one of {', '.join(sorted(known))}")
        values[name] = _typed(value)
    return values


def _typed(value: str) -> Any:
    if value in {"true", "false"}:
        return value == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def _show(answer: ChainConfigResponse, as_json: bool) -> None:
    if as_json:
        write_json(answer)
        return
    write_details(
        {
            "Chain": answer.chain_id,
            "Name": answer.name,
            "Status": answer.status,
            "Nodes": answer.rpc_urls,
            "Block time": None if answer.average_block_time is None else f"{answer.average_block_time} s",
            "Blocks a request": answer.max_blocks_per_request,
            "Confirmations": answer.confirmation_blocks,
        }
    )


def _done(answer: ChainConfigResponse, as_json: bool, otherwise: str) -> None:
    if as_json:
        write_json(answer)
    else:
        say(answer.message or otherwise)
