"""
A contract that does nothing but emit Transfers, so that a node of one's own soon holds a great many logs.

Assembled by hand, being two dozen instructions: ``calldata[0]`` says how many logs one call emits.
"""

from __future__ import annotations

import itertools
import json
import time
import urllib.request
from typing import Any

from .payload import TRANSFER

LOGS_A_BLOCK = 500
GAS = hex(20_000_000)
"""Enough for one block's logs: some 2,000 each."""

_LOOP, _END = 0x03, 0x3C
RUNTIME = bytes.fromhex(
    "600035"  # n = calldata[0]
    "5b"  # loop:
    f"801560{_END:02x}57"  # if n == 0 goto end
    "80600052"  # memory[0] = n, the value of the Transfer
    "8033"  # to = n, from = caller
    f"7f{TRANSFER[2:]}"
    "60206000a3"  # log3(memory[0:32], topic0, from, to)
    "60019003"  # n = n - 1
    f"60{_LOOP:02x}56"  # goto loop
    "5b00"  # end: stop
)
DEPLOY = bytes.fromhex(f"60{len(RUNTIME):02x}8060095f395ff3") + RUNTIME
"""Copies the runtime code that follows it into memory and returns it."""


def fill(url: str, logs: int) -> tuple[str, int, int]:
    """
    Deploy the contract on a node with unlocked accounts and let it emit.

    Args:
        url: The node's JSON-RPC address.
        logs: How many Transfers, a multiple of LOGS_A_BLOCK.

    Returns:
        The contract's address, the number of the last block, and how many logs there are.
    """
    account = _call(url, "eth_accounts")[0]
    address = _mined(url, {"from": account, "data": "0x" + DEPLOY.hex(), "gas": GAS})["contractAddress"]
    for _ in range(logs // LOGS_A_BLOCK):
        data = "0x" + LOGS_A_BLOCK.to_bytes(32, "big").hex()
        _mined(url, {"from": account, "to": address, "data": data, "gas": GAS})
    last = int(_call(url, "eth_blockNumber"), 16)
    found = len(_call(url, "eth_getLogs", {"fromBlock": "0x0", "toBlock": hex(last), "address": address}))
    return address, last, found


def _mined(url: str, transaction: dict[str, str]) -> Any:
    """Send a transaction, and return its receipt."""
    sent = _call(url, "eth_sendTransaction", transaction)
    while (receipt := _call(url, "eth_getTransactionReceipt", sent)) is None:
        time.sleep(0.005)
    return receipt


_ids = itertools.count(1)


def _call(url: str, method: str, *params: object) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": next(_ids), "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    if "error" in answer:
        raise RuntimeError(f"{method}: {answer['error']}")
    return answer["result"]
