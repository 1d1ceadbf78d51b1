"""Whatever holds an ABI: shapes, encodings, files, limits; with msgspec and without."""

import json
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk.abi import (
    ABIParsingError,
    Limits,
    _json,
    extract_abi_event,
    extract_abi_events,
    parse_abi,
    parse_contract_abi,
)

PING = {"type": "event", "name": "Ping", "inputs": [{"name": "a", "type": "uint256", "indexed": True}]}
PONG = {"type": "event", "name": "Pong", "inputs": []}
FUNCTION = {"type": "function", "name": "ping", "inputs": [], "outputs": [], "stateMutability": "view"}
ABI = [FUNCTION, PING, PONG]

pytestmark = pytest.mark.quick


@pytest.fixture(params=["msgspec", "standard library"], autouse=True)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of reading JSON give the same answers."""
    if request.param == "standard library":
        monkeypatch.setattr(_json, "_Raw", None)
    else:
        assert _json._Raw is not None


SHAPES: dict[str, Any] = {
    "a JSON ABI": ABI,
    "an artifact of Hardhat": {
        "_format": "hh-sol-artifact-1",
        "contractName": "C",
        "abi": ABI,
        "bytecode": "0x60",
    },
    "an artifact of Foundry": {"abi": ABI, "bytecode": {"object": "0x"}, "ast": {"id": 1, "src": "0:1:2"}},
    "a deployment": {"address": "0x12", "abi": ABI, "transactionHash": "0x34"},
    "the compiler's metadata": {"compiler": {"version": "0.8"}, "output": {"abi": ABI, "devdoc": {}}},
    "solc's standard output": {
        "contracts": {"c.sol": {"C": {"abi": ABI, "evm": {}}}},
        "sources": {"c.sol": {"id": 0}},
    },
    "a build-info": {"id": "1", "output": {"contracts": {"c.sol": {"C": {"abi": ABI}, "I": {"abi": []}}}}},
    "solc's combined output": {"contracts": {"c.sol:C": {"abi": ABI}}, "version": "0.8"},
    "solc's combined output until 0.8": {
        "contracts": {"c.sol:C": {"abi": json.dumps(ABI)}},
        "version": "0.7",
    },
    "hardhat-deploy's export": {
        "name": "mainnet",
        "chainId": "1",
        "contracts": {"C": {"address": "0x", "abi": ABI}},
    },
    "Vyper's combined output": {"c.vy": {"abi": ABI, "bytecode": "0x"}, "version": "0.4"},
    "a block explorer's answer": {"status": "1", "message": "OK", "result": json.dumps(ABI)},
    "JSON in JSON": json.dumps(ABI),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", ["value", "text", "bytes", "pretty", "BOM", "UTF-16", "file"])
def test_every_shape_in_every_form(shape: str, form: str, tmp_path: Path) -> None:
    value = SHAPES[shape]
    text = json.dumps(value)
    if form == "value" and isinstance(value, str):
        value = json.loads(value)
    source: Any = {
        "value": value,
        "text": text,
        "bytes": text.encode(),
        "pretty": "\n " + json.dumps(SHAPES[shape], indent=2) + "\n",
        "BOM": b"\xef\xbb\xbf" + text.encode(),
        "UTF-16": text.encode("utf-16"),
        "file": tmp_path / "Artifact.json",
    }[form]
    (tmp_path / "Artifact.json").write_text("\ufeff" + text, encoding="utf-8")
    assert list(extract_abi_events(source)) == ["Ping", "Pong"]
    assert extract_abi_event(source, "Ping").inputs[0].type == "uint256"
    assert list(parse_contract_abi(source)["functions"]) == ["ping"]


def test_one_item_alone() -> None:
    assert list(extract_abi_events(PING)) == ["Ping"]
    assert list(extract_abi_events(json.dumps(PING))) == ["Ping"]
    assert extract_abi_events(FUNCTION) == {}


@pytest.mark.parametrize("inside", [PING, [PING], {"abi": [PING]}, {"result": {"result": PING}}])
def test_an_answer_in_an_answer(inside: Any) -> None:
    assert list(extract_abi_events({"result": inside})) == ["Ping"]
    assert list(extract_abi_events(json.dumps({"result": inside}))) == ["Ping"]


def test_lines_of_solidity_in_a_json_abi() -> None:
    lines = ["function ping() view", "struct S { uint256 a; }", "event Pong(S s)", PING]
    for source in (lines, {"abi": lines}, json.dumps({"abi": lines})):
        assert set(extract_abi_events(source)) == {"Ping", "Pong"}


def test_an_empty_abi_has_no_events() -> None:
    for source in ("[]", b"\xef\xbb\xbf[]", [], {"abi": []}, '{"abi": []}'):
        assert extract_abi_events(source) == {}
    with pytest.raises(ABIParsingError, match=r"no event 'Ping'; available events: none"):
        extract_abi_event("[]", "Ping")


SEVERAL = {
    "contracts": {
        "a.sol": {"Token": {"abi": [PING]}, "Library": {"abi": [FUNCTION]}},
        "b.sol": {"Token": {"abi": [PONG]}},
    }
}


def test_a_contract_is_named_where_several_hold_events() -> None:
    for source in (SEVERAL, json.dumps(SEVERAL)):
        with pytest.raises(ABIParsingError, match=r"name one with contract=…: a.sol:Token, b.sol:Token"):
            extract_abi_events(source)
        assert list(extract_abi_events(source, contract="b.sol:Token")) == ["Pong"]
        assert extract_abi_events(source, contract="Library") == {}
        with pytest.raises(ABIParsingError, match="several contracts are called 'Token'"):
            extract_abi_events(source, contract="Token")
        with pytest.raises(ABIParsingError, match=r"no contract 'Tokn'; there are a.sol:Token.*did you mean"):
            extract_abi_events(source, contract="Tokn")


def test_the_artifact_of_another_contract_is_refused() -> None:
    artifact = {"contractName": "Token", "sourceName": "a.sol", "abi": ABI}
    assert extract_abi_events(artifact, contract="a.sol:Token")
    assert extract_abi_events(json.dumps(artifact), contract="Token")
    with pytest.raises(ABIParsingError, match=r"the artifact of a.sol:Token, not of Other"):
        extract_abi_events(artifact, contract="Other")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "the document is empty"),
        (b"\xef\xbb\xbf", "the document is empty"),
        ("abi/ERC20.json", r"pathlib\.Path"),
        ("{}", "no ABI in this object"),
        ('{"abi": null}', "abi: an ABI is a list of items, not null"),
        ("null", "doesn't begin the declaration|neither JSON"),
        ('"[]', "this is not valid JSON"),
        ("[1]", r"abi\[0\]: an item of an ABI is an object, not a number"),
        ('[{"type": "event", "name": 1}, []]', r"abi\[0\]\.name: an event needs a name"),
        ("[[]]", r"abi\[0\]: an item of an ABI is an object, not a list"),
        ('[{"SourceCode": "", "Proxy": "0"}]', r"abi\[0\]: no ABI in this list: an item of an ABI has"),
        ('[{"type": "interface", "name": "I"}]', r"abi\[0\]: no ABI in this list"),
        ('{"result":' * 400 + "[]" + "}" * 400, "nested too deep"),
        ('[{"type": "event", "name": "E"},]', "this is not valid JSON"),
        ('[{"type": "event", "name": "E", "x": NaN}]', "this is not valid JSON"),
        ('[{"type": "event", "name": "E", "x": Infinity}]', "this is not valid JSON"),
        ('[{"type": "event", "name": "E", "name": "F"}]', r"abi\[0\]: the key 'name' appears twice"),
        ('[{"type": "event", "name": "E", "inputs": [{"type": "bool", "type": "bool"}]}]',
         r"abi\[0\]\.inputs\[0\]: the key 'type' appears twice"),
        ('{"abi": [], "abi": []}', "the key 'abi' appears twice"),
        ('{"\\u0061bi": [], "abi": []}', "the key 'abi' appears twice"),
        ('{"result": {"type": "event", "name": "E", "name": "F"}}', "the key 'name' appears twice"),
        ('{"contracts": {"c.sol": {"C": {"abi": []}, "C": {"abi": []}}}}', "the key 'C' appears twice"),
        ('{"contracts": {}, "contracts": {"C": {"abi": []}}}', "the key 'contracts' appears twice"),
        ("[" * 100_000, "nested too deep|not valid JSON"),
        ('{"a":' * 100_000, "nested too deep|not valid JSON"),
        ('[{"type":"event","name":"E","inputs":' + "[" * 100_000 + "]" * 100_000, "nested too deep|valid"),
        (b"\xff[]", "the document is not UTF-8, at byte 0"),
        (b"\xff\xfe[", "the document is not UTF-16-LE"),
        ("[\ud800]", "a lone surrogate"),
        (3.5, "not as float"),
        (Path("/nowhere/Token.json"), "'/nowhere/Token.json' can't be read: No such file"),
        (Path("nul\0l"), "can't be read"),
        (Path("."), "can't be read"),
    ],
)  # fmt: skip
def test_what_is_refused(source: Any, message: str) -> None:
    with pytest.raises(ABIParsingError, match=message):
        extract_abi_events(source)


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"name": None}, "name", "an event needs a name"),
        ({"name": ""}, "name", "an event needs a name"),
        ({"name": 5}, "name", "an event needs a name"),
        ({"name": "1st"}, "name", "is not a name"),
        ({"name": "Ünicode"}, "name", "is not a name"),
        ({"name": "E" * 1025}, "name", "over the limit of 1024"),
        ({"anonymous": "yes"}, "anonymous", "must be true or false, not text"),
        ({"inputs": {}}, "inputs", "must be a list, not an object"),
        ({"inputs": [None]}, "inputs[0]", "must be an object"),
        ({"inputs": [{"name": "a"}]}, "inputs[0].type", "the type is missing"),
        ({"inputs": [{"type": 8}]}, "inputs[0].type", "a type must be text, not a number"),
        ({"inputs": [{"type": "bool", "name": "a b"}]}, "inputs[0].name", "is not a name"),
        ({"inputs": [{"type": "bool", "name": 0}]}, "inputs[0].name", "a name must be text"),
        ({"inputs": [{"type": "bool", "indexed": 1}]}, "inputs[0].indexed", "true or false, not a number"),
        ({"inputs": [{"type": "bool", "internalType": []}]}, "inputs[0].internalType", "text, not a list"),
        ({"inputs": [{"type": "tuple", "components": [{"type": "bool"}, {"type": "uint9"}]}]},
         "inputs[0].components[1].type", "in steps of 8"),
    ],
)  # fmt: skip
def test_errors_say_where(change: dict[str, Any], path: str, message: str) -> None:
    abi = [FUNCTION, {"type": "event", "name": "Bad", "inputs": [], **change}]
    for source in (abi, json.dumps(abi)):
        with pytest.raises(ABIParsingError, match=message) as caught:
            extract_abi_events(source)  # of its events none can be read
        assert caught.value.path == f"abi[1].{path}"
        assert str(caught.value) == f"abi[1].{path}: {caught.value.message}"


def test_null_means_absent() -> None:
    nulls = {"name": None, "components": None, "internalType": None, "indexed": None}
    item = {"type": "event", "name": "E", "anonymous": None, "inputs": [{"type": "bool", **nulls}]}
    plain = {"type": "event", "name": "E", "inputs": [{"type": "bool"}]}
    assert extract_abi_events([item]) == extract_abi_events([plain])
    assert extract_abi_events([{**plain, "inputs": None}])["E"].inputs == []


def test_a_fault_elsewhere_does_no_harm() -> None:
    abi = [
        None,
        {"type": "event"},
        {"type": "event", "name": "Ping", "inputs": 3},
        PING,
        {"type": "event", "name": "1"},
    ]
    for source in (abi, json.dumps(abi)):
        assert extract_abi_event(source, "Ping").inputs[0].name == "a"
        assert extract_abi_event(source, "Ping(uint)").inputs[0].name == "a"
        assert list(extract_abi_events(source)) == ["Ping"]
    with pytest.raises(ABIParsingError, match=r"^abi\[2\]\.inputs: must be a list"):
        extract_abi_event(abi[:3], "Ping")


def test_a_key_that_stands_twice_where_nobody_reads_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    text = '[{"type": "function", "name": "f", "name": "g"}, {"type": "event", "name": "Ping"}]'
    assert extract_abi_event(text, "Ping").name == "Ping"
    assert list(extract_abi_events(text)) == ["Ping"]
    assert not caplog.records
    with pytest.raises(ABIParsingError, match=r"abi\[0\]: the key 'name' appears twice"):
        parse_contract_abi(text)


def test_the_limit_on_documents(tmp_path: Path) -> None:
    limits = Limits(document_bytes=100)
    path = tmp_path / "big.json"
    path.write_text(" " * 101)
    for source in (" " * 101, b" " * 101, "[" + "é" * 60, path, ["event E()" * 12, "x"]):
        with pytest.raises(ABIParsingError, match="larger than the limit of 100 bytes"):
            parse_abi(source, limits=limits)
    assert parse_abi("[]" + " " * 98, limits=limits).events == {}


def test_what_is_asked_of_a_parsed_abi() -> None:
    abi = parse_abi(json.dumps(ABI))
    assert [event.name for event in abi] == ["Ping", "Pong"]
    assert len(abi) == 2
    assert repr(abi) == "ParsedABI(events: Ping, Pong)"
    assert abi.items == ABI
    assert abi.event("Pong").inputs == []


def test_events_that_are_handed_out_are_not_shared() -> None:
    text = json.dumps(ABI)
    extract_abi_event(text, "Ping").inputs[0].name = "changed"
    extract_abi_event(text, "Ping").inputs.clear()
    assert extract_abi_event(text, "Ping").inputs[0].name == "a"
