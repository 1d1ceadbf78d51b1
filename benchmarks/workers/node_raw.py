"""
What a node sends for a range of blocks, fetched and parsed, and nothing else: httpx and orjson.

The same questions as the service's: logs by ranges with some 5,000 of them, five ranges at a time, and the
headers of the blocks where the logs don't tell the time.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import httpx
import orjson
from meter import WARM_BLOCKS, Meter

AT_ONCE = 5
"""Ranges under way, as the service's `historical_max_concurrent`."""
LARGEST_BATCH = 50
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


async def main(url: str, last_block: int, blocks_a_call: int, *, headers: bool) -> int:
    seen = 0
    ranges = iter(range(0, last_block + 1, blocks_a_call))

    async def ask(call: Any) -> Any:
        answer = await client.post(url, content=orjson.dumps(call))
        return orjson.loads(answer.content)

    async def fetch() -> None:
        nonlocal seen
        for first in ranges:
            last = min(first + blocks_a_call - 1, last_block)
            query = {"fromBlock": hex(first), "toBlock": hex(last), "topics": [TRANSFER]}
            asked = [ask(_call("eth_getLogs", query))]
            if headers:
                calls = [_call("eth_getBlockByNumber", hex(n), False) for n in range(first, last + 1)]
                asked += [ask(calls[i : i + LARGEST_BATCH]) for i in range(0, len(calls), LARGEST_BATCH)]
            logs, *_ = await asyncio.gather(*asked)
            seen += len(logs["result"])

    async with httpx.AsyncClient(headers={"content-type": "application/json"}, timeout=30) as client:
        await asyncio.gather(*(fetch() for _ in range(AT_ONCE)))
    return seen


def _call(method: str, *parameters: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}


if __name__ == "__main__":
    url, last_block, blocks_a_call, headers = sys.argv[1:]
    asyncio.run(main(url, WARM_BLOCKS - 1, int(blocks_a_call), headers=headers == "headers"))
    meter = Meter()
    meter.start()
    seen = asyncio.run(main(url, int(last_block), int(blocks_a_call), headers=headers == "headers"))
    meter.stop()
    meter.report(events=seen)
