"""The Solidity compiler and a real node as judges: events that solc compiled and anvil emitted."""

import json
import subprocess
import time
from typing import Any

import pytest

from event_streamer_sdk.abi import (
    EventDecoder,
    IndexedHash,
    LogDecoder,
    encode_log,
    extract_abi_events,
    parse_abi,
    parse_contract_abi,
    signature,
    topic0,
)
from event_streamer_service.devchain import npm
from event_streamer_service.devchain.anvil import Anvil, AnvilError
from event_streamer_service.devchain.contracts.build import SOLC_VERSION

pytestmark = [pytest.mark.anvil, pytest.mark.npm]

STRUCTS = """
struct Inner { uint8 kind; string text; bytes3[2] tags; }
struct Outer { int24 tick; Inner[] inners; bytes data; }
"""
EVENTS = """
event Plain(address indexed from, bool indexed ok, int24 indexed tick, uint256 value, bytes4 selector);
event Dynamic(string text, bytes data, uint16[] numbers, string[2][] names);
event Hashed(string indexed text, uint16[] indexed numbers, Outer indexed outer, uint8 rest);
event Deep(Outer outer, Outer[2] pair);
event Calls(function() external callback, function() external indexed other);
event Hidden(bytes32 indexed a, bytes32 indexed b, bytes32 indexed c, bytes32 indexed d, string e) anonymous;
"""
CONTRACT = f"""
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
contract Emitter {{
    {STRUCTS}
    {EVENTS}
    function inner(uint8 kind) internal pure returns (Inner memory) {{
        return Inner(kind, "a text of more than thirty-two bytes, so two words", [bytes3("abc"),
        bytes3("xyz")]);
    }}
    function outer() internal pure returns (Outer memory made) {{
        made.tick = -5;
        made.inners = new Inner[](2);
        made.inners[0] = inner(1);
        made.inners[1] = inner(2);
        made.data = hex"00ff10";
    }}
    function emitAll() external {{
        uint16[] memory numbers = new uint16[](3);
        (numbers[0], numbers[1], numbers[2]) = (1, 2, 65535);
        string[2][] memory names = new string[2][](1);
        names[0] = ["one", ""];
        emit Plain(address(this), true, -8388608, type(uint256).max, 0x01020304);
        emit Dynamic(unicode"h\u00e9", "", numbers, names);
        emit Hashed("hello", numbers, outer(), 7);
        emit Deep(outer(), [outer(), outer()]);
        emit Calls(this.emitAll, this.emitAll);
        emit Hidden("a", "b", "c", "d", "e");
    }}
}}
"""


@pytest.fixture(scope="module")
def compiled() -> dict[str, Any]:
    """What solc makes of the contract."""
    try:
        compiler = npm.install("solc", SOLC_VERSION) / "solc" / "solc.js"
        node = npm.program("node")
    except npm.NpmError as reason:
        pytest.skip(str(reason))
    question = {
        "language": "Solidity",
        "sources": {"Emitter.sol": {"content": CONTRACT}},
        "settings": {
            "viaIR": True,
            "optimizer": {"enabled": True},
            "evmVersion": "paris",
            "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.methodIdentifiers"]}},
        },
    }
    done = subprocess.run(
        [node, str(compiler), "--standard-json"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
    )
    output: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    assert "contracts" in output, output
    return output


def test_the_compilers_abi_is_that_of_the_source(compiled: dict[str, Any]) -> None:
    from_json, from_source = extract_abi_events(compiled), extract_abi_events(STRUCTS + EVENTS)
    assert from_json.keys() == from_source.keys()
    code = compiled["contracts"]["Emitter.sol"]["Emitter"]["evm"]["bytecode"]["object"]
    for name, event in from_json.items():
        assert signature(event) == signature(from_source[name])
        assert (topic0(event)[2:] in code) is not event.anonymous, name
    assert list(parse_contract_abi(compiled)["functions"]) == ["emitAll"]


@pytest.fixture(scope="module")
def logs(compiled: dict[str, Any]) -> list[dict[str, Any]]:
    """What the node holds once the contract has emitted everything."""
    made = compiled["contracts"]["Emitter.sol"]["Emitter"]
    try:
        anvil = Anvil().start()
    except AnvilError as reason:
        pytest.skip(str(reason))
    try:
        [account, *_] = anvil.accounts()

        def receipt(**transaction: str) -> dict[str, Any]:
            done = anvil.call("eth_sendTransaction", {"from": account, "gas": hex(8_000_000), **transaction})
            while (found := anvil.call("eth_getTransactionReceipt", done)) is None:
                time.sleep(0.02)
            assert found["status"] == "0x1"
            return dict(found)

        address = receipt(data="0x" + made["evm"]["bytecode"]["object"])["contractAddress"]
        selector = made["evm"]["methodIdentifiers"]["emitAll()"]
        emitted: list[dict[str, Any]] = receipt(to=address, data=f"0x{selector}")["logs"]
        return emitted
    finally:
        anvil.stop()


def test_logs_of_a_real_node_decode_to_what_was_emitted(
    compiled: dict[str, Any], logs: list[dict[str, Any]]
) -> None:
    events = extract_abi_events(compiled)
    decoder = LogDecoder(events)
    *others, hidden = logs
    values = {
        event.name: decoded
        for log in others
        for event, decoded in [decoder.decode(log["topics"], log["data"])]
    }
    text = "a text of more than thirty-two bytes, so two words"
    inners = [(kind, text, [b"abc", b"xyz"]) for kind in (1, 2)]
    outer = (-5, inners, b"\x00\xff\x10")
    contract = bytes.fromhex(logs[0]["address"][2:])
    selector = bytes.fromhex(
        compiled["contracts"]["Emitter.sol"]["Emitter"]["evm"]["methodIdentifiers"]["emitAll()"]
    )
    assert values == {
        "Plain": {
            "from": logs[0]["address"], "ok": True, "tick": -(2**23), "value": 2**256 - 1,
            "selector": b"\1\2\3\4",
        },
        "Dynamic": {"text": "h\u00e9", "data": b"", "numbers": [1, 2, 65535], "names": [["one", ""]]},
        "Hashed": values["Hashed"],
        "Deep": {"outer": outer, "pair": [outer, outer]},
        "Calls": {"callback": contract + selector, "other": contract + selector},
    }  # fmt: skip
    assert all(isinstance(values["Hashed"][name], IndexedHash) for name in ("text", "numbers", "outer"))
    # The compiler's hashes are those that we make of the values; and so is all the rest of its encoding.
    hashed = {"text": "hello", "numbers": [1, 2, 65535], "outer": outer, "rest": 7}
    for log, name in zip(others, values, strict=True):
        given = hashed if name == "Hashed" else values[name]
        assert encode_log(events[name], given) == (log["topics"], log["data"])
    decoded = decoder.decode(hidden["topics"], hidden["data"], anonymous="Hidden").values
    assert decoded["e"] == "e"
    assert (
        EventDecoder(parse_abi(STRUCTS + EVENTS).event("Hidden")).decode(hidden["topics"], hidden["data"])
        == decoded
    )
