"""Which event is meant: a name in an ABI file, or the event itself in human-readable form."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from event_streamer_sdk.abi import ABIParsingError, extract_abi_event, parse_abi
from event_streamer_sdk.cli._output import say
from event_streamer_sdk.cli._shared import option
from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_sdk.models.abi import ABIEvent

_MOST_TOLD = 20

Abi = Annotated[
    str | None,
    option(
        "--abi",
        metavar="FILE",
        help="A JSON ABI or a compiler's artifact (Hardhat, Foundry, Truffle, solc, Vyper); "
        "- reads standard input.",
    ),
]
Contract = Annotated[
    str | None,
    option("--contract", metavar="PATH:NAME", help="Which contract, where the file holds several."),
]

File = Annotated[
    str,
    typer.Argument(
        show_default=False,
        help="A JSON ABI, a compiler's artifact, or lines of human-readable events; - reads standard input.",
    ),
]


def read_abi(file: str) -> bytes:
    """
    Read an ABI from a file or from standard input.

    Raises:
        EventStreamerValidationError: The file can't be read.
    """
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as problem:
        raise EventStreamerValidationError(f"{file}: {problem.strerror}") from problem


@contextmanager
def _named(file: str) -> Iterator[None]:
    """Say in which file the fault is."""
    try:
        yield
    except ABIParsingError as fault:
        raise ABIParsingError(f"{'standard input' if file == '-' else file}: {fault}") from None


def events_in(file: File, contract: Contract = None) -> list[ABIEvent]:
    """
    Find all events of an ABI.

    Args:
        file: The file that holds it, `-` for standard input.
        contract: The contract in the file, where it holds several.

    Returns:
        The events, in the file's order. Those that can't be read are left out, and told on standard error.

    Raises:
        EventStreamerValidationError: The file can't be read.
        ABIParsingError: It holds no ABI, or none of its events can be read.
    """
    with _named(file):
        found, faults = parse_abi(read_abi(file), contract=contract).read_events()
    for fault in faults[:_MOST_TOLD]:
        say(f"Left out: {fault}")
    if len(faults) > _MOST_TOLD:
        say(f"Left out: {len(faults) - _MOST_TOLD} more")
    return list(found.values())


def chosen_event(
    event: Annotated[
        str,
        typer.Argument(
            show_default=False,
            help="With --abi the event's name, signature or topic0; without it the event itself: "
            "'Transfer(address indexed from, address indexed to, uint256 value)'.",
        ),
    ],
    abi: Abi = None,
    contract: Contract = None,
) -> ABIEvent:
    """
    Find the event that a command line means.

    Raises:
        typer.BadParameter: A bare name without an ABI.
        EventStreamerValidationError: The file can't be read.
        ABIParsingError: The ABI or the event can't be read, or the ABI holds no such event.
    """
    if abi is None:
        if "(" not in event:
            raise typer.BadParameter(
                f"{event!r} is a name: say with --abi which file describes it, or write the event out, as in "
                "'Transfer(address indexed from, address indexed to, uint256 value)'"
            )
        return parse_abi(event).only_event()
    with _named(abi):
        return extract_abi_event(read_abi(abi), event, contract=contract)
