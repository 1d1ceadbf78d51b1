"""
The NDJSON that the stream server sends: ERC-20 Transfers in the shape that a deployed service uses.

A line is put together from a pool of event lists encoded beforehand and an envelope that carries the number
of the batch, so that ids and tokens are all different and yet a line costs the server next to nothing.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
POOL = 64
"""How many different event lists there are for one shape; more would only cost memory."""

FIRST_BLOCK = 19_000_000
BLOCK = 4_444_444_444
"""Stands for the block's number in the pool: a batch is a block, and blocks go forward."""

CONNECTION_ID = "conn_550e8400-e29b-41d4-a716-446655440000"


def _event(random_: random.Random, index: int) -> dict[str, object]:
    """Return one decoded Transfer with the metadata of its log."""

    def hexadecimal(size: int) -> str:
        return "0x" + random_.randbytes(size).hex()

    return {
        "from": hexadecimal(20),
        "to": hexadecimal(20),
        "value": str(random_.randrange(10**18)),
        "block_number": BLOCK,
        "transaction_hash": hexadecimal(32),
        "log_index": index,
        "address": "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
        "timestamp": "2024-05-23T10:30:00.000Z",
    }


def lines(events_per_batch: int, batches: int, *, subscription_id: int) -> Iterator[bytes]:
    """
    Yield one NDJSON line for each batch.

    Args:
        events_per_batch: Transfers in each batch.
        batches: How many lines to yield.
        subscription_id: The subscription the batches name.
    """
    random_ = random.Random(events_per_batch)
    pool = []
    for _ in range(min(POOL, batches)):
        events = [_event(random_, index) for index in range(events_per_batch)]
        pool.append(json.dumps({"Transfer": events}, separators=(",", ":")).encode())
    for number in range(batches):
        yield (
            b'{"type":"event_batch","response_id":"550e8400-e29b-41d4-a716-%012x",'
            b'"batch_id":"batch_550e8400-e29b-41d4-a716-%012x","subscription_id":%d,'
            b'"connection_id":"%s","resume_token":"rt_eyJzdWJzY3JpcHRpb25faWQiOjEyMywi%020d",'
            b'"events":%s,"batch_size":%d,"timestamp":"2024-05-23T10:30:00.000Z"}\n'
        ) % (
            number,
            number,
            subscription_id,
            CONNECTION_ID.encode(),
            number,
            pool[number % len(pool)].replace(b"%d" % BLOCK, b"%d" % (FIRST_BLOCK + number)),
            events_per_batch,
        )
