"""
A node that answers from memory: every block and every log is JSON before the first request comes.

    python -m benchmarks.memory_node BLOCKS TRANSFERS_A_BLOCK [--times]

It prints its URL, speaks as much of Ethereum's JSON-RPC as a reader of events needs, and ends when standard
input closes. So what is measured behind it is never the node.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
from typing import Any

CHAIN_ID = 31_337
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
EVERYTHING = "0x" + "ff" * 256
"""A bloom that excludes no log."""

ACCOUNTS = 20_000
TOKENS = 1
"""One contract, as in enviodev/open-indexer-benchmark."""
GENESIS_TIME = 1_704_067_200
LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)


class Chain:
    """Blocks and logs as the JSON that is sent."""

    def __init__(self, blocks: int, transfers: int, *, times: bool = False) -> None:
        self._times = times
        rng = random.Random(20)
        self.head = blocks - 1
        self._hashes = [f"0x{rng.getrandbits(256):064x}" for _ in range(blocks)]
        self._numbers = {name: number for number, name in enumerate(self._hashes)}
        accounts = [f"0x{rng.getrandbits(160):064x}" for _ in range(ACCOUNTS)]
        tokens = [f"0x{rng.getrandbits(160):040x}" for _ in range(TOKENS)]
        self._logs = [
            b",".join(self._log(rng, number, index, accounts, tokens) for index in range(transfers))
            for number in range(blocks)
        ]

    def _log(
        self, rng: random.Random, number: int, index: int, accounts: list[str], tokens: list[str]
    ) -> bytes:
        log = {
            "address": rng.choice(tokens),
            "topics": [TRANSFER, rng.choice(accounts), rng.choice(accounts)],
            "data": f"0x{rng.getrandbits(90):064x}",
            "blockNumber": hex(number),
            "blockHash": self._hashes[number],
            "transactionHash": f"0x{rng.getrandbits(256):064x}",
            "transactionIndex": hex(index),
            "logIndex": hex(index),
            "removed": False,
        }
        if self._times:
            log["blockTimestamp"] = hex(GENESIS_TIME + 12 * number)
        return json.dumps(log, separators=(",", ":")).encode()

    def block(self, number: int) -> bytes:
        """A block without its transactions; null beyond the head."""
        if not 0 <= number <= self.head:
            return b"null"
        parent = self._hashes[number - 1] if number else "0x" + "00" * 32
        block = {
            "number": hex(number),
            "hash": self._hashes[number],
            "parentHash": parent,
            "timestamp": hex(GENESIS_TIME + 12 * number),
            "logsBloom": EVERYTHING,
            "transactions": [],
        }
        return json.dumps(block, separators=(",", ":")).encode()

    def logs(self, first: int, last: int) -> bytes:
        """The logs of a range of blocks."""
        return b"[" + b",".join(filter(None, self._logs[first : last + 1])) + b"]"

    def number(self, word: str) -> int:
        """Read a block's number or tag."""
        return int(word, 16) if word.startswith("0x") else 0 if word == "earliest" else self.head

    def answer(self, call: dict[str, Any]) -> bytes:
        """Answer one call."""
        method, parameters = call["method"], call.get("params") or []
        if method == "eth_chainId":
            result = json.dumps(hex(CHAIN_ID)).encode()
        elif method == "eth_blockNumber":
            result = json.dumps(hex(self.head)).encode()
        elif method == "eth_getBlockByNumber":
            result = self.block(self.number(parameters[0]))
        elif method == "eth_getBlockByHash":
            result = self.block(self._numbers.get(parameters[0], -1))
        elif method == "eth_getLogs":
            query = parameters[0]
            if "blockHash" in query:
                first = last = self._numbers[query["blockHash"]]
            else:
                first = self.number(query.get("fromBlock", "latest"))
                last = self.number(query.get("toBlock", "latest"))
            result = self.logs(first, last)
        else:
            error = json.dumps({"code": -32601, "message": f"the method {method} does not exist"})
            return b'{"jsonrpc":"2.0","id":%s,"error":%s}' % (json.dumps(call["id"]).encode(), error.encode())
        return b'{"jsonrpc":"2.0","id":%s,"result":%s}' % (json.dumps(call["id"]).encode(), result)


async def serve(chain: Chain) -> None:
    """Answer over HTTP/1.1 until standard input closes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                asked = json.loads(await reader.readexactly(int(length[1]) if length else 0))
                if isinstance(asked, list):
                    body = b"[" + b",".join(chain.answer(call) for call in asked) + b"]"
                else:
                    body = chain.answer(asked)
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                    % len(body)
                )
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=2**20)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory_node")
    parser.add_argument("blocks", type=int)
    parser.add_argument("transfers", type=int, help="in each block")
    parser.add_argument("--times", action="store_true", help="let each log tell its block's time")
    options = parser.parse_args()
    asyncio.run(serve(Chain(options.blocks, options.transfers, times=options.times)))
