"""Classes for events: what is written runs, holds the right values, and passes two type checkers."""

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_streamer_sdk.abi import (
    ABIParsingError,
    EventDecoder,
    IndexedHash,
    LogDecodeError,
    encode_log,
    event_name,
    extract_abi_events,
    is_event_class,
    parse_abi,
)
from event_streamer_sdk.abi.codegen import generate_module, main
from support.abi_strategies import events, is_hashed, values
from support.npm_abis import event_items

PYRIGHT = "1.1.414"
MYPY = [sys.executable, "-m", "mypy", "--strict", "--config-file="]

DECLARATIONS = """
struct Fees { uint256 token0; uint256 token1; }
struct Pos { uint128 liquidity; int24 tickLower; Fees fees; Fees[2][] more; }
event PositionUpdated(Pos position, address indexed _owner, string indexed label, bytes32 class, address[]
list); event Transfer(address indexed from, address indexed to, uint256 value); event Transfer(address
indexed from, address indexed to, uint256 indexed tokenId); event ping(); event Weird(uint256, tuple(uint8
kind, fixed128x18 price)[] timestamp, bool __x, function() external f, Fees Fees); event Fees(uint a)
anonymous; event print(int int, bytes self, string str) anonymous;
""".replace("int int", "int _int")

METADATA = {
    "block_number": 19_000_001,
    "transaction_hash": "0x" + "12" * 32,
    "log_index": 3,
    "address": "0x" + "ab" * 20,
    "timestamp": "2024-05-23T10:30:00.000Z",
}


def load(source: str, folder: Path, name: str = "generated_events") -> ModuleType:
    path = folder / f"{name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.quick
def test_classes_hold_what_was_decoded(tmp_path: Path) -> None:
    abi = parse_abi(DECLARATIONS)
    module = load(generate_module(abi), tmp_path)
    owner = "0x" + "01" * 20
    values_ = {
        "position": (5, -7, (1, 2), [[(3, 4), (5, 6)]]),
        "_owner": owner,
        "label": "hello",
        "class": b"c" * 32,
        "list": [owner],
    }
    event = abi.event("PositionUpdated")
    wire = json.loads(json.dumps(EventDecoder(event).decode_json(*encode_log(event, values_))))
    made = module.PositionUpdated.from_event({**wire, **METADATA})
    assert made.position == module.Pos(
        liquidity=5,
        tickLower=-7,
        fees=module.Fees2(token0=1, token1=2),
        more=[[module.Fees2(token0=3, token1=4), module.Fees2(token0=5, token1=6)]],
    )
    assert (made.owner, made.class_, made.list_) == (owner, b"c" * 32, [owner])
    assert isinstance(made.label, IndexedHash)
    assert (made.block_number, made.address) == (19_000_001, METADATA["address"])
    with pytest.raises(AttributeError):
        made.owner = "frozen"


@pytest.mark.quick
def test_names_that_python_or_the_metadata_have_make_way(tmp_path: Path) -> None:
    abi = parse_abi(DECLARATIONS)
    module = load(generate_module(abi), tmp_path)
    assert module.__all__ == [
        "Fees", "Fees2", "Ping", "Pos", "PositionUpdated", "Print", "Transfer", "Transfer2", "Weird",
        "WeirdTimestamp",
    ]  # fmt: skip
    fields = [field.name for field in module.Weird.__attrs_attrs__]
    assert fields == ["arg0", "timestamp_", "x", "f", "Fees_", *METADATA]
    weird = abi.event("Weird")
    log = encode_log(
        weird,
        {"arg0": 1, "timestamp": [(2, Decimal("1.5"))], "__x": True, "f": b"f" * 24, "Fees": (8, 9)},
    )
    made = module.Weird.from_event({**EventDecoder(weird).decode_json(*log), **METADATA})
    assert made.timestamp_ == [module.WeirdTimestamp(kind=2, price=Decimal("1.5"))]
    assert made.timestamp == METADATA["timestamp"]
    assert made.Fees_ == module.Fees2(token0=8, token1=9)
    assert [field.name for field in module.Print.__attrs_attrs__][:3] == ["int_", "self_", "str_"]


@pytest.mark.quick
def test_a_class_is_what_a_streaming_client_asks_for(tmp_path: Path) -> None:
    abi = parse_abi(DECLARATIONS)
    module = load(generate_module(abi), tmp_path)
    assert is_event_class(module.Transfer)
    assert event_name(module.Transfer2) == "Transfer"
    assert event_name(module.Ping) == "ping"
    assert module.Transfer.__abi_event__ == abi.event("Transfer(address indexed,address indexed,uint)")
    assert not is_event_class(module.Pos)
    assert not is_event_class("Transfer")
    assert not is_event_class(module.Ping.from_event(METADATA))


@pytest.mark.quick
def test_an_event_object_that_lacks_something_is_an_error(tmp_path: Path) -> None:
    module = load(generate_module(parse_abi(DECLARATIONS)), tmp_path)
    with pytest.raises(LogDecodeError, match=r"lacks a parameter.*parameter from"):
        module.Transfer.from_event(METADATA)
    with pytest.raises(LogDecodeError, match="lacks block_number, timestamp"):
        module.Ping.from_event({"transaction_hash": "0x", "log_index": 0, "address": "0x"})


def test_no_events_is_an_error() -> None:
    with pytest.raises(ABIParsingError, match="no events"):
        generate_module([])


