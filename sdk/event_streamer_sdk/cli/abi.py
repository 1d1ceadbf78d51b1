"""`event-streamer abi`: what an ABI holds, topics, log decoding, and code from it; no service is needed."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from event_streamer_sdk.abi import (
    EventDecoder,
    LogDecodeError,
    human_readable,
    signature,
    topic0,
)
from event_streamer_sdk.abi.codegen import generate_module
from event_streamer_sdk.cli._abi_files import Abi, Contract, File, chosen_event, events_in
from event_streamer_sdk.cli._once import Commands
from event_streamer_sdk.cli._output import AsJson, say, write_details, write_json, write_line, write_table
from event_streamer_sdk.cli._shared import given_by, option
from event_streamer_sdk.exceptions import EventStreamerSDKError
from event_streamer_sdk.models.abi import ABIEvent

app: typer.Typer = Commands(
    help="Read ABIs: events, topics, decoding, code. Works without a service.", no_args_is_help=True
)


@app.command()
@given_by(found=events_in)
def events(found: list[ABIEvent], as_json: AsJson = False) -> None:
    """List the events of an ABI with their topic0."""
    if as_json:
        write_json([_described(event) for event in found])
        return
    write_table(
        ["Event", "topic0"],
        [[signature(event), "(anonymous)" if event.anonymous else topic0(event)] for event in found],
        empty="No events.",
    )


@app.command("human-readable")
@given_by(found=events_in)
def human_readable_(found: list[ABIEvent]) -> None:
    """Write the events of an ABI as Solidity would, one a line."""
    for event in found:
        write_line(human_readable(event))


@app.command("json")
@given_by(event=chosen_event)
def json_(event: ABIEvent) -> None:
    """Write an event as a JSON ABI."""
    write_json([event])


@app.command("topic0")
@given_by(event=chosen_event)
def topic0_(event: ABIEvent, as_json: AsJson = False) -> None:
    """Show an event's topic0, the hash of its canonical signature."""
    if as_json:
        write_json(_described(event))
    elif event.anonymous:
        raise EventStreamerSDKError(
            f"{signature(event)} is anonymous: its logs have no topic0, their first topic is the first "
            f"indexed parameter. The hash of its signature, which no log holds, is {topic0(event)}"
        )
    else:
        write_line(topic0(event))


@app.command()
def decode(
    event: Annotated[
        str | None, typer.Argument(show_default=False, help="The event; may be left out with --abi.")
    ] = None,
    topic: Annotated[
        list[str] | None, option("--topic", "-t", help="A topic as 0x-hex; repeat it for each one, in order.")
    ] = None,
    data: Annotated[str, typer.Option("--data", "-d", help="The log's data as 0x-hex.")] = "0x",
    abi: Abi = None,
    contract: Contract = None,
    as_json: AsJson = False,
) -> None:
    """Decode a log into named values."""
    topics = topic or []
    if event is None and not topics:
        raise typer.BadParameter("give the log's topics with --topic: the first one tells which event it is")
    if event is not None:
        decoder = EventDecoder(chosen_event(event, abi, contract))
    elif abi is not None:
        decoder = _decoder_for(topics, events_in(abi, contract))
    else:
        raise typer.BadParameter("name the event, or a file with --abi")
    values = decoder.decode_json(topics, data)
    if as_json:
        write_json({"event": decoder.event.name, "signature": decoder.signature, "values": values})
    else:
        write_details({decoder.signature: "", **{name: _compact(value) for name, value in values.items()}})


def _decoder_for(topics: list[str], events: list[ABIEvent]) -> EventDecoder:
    """Find the event of a log: topic0 names it, and the number of topics where only `indexed` differs."""
    decoders = [EventDecoder(event) for event in events if not event.anonymous]
    named = [decoder for decoder in decoders if decoder.topic0 == topics[0].lower()]
    if not named:
        raise LogDecodeError(f"no event here has the topic0 {topics[0]}")
    return next((decoder for decoder in named if decoder.topic_count == len(topics)), named[0])


def _compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@app.command()
def codegen(
    file: File,
    contract: Contract = None,
    output: Annotated[
        Path | None, option("--output", "-o", help="The file to write. Default: standard output.")
    ] = None,
) -> None:
    """Write a typed Python module with a class for each event of an ABI."""
    module = generate_module(events_in(file, contract))
    if output is None:
        typer.echo(module, nl=False)
    else:
        output.write_text(module, "utf-8")
        say(f"Wrote {output}.")


def _described(event: ABIEvent) -> dict[str, Any]:
    return {
        "name": event.name,
        "signature": signature(event),
        "topic0": None if event.anonymous else topic0(event),
        "human_readable": human_readable(event),
        "inputs": event.inputs,
        "anonymous": event.anonymous,
    }
