"""What the tests of all sinks share: subscriptions, runs into a sink, and what must come out."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from event_streamer_sdk import EventStreamer, Reconnect, SyncEventStreamer
from event_streamer_sdk.streaming_client import Report
from event_streamer_service import DevChain, LocalService
from event_streamer_service.chains.types import Log, LogFilter
from support.raw_client import TRANSFER_TOPIC

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
CHAIN = 31_337
OPTIONS: dict[str, Any] = {"reconnect": Reconnect(initial=0.01, maximum=0.1), "batch_ack_interval": 0.05}

Row = tuple[int, str, str, int, str, str, str, int]
"""Block, its hash, transaction, log index, contract, from, to, value."""


def subscribe(service: LocalService, end_block: int | None, start_block: int = 0) -> int:
    with SyncEventStreamer(service.url, "sinks") as client:
        made = client.subscribe(
            TRANSFER, chain_id=CHAIN, start_block=start_block, end_block=end_block, new=True
        )
        return made.id


def stream_into(
    kind: str,
    url: str,
    number: int,
    sink: Any,
    *,
    prepare: Callable[[Any], None] = lambda stream: None,
    **options: Any,
) -> Report:
    """Run a client of either kind into a sink."""
    if kind == "sync":
        with SyncEventStreamer(url, "sinks") as client:
            stream = client.create_streaming_client(number, **OPTIONS | options)
            prepare(stream)
            return stream.run(into=sink)

    async def run() -> Report:
        async with EventStreamer(url, "sinks") as client:
            stream = client.create_streaming_client(number, **OPTIONS | options)
            prepare(stream)
            return await stream.run(into=sink)

    return asyncio.run(run())


def row_of(log: Log) -> Row:
    """A Transfer, read from its log by hand."""
    sender, receiver = ("0x" + topic[-40:] for topic in log.topics[1:3])
    return (
        log.block_number, log.block_hash, log.transaction_hash, log.log_index, log.address, sender, receiver,
        int(log.data, 16),
    )  # fmt: skip


def rows_of_chain(chain: Any, first: int, last: int) -> list[Row]:
    """The ERC-20 Transfers that a chain of this process has."""
    logs: Sequence[Log] = asyncio.run(chain.logs(first, last, LogFilter(TRANSFER_TOPIC)))
    return [row_of(log) for log in logs if len(log.topics) == 3]


def row_of_values(values: Any) -> Row:
    """A Transfer as a sink has stored it: a mapping by column names, numbers or their text."""
    return (
        int(values["block_number"]), values["block_hash"], values["transaction_hash"],
        int(values["log_index"]), values["address"], values["from"], values["to"], int(values["value"]),
    )  # fmt: skip


def still(messages: Sequence[Any]) -> list[Row]:
    """
    What is valid of a log of messages, in which notices say what is void.

    Args:
        messages: Mappings in order; a notice has `common_ancestor`, or `after_sequence` where the messages
            have a `sequence`.
    """
    rows: list[tuple[int, Row]] = []
    for message in messages:
        if "log_index" in message:
            rows.append((message.get("sequence", 0), row_of_values(message)))
        elif "after_sequence" in message:
            rows = [each for each in rows if each[0] <= message["after_sequence"]]
        else:
            ancestor = int(message["common_ancestor"])
            rows = [each for each in rows if each[1][0] <= ancestor]
    return [row for _, row in rows]


def small_chain(blocks: int = 300) -> DevChain:
    return DevChain(blocks=blocks, logs_per_block=8)