@settings(max_examples=40)
@given(st.lists(events(depth=2, max_inputs=4), min_size=1, max_size=3), st.data())
def test_any_events_become_classes(
    tmp_path_factory: pytest.TempPathFactory, items: list[dict[str, Any]], data: st.DataObject
) -> None:
    abi = extract_abi_events(items)
    source = generate_module(abi)
    assert source == generate_module(abi)
    module = load(source, tmp_path_factory.mktemp("module"))
    classes = [each for each in vars(module).values() if is_event_class(each)]
    assert [each.__abi_event__ for each in classes] == list(abi.values())
    for each in classes:
        decoder = EventDecoder(each.__abi_event__)
        item = each.__abi_event__.to_dict()
        given_values = {
            name: data.draw(values(parameter))
            for name, parameter in zip(decoder.names, item["inputs"], strict=True)
        }
        topics, raw = encode_log(each.__abi_event__, given_values)
        made = each.from_event({**decoder.decode_json(topics, raw), **METADATA})
        plain = [getattr(made, field.name) for field in each.__attrs_attrs__]
        expected = [
            IndexedHash(value, "") if parameter["indexed"] and is_hashed(parameter) else value
            for value, parameter in zip(decoder.decode(topics, raw).values(), item["inputs"], strict=True)
        ]
        assert unstructured(plain) == unstructured([*expected, *METADATA.values()])


def unstructured(value: Any) -> Any:
    """Instances of written classes, tuples and lists, all as lists."""
    if hasattr(value, "__attrs_attrs__"):
        return [unstructured(getattr(value, field.name)) for field in value.__attrs_attrs__]
    return [unstructured(each) for each in value] if isinstance(value, list | tuple) else value


USE = """
from decimal import Decimal

from generated_events import Pos, PositionUpdated, Transfer, Weird

from event_streamer_sdk.abi import EventClass, event_name, is_event_class


def handle(transfers: list[Transfer]) -> int:
    return sum(transfer.value + transfer.block_number for transfer in transfers)


def look(updated: PositionUpdated, weird: Weird) -> tuple[Pos, int, Decimal]:
    return updated.position, updated.position.more[0][1].token0, weird.timestamp_[0].price


def register(event: object) -> type[EventClass] | None:
    return event if is_event_class(event) else None


classes: list[type[EventClass]] = [Transfer, Weird]
names = [event_name(each) for each in classes]
wrong: str = Transfer.from_event({}).value
"""


@pytest.fixture
def checked_files(tmp_path: Path) -> list[Path]:
    """A module of written classes, one of those of a whole package, and a module that uses the first."""
    (tmp_path / "generated_events.py").write_text(generate_module(parse_abi(DECLARATIONS)))
    (tmp_path / "use.py").write_text(USE)
    return [tmp_path / "generated_events.py", tmp_path / "use.py"]


@pytest.mark.slow
def test_what_is_written_passes_mypy_strict(checked_files: list[Path]) -> None:
    done = subprocess.run(
        [*MYPY, "--no-error-summary", *map(str, checked_files)],
        cwd=checked_files[0].parent, capture_output=True, text=True,
    )  # fmt: skip
    # The one mistake in the module that uses the classes: the checker did look.
    assert re.fullmatch(r"use\.py:\d+: error: Incompatible types in assignment .*\n", done.stdout), (
        done.stdout + done.stderr
    )


@pytest.mark.npm
@pytest.mark.slow
def test_what_is_written_passes_pyright(
    checked_files: list[Path], fetch_package: Callable[[str, str], Path]
) -> None:
    package = fetch_package("pyright", PYRIGHT)
    done = subprocess.run(
        ["node", package / "index.js", "--pythonpath", sys.executable, "--outputjson", *checked_files],
        cwd=checked_files[0].parent, capture_output=True, text=True,
    )  # fmt: skip
    found = json.loads(done.stdout)["generalDiagnostics"]
    assert [(Path(each["file"]).name, each["rule"]) for each in found] == [
        ("use.py", "reportAssignmentType")
    ], found


@pytest.mark.npm
@pytest.mark.slow
def test_whole_packages_become_modules(tmp_path: Path, artifacts: dict[str, list[Path]]) -> None:
    written = []
    for package, paths in artifacts.items():
        items = {}
        for path in paths:
            for item in event_items(json.loads(path.read_text(encoding="utf-8-sig"))) or []:
                items[json.dumps(item)] = item
        name = re.sub(r"\W", "_", package).lstrip("_")
        module = load(generate_module(extract_abi_events(list(items.values()))), tmp_path, name)
        assert len(module.__all__) >= len(extract_abi_events(list(items.values())))
        written.append(tmp_path / f"{name}.py")
    done = subprocess.run(
        [*MYPY, *map(str, written)],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.quick
def test_the_command_writes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "Token.sol"
    source.write_text(DECLARATIONS)
    assert main([str(source), "--output", str(tmp_path / "my_events.py")]) == 0
    assert load((tmp_path / "my_events.py").read_text(), tmp_path).__doc__.startswith("\nEvents of Token.")
    assert main([str(source), "--event", "ping()"]) == 0
    assert "class Ping:" in capsys.readouterr().out
    assert main([str(source), "--event", "pong"]) == 1
    assert capsys.readouterr().err.startswith("no event 'pong'; available events:")
    assert main([str(tmp_path / "none.json")]) == 1
    assert "can't be read" in capsys.readouterr().err
