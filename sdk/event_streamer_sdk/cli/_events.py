"""Which event is meant: a name in an ABI file, or the event itself in human-readable form."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from event_streamer_sdk.abi import extract_abi_event, extract_abi_events
from event_streamer_sdk.models.abi import ABIEvent

Abi = Annotated[
    str | None,
    typer.Option(
        "--abi",
        show_default=False,
        metavar="FILE",
        help="A JSON ABI or a compiler's artifact (Hardhat, Foundry, Truffle, solc, Vyper); "
        "- reads standard input.",
    ),
]
Contract = Annotated[
    str | None,
    typer.Option(
        "--contract",
        show_default=False,
        metavar="PATH:NAME",
        help="Which contract, where the file holds several.",
    ),
]


def read_abi(file: str) -> bytes:
    """
    Read an ABI from a file or from standard input.

    Args:
        file: A path, or `-` for standard input.

    Returns:
        The content, still unparsed.

    Raises:
        OSError: The file can't be read.
    """
    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()


def chosen_event(event: str, abi: str | None, contract: str | None) -> ABIEvent:
    """
    Find the event that a command line means.

    Args:
        event: With `abi` a name, a signature or a topic0 in it; else the event in human-readable form.
        abi: The file that holds it, `-` for standard input, or None.
        contract: The contract in the file, where it holds several.

    Returns:
        The event.

    Raises:
        typer.BadParameter: A bare name without an ABI.
        ABIParsingError: The ABI or the event can't be read, or the ABI holds no such event.
    """
    if abi is None:
        if "(" not in event:
            raise typer.BadParameter(
                f"{event!r} is a name: say with --abi which file describes it, or write the event out, as in "
                "'Transfer(address indexed from, address indexed to, uint256 value)'"
            )
        (only,) = extract_abi_events([event]).values()
        return only
    return extract_abi_event(read_abi(abi), event, contract=contract)
