"""`event-streamer chains`: the chains that the service reads, and their nodes."""

from typing import Annotated, Any

import attrs
import typer

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.cli._connection import calls_the_service, connect
from event_streamer_sdk.cli._once import Commands
from event_streamer_sdk.cli._output import AsJson, ask, write_answer, write_done, write_json, write_table
from event_streamer_sdk.cli._shared import given_by, option
from event_streamer_sdk.models.chains import ChainConfigRequest, ChainConfigResponse

app: typer.Typer = Commands(help="Show and change the chains that the service reads.", no_args_is_help=True)

ChainId = Annotated[int, typer.Argument(min=1, show_default=False, help="The chain's id.")]


def _config(
    chain: ChainId,
    name: Annotated[str, option("--name", "-n", help="What people call the chain.")],
    rpc: Annotated[list[str], option("--rpc", "-r", help="A node's address; several are tried in turn.")],
    average_block_time: Annotated[float | None, option(help="Average seconds between two blocks.")] = None,
    max_blocks_per_request: Annotated[
        int | None, option(min=1, help="The most blocks to ask a node for at once.")
    ] = None,
    confirmation_blocks: Annotated[
        int | None, option(min=0, help="How many blocks deep a block must be before it counts.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other setting, such as live_max_gap_size=500."),
    ] = None,
) -> ChainConfigRequest:
    """Make the configuration that the options of `create` and `update` describe."""
    values: dict[str, Any] = {
        "average_block_time": average_block_time,
        "max_blocks_per_request": max_blocks_per_request,
        "confirmation_blocks": confirmation_blocks,
    }
    named = {name: value for name, value in values.items() if value is not None}
    return ChainConfigRequest(chain_id=chain, name=name, rpc_urls=rpc, **named, **_settings(settings or []))


@app.command("list")
@calls_the_service
def list_(client: SyncEventStreamer, as_json: AsJson = False) -> None:
    """List the active chains."""
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
@calls_the_service
def stats(client: SyncEventStreamer, as_json: AsJson = False) -> None:
    """Count the chains, and the nodes that work."""
    answer = client.get_chain_stats()
    details = {
        "Chains": answer.total_chains,
        "Active": answer.active_chains,
        "Healthy nodes": answer.healthy_rpcs,
        "Ids": answer.supported_chain_ids,
        "Read at": answer.last_refresh,
    }
    write_answer(answer, as_json, details)


@app.command()
@calls_the_service
def show(client: SyncEventStreamer, chain: ChainId, as_json: AsJson = False) -> None:
    """Show one chain's configuration and its head."""
    _show(client.get_chain(chain), as_json)


@app.command()
@given_by(client=connect, config=_config)
def create(client: SyncEventStreamer, config: ChainConfigRequest, as_json: AsJson = False) -> None:
    """Add a chain; the service begins to read it at once."""
    _show(client.create_chain(config), as_json)


@app.command()
@given_by(client=connect, config=_config)
def update(client: SyncEventStreamer, config: ChainConfigRequest, as_json: AsJson = False) -> None:
    """Replace a chain's configuration; what isn't named gets its default."""
    _show(client.update_chain(config.chain_id, config), as_json)


@app.command()
@calls_the_service
def delete(
    client: SyncEventStreamer,
    chain: ChainId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Deactivate a chain: the service stops reading it, for all subscribers; its configuration stays."""
    if not yes:
        ask(f"Deactivate chain {chain}, and end the streams of all its subscriptions?")
    write_done(client.delete_chain(chain), as_json, f"Deactivated chain {chain}.")


@app.command()
@calls_the_service
def refresh(client: SyncEventStreamer, as_json: AsJson = False) -> None:
    """Make the service read the configurations from its database again."""
    write_done(client.refresh_chains(), as_json, "Refreshed.")


def _settings(given: list[str]) -> dict[str, Any]:
    known = {field.name for field in attrs.fields(ChainConfigRequest)} - {"chain_id", "additional_properties"}
    values: dict[str, Any] = {}
    for setting in given:
        name, equals, value = setting.partition("=")
        if not equals:
            raise typer.BadParameter(
                f"--set takes NAME=VALUE, such as live_max_gap_size=500, not {setting!r}"
            )
        if name not in known:
            raise typer.BadParameter(f"--set has no {name!r}; there are {', '.join(sorted(known))}")
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
    details = {
        "Chain": answer.chain_id,
        "Name": answer.name,
        "Status": answer.status,
        "Head": answer.head_block,
        "Nodes": answer.rpc_urls,
        "Block time": None if answer.average_block_time is None else f"{answer.average_block_time} s",
        "Blocks a request": answer.max_blocks_per_request,
        "Confirmations": answer.confirmation_blocks,
    }
    write_answer(answer, as_json, details)
