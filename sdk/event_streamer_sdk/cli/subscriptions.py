"""`event-streamer subscriptions`: make, look at, change and delete what is streamed."""

from typing import Annotated, Any

import typer

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk._core.subscriptions import advice_on
from event_streamer_sdk.abi import human_readable, signature, wire_names
from event_streamer_sdk.cli._abi_files import chosen_event
from event_streamer_sdk.cli._connection import calls_the_service, connect
from event_streamer_sdk.cli._lines import short
from event_streamer_sdk.cli._once import Commands
from event_streamer_sdk.cli._output import (
    AsJson,
    ask,
    say,
    write_answer,
    write_json,
    write_line,
    write_table,
)
from event_streamer_sdk.cli._shared import given_by, option
from event_streamer_sdk.models.abi import ABIEvent
from event_streamer_sdk.models.subscriptions import SubscriptionResponse, SubscriptionUpdate

app: typer.Typer = Commands(help="Create, show, change and delete subscriptions.", no_args_is_help=True)

SubscriptionId = Annotated[int, typer.Argument(min=1, show_default=False, help="The subscription's number.")]
Addresses = Annotated[
    list[str] | None,
    typer.Option("--address", "-a", help="A contract to watch; may be given several times."),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="NAME=VALUE",
        help="The value of an indexed parameter, as in to=0xA0b8…; several for one name: any of them.",
    ),
]
EndBlock = Annotated[int | None, option(min=0, help="The last block that counts.")]


@app.command()
@given_by(client=connect, event=chosen_event)
def create(
    client: SyncEventStreamer,
    event: ABIEvent,
    chain: Annotated[int, option("--chain", "-c", min=1, help="The chain's id.")],
    address: Addresses = None,
    where: Where = None,
    start_block: Annotated[int, typer.Option(min=0, help="The first block that counts.")] = 0,
    end_block: EndBlock = None,
    as_json: AsJson = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the subscription's number and nothing else.")
    ] = False,
) -> None:
    """
    Subscribe to an event of contracts on a chain, and show the subscription.

    Without --address all contracts are watched, without --end-block the subscription goes on with the chain.
    """
    if advice := advice_on(event):
        say(f"Warning: {advice}.")
    made = client.subscribe(
        event,
        addresses=address or [],
        where=_read_where(where) if where else None,
        chain_id=chain,
        start_block=start_block,
        end_block=end_block,
        new=True,
    )
    if quiet:
        write_line(str(made.id))
        return
    _show(made, as_json)
    if not as_json:
        say(f"Stream it: event-streamer stream {made.id}")


@app.command("list")
@calls_the_service
def list_(
    client: SyncEventStreamer,
    page: Annotated[int, typer.Option(min=1, help="Which page.")] = 1,
    page_size: Annotated[int, typer.Option(min=1, help="Subscriptions on a page.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="All pages, one after the other.")] = False,
    as_json: AsJson = False,
) -> None:
    """List your subscriptions."""
    if everything:
        found = list(client.iter_subscriptions(page_size=page_size))
        total = len(found)
    else:
        answer = client.list_subscriptions(page=page, page_size=page_size)
        found, total = answer.subscriptions, answer.total
    if as_json:
        write_json(found)
        return
    write_table(
        ["Id", "Event", "Chain", "Contracts", "Blocks", "Processed to", "Delivered", "State"],
        [_row(one) for one in found],
        empty=f"{client.subscriber_id or 'The subscriber of this key'} has no subscriptions; --subscriber-id "
        "names another subscriber."
        if total == 0
        else f"Page {page} is empty.",
    )
    if len(found) < total:
        say(f"{len(found)} of {total} shown; --page and --all show more.")


@app.command()
@calls_the_service
def show(client: SyncEventStreamer, subscription: SubscriptionId, as_json: AsJson = False) -> None:
    """Show one subscription."""
    _show(client.get_subscription(subscription), as_json)


@app.command()
@calls_the_service
def update(
    client: SyncEventStreamer,
    subscription: SubscriptionId,
    address: Addresses = None,
    start_block: Annotated[int | None, option(min=0, help="The first block.")] = None,
    end_block: EndBlock = None,
    all_contracts: Annotated[bool, typer.Option("--all-contracts", help="Watch all contracts.")] = False,
    live: Annotated[bool, typer.Option("--live", help="No last block: go on with the chain.")] = False,
    as_json: AsJson = False,
) -> None:
    """Change a subscription; what isn't named stays as it is."""
    if (address and all_contracts) or (end_block is not None and live):
        raise typer.BadParameter("--address goes without --all-contracts, and --end-block without --live")
    given = {"addresses": address or None, "start_block": start_block, "end_block": end_block}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if all_contracts:
        changes["addresses"] = []
    if live:
        changes["end_block"] = None
    if not changes:
        raise typer.BadParameter("nothing to change: say what should change, for example --end-block 30")
    _show(client.update_subscription(subscription, SubscriptionUpdate(**changes)), as_json)


@app.command()
@calls_the_service
def delete(
    client: SyncEventStreamer,
    subscriptions: Annotated[
        list[int], typer.Argument(min=1, show_default=False, help="The subscriptions' numbers.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Delete subscriptions, and with each the position of its stream."""
    if not yes:
        numbers = ", ".join(map(str, subscriptions))
        ask(f"Delete {numbers} for good?")
    for number in subscriptions:
        client.delete_subscription(number)
        say(f"Deleted {number}.")


def _show(one: SubscriptionResponse, as_json: bool) -> None:
    details = {
        "Id": one.id,
        "Event": human_readable(one.event_signature),
        "topic0": one.topic0,
        "Chain": one.chain_id,
        "Contracts": one.addresses or "all",
        **({"Only where": _conditions(one)} if one.topics else {}),
        "Blocks": _blocks(one),
        "Processed to": one.last_processed_block,
        "Delivered": one.events_delivered,
        "State": one.streaming_status,
        "Problem": one.problem,
        "Subscriber": one.subscriber_id,
        "Created": one.created_at,
        "Updated": one.updated_at,
    }
    write_answer(one, as_json, details)


def _row(one: SubscriptionResponse) -> list[Any]:
    return [
        one.id,
        signature(one.event_signature),
        one.chain_id,
        _contracts(one.addresses),
        _blocks(one),
        one.last_processed_block,
        one.events_delivered,
        one.streaming_status if one.problem is None else f"{one.streaming_status}, problem",
    ]


def _read_where(pairs: list[str]) -> dict[str, list[Any]]:
    """Read `name=value` pairs."""
    where: dict[str, list[Any]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise typer.BadParameter(f"write --where NAME=VALUE, as in to=0xA0b8…, not {pair!r}")
        where.setdefault(name, []).append({"true": True, "false": False}.get(value, value))
    return where


def _conditions(one: SubscriptionResponse) -> list[str]:
    """Say what is wanted of the indexed parameters, each as its topics."""
    names = [
        name
        for name, each in zip(wire_names(one.event_signature), one.event_signature.inputs, strict=True)
        if each.indexed
    ]
    if not one.event_signature.anonymous:
        names.insert(0, "topic0")
    return [
        f"{name} = {' or '.join(topics)}"
        for name, topics in zip(names, one.topics or [], strict=False)
        if topics
    ]


def _contracts(addresses: list[str]) -> str:
    if not addresses:
        return "all"
    return short(addresses[0]) if len(addresses) == 1 else f"{len(addresses)} contracts"


def _blocks(one: SubscriptionResponse) -> str:
    return f"{one.start_block} … {'' if one.end_block is None else one.end_block}".rstrip()
