"""
A program for web3.py, run in an environment of its own: reads blocks and events of the URL that it is given.

It prints one JSON object: what each step gave. Nothing of this project is imported here.
"""

import asyncio
import json
import sys
from typing import Any

from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.exceptions import Web3RPCError

TOKEN = Web3.to_checksum_address("0xa0b86a33e6417b3c4555ba476f04245600306d5d")
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

seen: dict[str, Any] = {}


def over_http(url: str) -> None:
    w3 = Web3(Web3.HTTPProvider(url))
    contract = w3.eth.contract(address=TOKEN, abi=ABI)
    seen["chain"] = [w3.is_connected(), w3.eth.chain_id, w3.eth.block_number, w3.client_version]
    block = w3.eth.get_block(5, full_transactions=True)
    seen["block"] = [
        block["number"],
        len(block["transactions"]),
        w3.eth.get_block(block["hash"])["timestamp"],
    ]
    found = contract.events.Transfer().get_logs(from_block=0, to_block=9)
    seen["logs"] = [len(found), found[0]["args"]["value"] > 0]
    receipt = w3.eth.get_transaction_receipt(found[0]["transactionHash"])
    seen["receipt"] = [receipt["status"], len(contract.events.Transfer().process_receipt(receipt))]
    seen["transaction"] = w3.eth.get_transaction(found[0]["transactionHash"])["blockNumber"]
    logs, blocks = contract.events.Transfer().create_filter(from_block="latest"), w3.eth.filter("latest")
    w3.provider.make_request("evm_mine", [])
    seen["filters"] = [
        len(logs.get_new_entries()),
        len(blocks.get_new_entries()),
        len(logs.get_all_entries()),
    ]
    seen["uninstalled"] = w3.eth.uninstall_filter(blocks.filter_id)
    with w3.batch_requests() as batch:
        batch.add(w3.eth.get_block(1))
        batch.add(w3.eth.get_block(2))
        seen["batch"] = [each["number"] for each in batch.execute()]
    try:
        w3.eth.get_balance(TOKEN)
    except Web3RPCError as refusal:
        seen["balance"] = refusal.rpc_response["error"]["message"]


async def over_websocket(url: str) -> None:
    async with AsyncWeb3(WebSocketProvider(url)) as w3:
        seen["ws chain"] = [await w3.is_connected(), await w3.eth.chain_id]
        contract = w3.eth.contract(address=TOKEN, abi=ABI)
        seen["ws logs"] = len(await contract.events.Transfer().get_logs(from_block=0, to_block=9))
        heads = await w3.eth.subscribe("newHeads")
        transfers = await w3.eth.subscribe(
            "logs", {"address": TOKEN, "topics": [contract.events.Transfer().topic]}
        )
        await w3.provider.make_request("evm_mine", [])
        announced: dict[str, Any] = {}
        async for message in w3.socket.process_subscriptions():
            announced.setdefault(message["subscription"], message["result"])
            if len(announced) == 2:
                break
        log = announced[transfers]
        head = announced[heads]
        seen["ws subscriptions"] = [
            log["blockNumber"] == head["number"],
            contract.events.Transfer().process_log(log)["args"]["value"] > 0,
            (await w3.eth.get_block(head["hash"]))["number"] == head["number"],
        ]


over_http(sys.argv[1])
asyncio.run(over_websocket(sys.argv[1].replace("http", "ws")))
print(json.dumps(seen))
