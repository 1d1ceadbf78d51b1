"""Two real blocks of mainnet, served as a recording: every transfer in them, with its values."""

import json
from pathlib import Path
from typing import Any

import pytest

from event_streamer_service.chains.recording import Recording
from support.raw_client import RawClient, events_of, transfer
from support.services import StartService

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "mainnet-17173049-17173050"
FIRST, LAST = 17_173_049, 17_173_050

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the recorded blocks are not at {DATA}"),
]


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


@pytest.mark.quick
def test_all_291_transfers_arrive_with_their_values(start: StartService, database: str) -> None:
    expected = {(t["block_number"], t["log_index"]): t for t in lines("token_transfers.ndjson")}
    logs = {(log["block_number"], log["log_index"]): log for log in lines("logs.ndjson")}
    times = {block["number"]: block["timestamp"] for block in lines("blocks.ndjson")}
    assert len(expected) == 291
    service = start(Recording(DATA), database=database)
    delivered: dict[tuple[int, int], dict[str, Any]] = {}
    counts = []
    with RawClient(service.url) as client:
        for nft in (False, True):
            number = client.subscribe(
                chain_id=1, start_block=FIRST, end_block=LAST, event_signature=transfer(nft=nft)
            )
            with client.stream(number) as stream:
                events = events_of(stream.batches_to_end())
            counts.append(len(events))
            for event in events:
                delivered[event["block_number"], event["log_index"]] = event
    assert sum(counts) == len(delivered), "no event came for both kinds"
    assert min(counts) > 0, "there are transfers of both kinds"
    for place, event in delivered.items():
        oracle, log = expected[place], logs[place]
        assert event["from"] == oracle["from_address"]
        assert event["to"] == oracle["to_address"]
        assert event.get("value", event.get("tokenId")) == str(oracle["value"])
        assert event["address"] == oracle["token_address"] == log["address"]
        assert event["transaction_hash"] == oracle["transaction_hash"]
        assert event["block_hash"] == oracle["block_hash"]
        seconds = times[place[0]]
        assert event["timestamp"].startswith("2023-05-02T12:")
        assert seconds == oracle["block_timestamp"]
    assert delivered.keys() == expected.keys()


def test_one_contract_alone(start: StartService) -> None:
    expected = lines("token_transfers.ndjson")
    token = max({t["token_address"] for t in expected}, key=[t["token_address"] for t in expected].count)
    service = start(Recording(DATA))
    with RawClient(service.url) as client:
        number = client.subscribe(
            chain_id=1, start_block=FIRST, end_block=LAST, addresses=[token.upper().replace("0X", "0x")]
        )
        with client.stream(number) as stream:
            events = events_of(stream.batches_to_end())
    assert [e["log_index"] for e in events] == [
        t["log_index"] for t in expected if t["token_address"] == token
    ]
