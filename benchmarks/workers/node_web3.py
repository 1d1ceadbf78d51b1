"""Logs of a node with web3.py: get_logs by ranges of blocks, process_log for each, a handler a range."""

from __future__ import annotations

import sys

from meter import WARM_BLOCKS, Meter
from web3 import Web3

ABI = [
    {
        "type": "event",
        "name": "Transfer",
        "anonymous": False,
        "inputs": [
            {"name": "from", "type": "address", "indexed": True},
            {"name": "to", "type": "address", "indexed": True},
            {"name": "value", "type": "uint256", "indexed": False},
        ],
    }
]


def main(url: str, address: str, last_block: int, blocks_a_call: int) -> int:
    w3 = Web3(Web3.HTTPProvider(url))
    event = w3.eth.contract(address=Web3.to_checksum_address(address), abi=ABI).events.Transfer
    topic0 = "0x" + w3.keccak(text="Transfer(address,address,uint256)").hex().removeprefix("0x")
    seen = 0

    def handle(events: list[object]) -> None:
        nonlocal seen
        seen += len(events)

    for first in range(0, last_block + 1, blocks_a_call):
        last = min(first + blocks_a_call - 1, last_block)
        logs = w3.eth.get_logs(
            {"fromBlock": first, "toBlock": last, "address": event.address, "topics": [topic0]}
        )
        handle([event().process_log(log) for log in logs])
    return seen


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], WARM_BLOCKS - 1, int(sys.argv[4]))
    meter = Meter()
    meter.start()
    seen = main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    meter.stop()
    meter.report(events=seen)
