"""`event-streamer abi`: what is shown of an ABI, and what a wrong one costs: one line."""

import importlib.util
import json
from pathlib import Path

import pytest

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
TOPIC0 = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
SENDER = "0xa0b86a33e6417b3c4555ba476f04245600306d5d"
ADDRESS_INPUT = {"type": "address", "indexed": True}
ABI = [
    {
        "type": "event",
        "name": "Transfer",
        "inputs": [
            {"name": "from", **ADDRESS_INPUT},
            {"name": "to", **ADDRESS_INPUT},
            {"name": "value", "type": "uint256", "indexed": False},
        ],
    },
    {"type": "event", "name": "Paused", "inputs": []},
    {"type": "event", "name": "Secret", "inputs": [], "anonymous": True},
]

pytestmark = pytest.mark.quick


@pytest.fixture
def abi_file(tmp_path: Path) -> Path:
    file = tmp_path / "token.json"
    file.write_text(json.dumps(ABI))
    return file


def test_events_are_listed(cli, abi_file):
    shown = cli("abi", "events", abi_file)
    assert shown.code == 0
    assert "Transfer(address,address,uint256)" in shown.out
    assert TOPIC0 in shown.out
    assert "(anonymous)" in shown.out

    listed = cli("abi", "events", abi_file, "--json").json
    assert [event["name"] for event in listed] == ["Transfer", "Paused", "Secret"]
    assert listed[0]["topic0"] == TOPIC0
    assert listed[2]["topic0"] is None


def test_events_as_solidity_has_them(cli, abi_file):
    assert cli("abi", "human-readable", abi_file).out.splitlines() == [
        f"event {TRANSFER}",
        "event Paused()",
        "event Secret() anonymous",
    ]


def test_an_event_becomes_an_abi_and_back(cli, tmp_path):
    made = cli("abi", "json", TRANSFER)
    file = tmp_path / "made.json"
    file.write_text(made.out)
    assert cli("abi", "human-readable", file).out.strip() == f"event {TRANSFER}"


@pytest.mark.parametrize("event", [TRANSFER, f"event {TRANSFER};", "Transfer(address,address,uint)"])
def test_topic0_of_any_spelling(cli, event):
    assert cli("abi", "topic0", event).out.strip() == TOPIC0


def test_topic0_by_name(cli, abi_file):
    assert cli("abi", "topic0", "Transfer", "--abi", abi_file).out.strip() == TOPIC0


@pytest.mark.parametrize("by", ["event", "file"])
def test_an_anonymous_event_has_no_topic0(cli, abi_file, by):
    event = ["event Secret() anonymous"] if by == "event" else ["Secret", "--abi", abi_file]
    refused = cli("abi", "topic0", *event)
    assert (refused.code, refused.out) == (1, "")
    assert len(refused.err.splitlines()) == 1
    assert "Secret() is anonymous: its logs have no topic0" in refused.err
    assert cli("abi", "topic0", *event, "--json").json["topic0"] is None


def word(value: int) -> str:
    return f"0x{value:064x}"


@pytest.mark.parametrize("by", ["event", "file"])
def test_a_log_is_decoded(cli, abi_file, by):
    log = ["-t", TOPIC0, "-t", word(int(SENDER, 16)), "-t", word(7), "--data", word(1_000_000)]
    source = [TRANSFER] if by == "event" else ["--abi", abi_file]
    decoded = cli("abi", "decode", *source, *log, "--json").json
    assert decoded["event"] == "Transfer"
    assert decoded["values"] == {"from": SENDER, "to": f"0x{7:040x}", "value": "1000000"}
    assert "1000000" in cli("abi", "decode", *source, *log).out


def test_generated_classes_can_be_imported(cli, abi_file, tmp_path):
    module = tmp_path / "token_events.py"
    assert cli("abi", "codegen", abi_file, "--output", module).code == 0
    spec = importlib.util.spec_from_file_location("token_events", module)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    assert loaded.Transfer
    assert cli("abi", "codegen", abi_file).out == module.read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["topic0", "Transfer(adress a)"], "adress"),
        (["topic0", "Transfer", "--abi", "missing.json"], "missing.json: No such file"),
        (["topic0", "Transfr", "--abi", "{abi}"], "Transfer"),
        (["topic0", "Transfer", "--abi", __file__], "test_abi.py: "),
        (["events", "{broken}"], "JSON"),
        (["decode", "--abi", "{abi}", "-t", word(1)], "topic0"),
        (["decode", TRANSFER, "-t", TOPIC0], "indexed"),
        (["decode", TRANSFER, "-t", "0x12"], "32"),
    ],
)
def test_a_mistake_costs_one_line(cli, abi_file, tmp_path, arguments, says):
    broken = tmp_path / "broken.json"
    broken.write_text("[{]")
    shown = cli("abi", *(str(one).format(abi=abi_file, broken=broken) for one in arguments))
    assert shown.code == (1 if "decode" in arguments else 2)
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert shown.err.startswith("Error: ")
    assert says in shown.err


def test_decode_asks_for_an_event(cli):
    shown = cli("abi", "decode", "-t", TOPIC0)
    assert shown.code == 2
    assert "--abi" in shown.err
