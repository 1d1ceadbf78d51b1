"""What block explorers answer: understood, or refused with their own words, never taken for an empty ABI."""

import json
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk.abi import ABIParsingError, _json, extract_abi_event, extract_abi_events

PING = {"type": "event", "name": "Ping", "inputs": [{"name": "a", "type": "uint256", "indexed": True}]}
PONG = {"type": "event", "name": "Pong", "inputs": []}
VIEW = {"type": "function", "name": "f", "inputs": [], "outputs": [], "stateMutability": "view"}
UNVERIFIED = "Contract source code not verified"

pytestmark = pytest.mark.quick


@pytest.fixture(params=["msgspec", "standard library"], autouse=True)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "standard library":
        monkeypatch.setattr(_json, "_Raw", None)


def entry(abi: list[Any] | str, name: str = "Token") -> dict[str, Any]:
    """What `getsourcecode` says of a contract."""
    return {
        "SourceCode": "contract Token { event Other(uint a); }",
        "ABI": abi if isinstance(abi, str) else json.dumps(abi),
        "ContractName": name,
        "CompilerVersion": "v0.8.26+commit.8a97fa7a",
        "Proxy": "0",
        "Implementation": "",
        "SwarmSource": "",
    }


def answer(result: Any, status: Any = "1", message: str = "OK") -> dict[str, Any]:
    return {"status": status, "message": message, "result": result}


@pytest.mark.parametrize(
    "source",
    [
        answer(json.dumps([PING, VIEW])),
        answer([PING, VIEW]),
        answer([entry([PING, VIEW])]),
        [entry([PING, VIEW])],
        entry([PING, VIEW]),
        answer([entry([PING, VIEW]), entry(UNVERIFIED, "Proxy")]),
        answer([entry([VIEW], "Library"), entry([PING])]),
        [{"contractName": "Token", "abi": [PING]}, {"contractName": "Library", "abi": []}],
        {"jsonrpc": "2.0", "id": 1, "result": [PING]},
    ],
)
def test_an_answer_is_understood(source: Any, tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    file.write_text(json.dumps(source))
    for each in (source, json.dumps(source), json.dumps(source, indent=1).encode(), file):
        assert list(extract_abi_events(each)) == ["Ping"]
        assert extract_abi_event(each, "Ping").inputs[0].name == "a"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (answer(UNVERIFIED, "0", "NOTOK"), "the block explorer answered 'Contract source code not verified'"),
        (answer("Max calls per sec rate limit reached (5/sec)", "0", "NOTOK"), "answered 'Max calls per sec"),
        (answer("Missing/Invalid API Key", "0", "NOTOK"), "answered 'Missing/Invalid API Key'"),
        (answer([], "0", "No data found"), "the block explorer answered 'No data found'"),
        (answer(None, 0, "NOTOK"), "the block explorer answered 'NOTOK'"),
        (answer(UNVERIFIED), "result: expected an ABI, got 'Contract source code not verified'"),
        (answer("Max rate limit reached (5/sec)"), "got 'Max rate limit"),
        (answer([entry(UNVERIFIED)]), r"abi\[0\]\.ABI: expected an ABI, got 'Contract source"),
        ([entry(UNVERIFIED)], "got 'Contract source code not verified'"),
        (entry(UNVERIFIED), "ABI: expected an ABI, got 'Contract source code not verified'"),
        (
            answer([entry(UNVERIFIED, "A"), entry(UNVERIFIED, "B")]),
            "got 'Contract source code not verified'",
        ),
        (answer([entry("")]), "expected an ABI, got ''"),
        (answer([{"ContractName": "Token"}]), "no ABI in this list"),
        (
            answer([entry([PING], "A"), entry([PONG], "B")]),
            "several contracts have events, .*: A, B",
        ),
        (answer(None), "an ABI is a list of items, not null"),
    ],
)
def test_an_answer_without_an_abi_is_refused_with_its_own_words(source: Any, message: str) -> None:
    for each in (source, json.dumps(source)):
        with pytest.raises(ABIParsingError, match=message):
            extract_abi_events(each)


def test_a_contract_of_an_answer_is_chosen_by_name() -> None:
    source = answer([entry([PING], "A"), entry([PONG], "B")])
    for each in (source, json.dumps(source)):
        assert list(extract_abi_events(each, contract="B")) == ["Pong"]
    with pytest.raises(ABIParsingError, match="the artifact of Token, not of Other"):
        extract_abi_events(entry([PING]), contract="Other")


def test_what_an_explorer_says_is_escaped() -> None:
    for source in (
        answer("\x1b]52;c;aGk=\x07", "0"),
        answer("\x1b]52;"),
        answer([entry([PING], "\x1b[2J"), entry([PONG])]),
    ):
        with pytest.raises(ABIParsingError) as caught:
            extract_abi_events(source)
        assert str(caught.value).isprintable()
