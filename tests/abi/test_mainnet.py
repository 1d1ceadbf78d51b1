"""Two real blocks: 291 token transfers that someone else has decoded, and 390 other logs."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk.abi import DecodedLog, LogDecodeError, LogDecoder, decode_log, parse_abi, topic0

BLOCKS = Path(__file__).resolve().parents[3] / "shared" / "data" / "mainnet-17173049-17173050"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not BLOCKS.is_dir(),
        reason="the recorded mainnet blocks are not beside the repository (../shared/data)",
    ),
]

TRANSFERS = """
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
"""
"""ERC-20's and ERC-721's: one topic0, told apart by the number of topics."""


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (BLOCKS / name).read_text().splitlines()]


@pytest.mark.quick
@pytest.mark.parametrize("form", ["hex", "bytes"])
def test_all_transfers_are_those_of_the_expected_file(form: str) -> None:
    events = list(parse_abi(TRANSFERS))
    decoder = LogDecoder(events)
    found = []
    for log in rows("logs.ndjson"):
        if log["topics"][:1] != [topic0(events[0])]:
            continue
        topics, data = log["topics"], log["data"]
        if form == "bytes":
            topics, data = [bytes.fromhex(topic[2:]) for topic in topics], bytes.fromhex(data[2:])
        event, values = decoder.decode(topics, data)
        assert decode_log(events, topics, data) == DecodedLog(event, values)
        assert values.trailing_bytes == 0
        found.append(
            {
                "token_address": log["address"],
                "from_address": values["from"],
                "to_address": values["to"],
                "value": values.args[2],
                "transaction_hash": log["transaction_hash"],
                "log_index": log["log_index"],
                "block_number": log["block_number"],
            }
        )
    expected = [{key: row[key] for key in found[0]} for row in rows("token_transfers.ndjson")]
    assert len(found) == 291

    def by_place(row: dict[str, Any]) -> tuple[int, int]:
        return row["block_number"], row["log_index"]

    assert sorted(found, key=by_place) == sorted(expected, key=by_place)


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_no_log_raises_anything_but_log_decode_error(strict: bool) -> None:
    """Every log against the transfers, and against an event of its own topic0 whose data has every shape."""
    decoder = LogDecoder(parse_abi(TRANSFERS), strict=strict)
    shapes = parse_abi(
        """
        event A(uint256 a, bytes b, string[] c) anonymous;
        event B(address indexed a, tuple(uint8 x, bytes y)[] b, uint128 c) anonymous;
        event C(bool indexed a, bytes4 indexed b, int24 indexed c, address[] d) anonymous;
        event D(address a, int256 b, uint160 c, uint128 d, int24 e) anonymous;
        """
    )
    others = LogDecoder(shapes, strict=strict)
    decoded = 0
    for log in rows("logs.ndjson"):
        with contextlib.suppress(LogDecodeError):
            decoder.decode(log["topics"], log["data"])
            decoded += 1
        for shape in shapes:
            with contextlib.suppress(LogDecodeError):
                others.decode(log["topics"][1:], log["data"], anonymous=shape.name)
    assert decoded == 291
