"""Logs of a node as a data frame, by web3.py and pandas: frame_web3.py NODE LAST_BLOCK BLOCKS_A_CALL."""

from __future__ import annotations

import sys

import pandas
from meter import Meter
from node_web3 import ABI
from web3 import Web3


def main(url: str, last_block: int, blocks_a_call: int) -> int:
    w3 = Web3(Web3.HTTPProvider(url))
    event = w3.eth.contract(abi=ABI).events.Transfer()
    topic0 = "0x" + w3.keccak(text="Transfer(address,address,uint256)").hex().removeprefix("0x")
    rows = []
    for first in range(0, last_block + 1, blocks_a_call):
        last = min(first + blocks_a_call - 1, last_block)
        for log in w3.eth.get_logs({"fromBlock": first, "toBlock": last, "topics": [topic0]}):
            read = event.process_log(log)
            rows.append(
                {
                    "block_number": read.blockNumber,
                    "transaction_hash": "0x" + read.transactionHash.hex().removeprefix("0x"),
                    "log_index": read.logIndex,
                    "address": read.address,
                    "from": read.args["from"],
                    "to": read.args["to"],
                    "value": str(read.args["value"]),
                }
            )
    return len(pandas.DataFrame(rows))


if __name__ == "__main__":
    meter = Meter()
    meter.start()
    seen = main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    meter.stop()
    meter.report(events=seen)
