"""
Decode logs of one event with one library, from bytes (what a library gives) or from hex (what a node gives).

Each contestant does the whole job: check topic0, decode indexed topics and data, and name the values.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from meter import Meter

Log = tuple[list[Any], Any]


def spelled(parameter: dict[str, Any]) -> str:
    """A parameter's type as eth-abi spells it."""
    if not parameter["type"].startswith("tuple"):
        return str(parameter["type"])
    return f"({','.join(map(spelled, parameter['components']))}){parameter['type'][5:]}"


def ours(item: dict[str, Any], as_json: bool) -> Callable[[list[Any], Any], Any]:
    """Our decoder."""
    from event_streamer_sdk.abi import EventDecoder, extract_abi_event

    decoder = EventDecoder(extract_abi_event(item, item["name"]))
    return decoder.decode_json if as_json else decoder.decode


def with_eth_abi(
    item: dict[str, Any], decode: Callable[..., Any], topic0: bytes
) -> Callable[[list[Any], Any], Any]:
    """eth-abi, called as web3.py calls it: once for each topic, once for the data."""
    indexed = [(each["name"], [spelled(each)]) for each in item["inputs"] if each["indexed"]]
    names = [each["name"] for each in item["inputs"] if not each["indexed"]]
    types = [spelled(each) for each in item["inputs"] if not each["indexed"]]

    def run(topics: list[Any], data: Any) -> dict[str, Any]:
        if isinstance(data, str):
            topics, data = [bytes.fromhex(topic[2:]) for topic in topics], bytes.fromhex(data[2:])
        if topics[0] != topic0 or len(topics) != len(indexed) + 1:
            raise ValueError("another event")
        values = {
            name: decode(kind, topic)[0] for (name, kind), topic in zip(indexed, topics[1:], strict=True)
        }
        values.update(zip(names, decode(types, data), strict=True))
        return values

    return run


def with_web3(item: dict[str, Any]) -> Callable[[list[Any], Any], Any]:
    """web3.py, as `contract.events.X().process_log` does it."""
    from hexbytes import HexBytes
    from web3 import Web3

    event = Web3().eth.contract(abi=[item]).events[item["name"]]()
    rest = {"address": "0x" + "00" * 20, "blockHash": HexBytes("0x"), "blockNumber": 0, "logIndex": 0,
            "transactionHash": HexBytes("0x"), "transactionIndex": 0}  # fmt: skip

    def run(topics: list[Any], data: Any) -> Any:
        log = {**rest, "topics": [HexBytes(topic) for topic in topics], "data": HexBytes(data)}
        return event.process_log(log)["args"]

    return run


def plain(value: Any) -> Any:
    """A value as JSON, to compare what the contestants found: web3.py has mappings for tuples."""
    if hasattr(value, "values"):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return value.lower() if isinstance(value, str) else value


def main(path: str, library: str, name: str, form: str, repeats: int) -> None:
    """Decode all logs of an event so many times."""
    with open(path) as file:
        work = json.load(file)[name]
    logs: list[Log] = [(topics, data) for topics, data in work["logs"]]
    if form == "bytes":
        logs = [
            ([bytes.fromhex(topic[2:]) for topic in topics], bytes.fromhex(data[2:])) for topics, data in logs
        ]
    if library in ("ours", "ours_json"):
        decode = ours(work["event"], library == "ours_json")
    elif library == "web3":
        decode = with_web3(work["event"])
    else:
        module = __import__("faster_eth_abi" if library == "faster_eth_abi" else "eth_abi")
        decode = with_eth_abi(work["event"], module.decode, bytes.fromhex(work["topic0"][2:]))
    found = [{name: plain(value) for name, value in sorted(decode(*log).items())} for log in logs[:3]]
    meter = Meter()
    meter.start()
    for _ in range(repeats):
        for topics, data in logs:
            decode(topics, data)
    meter.stop()
    meter.report(events=repeats * len(logs), found=found)


if __name__ == "__main__":
    main(*sys.argv[1:5], int(sys.argv[5]))
