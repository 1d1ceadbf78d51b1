"""Recordings: two real blocks with all their logs, and files that are none."""

import json
from pathlib import Path

import pytest

from event_streamer_sdk.abi import EventDecoder, extract_abi_event
from event_streamer_service.chains import (
    BlockGone,
    Chain,
    ChainConfig,
    ChainSource,
    LogFilter,
    MemoryHeaderStore,
)
from event_streamer_service.chains.recording import Recording
from event_streamer_service.devchain.logs import TRANSFER
from support.chains import Reader, run

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "mainnet-17173049-17173050"
FIRST = 17_173_049

real = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the two recorded blocks are not at {FOLDER}")


def expected() -> list[tuple[int, int, str, str, str, int]]:
    with (FOLDER / "token_transfers.ndjson").open() as lines:
        transfers = [json.loads(line) for line in lines]
    return sorted(
        (
            t["block_number"],
            t["log_index"],
            t["token_address"],
            t["from_address"],
            t["to_address"],
            int(t["value"]),
        )
        for t in transfers
    )


@real
@pytest.mark.quick
def test_all_transfers_of_two_real_blocks_are_read_with_their_values() -> None:
    erc20, erc721 = (
        EventDecoder(
            extract_abi_event(f"Transfer(address indexed from, address indexed to, {last})", "Transfer")
        )
        for last in ("uint256 value", "uint256 indexed value")
    )

    async def scenario() -> Reader:
        source = Recording(FOLDER)
        config = ChainConfig(chain_id=1, name="recorded", rpc_urls=["embedded:recording"])
        chain = Chain(config, source, header_store=MemoryHeaderStore())
        reader = Reader(LogFilter(TRANSFER), start_block=FIRST, end_block=FIRST + 1)
        await reader.read(chain)
        await chain.close()
        return reader

    reader = run(scenario())
    found = []
    for log in reader.logs:
        if len(log.topics) in (3, 4):
            values = (erc20 if len(log.topics) == 3 else erc721).decode(log.topics, log.data)
            place = (log.block_number, log.log_index, log.address)
            found.append((*place, values["from"], values["to"], values["value"]))
    assert found == expected()
    assert len(found) == 291


@real
def test_it_is_a_source() -> None:
    async def scenario() -> None:
        source = Recording(FOLDER)
        assert isinstance(source, ChainSource)
        assert (source.first_block, source.head_number, await source.chain_id()) == (FIRST, FIRST + 1, 1)
        head = await source.head()
        below = await source.block(FIRST)
        assert below is not None
        assert head.parent_hash == below.hash
        assert await source.blocks([FIRST - 1, FIRST]) == [None, below]
        everything = await source.block_logs([below, head], LogFilter(None))
        assert sum(map(len, everything)) == 681
        assert all(log.block_timestamp == below.timestamp for log in everything[0])
        with pytest.raises(BlockGone):
            await source.block_logs([type(head)(FIRST, head.hash, "", 0)], LogFilter(None))

    run(scenario())


BLOCK = {"number": 1, "hash": "0x01", "parent_hash": "0x00", "timestamp": 5}
LOG = {
    "address": "0xAB",
    "topics": ["0x1"],
    "data": "0x",
    "log_index": 0,
    "transaction_hash": "0x9",
    "block_number": 1,
    "block_hash": "0x01",
}


def record(folder: Path, blocks: list[object], logs: list[object]) -> Path:
    (folder / "blocks.ndjson").write_text("\n".join(json.dumps(block) for block in blocks))
    (folder / "logs.ndjson").write_text("\n".join(json.dumps(log) for log in logs))
    return folder


def test_addresses_become_lower_case_and_times_are_the_blocks(tmp_path: Path) -> None:
    source = Recording(record(tmp_path, [BLOCK], [LOG]), chain_id=5)
    (log,) = run(source.logs(0, 9, LogFilter(None)))
    assert (log.address, log.block_timestamp) == ("0xab", 5)


@pytest.mark.parametrize(
    ("blocks", "logs", "words"),
    [
        ([], [], "holds no block"),
        ([{"number": 1}], [], "line 1: .*hash"),
        ([BLOCK], [{**LOG, "log_index": "x"}], "line 1"),
        ([BLOCK], [LOG, {**LOG, "block_number": 2}], "log 0 of block 2 belongs to no block"),
        ([BLOCK], [{**LOG, "block_hash": "0x02"}], "log 0 of block 1 belongs to no block"),
        ([BLOCK, {**BLOCK, "number": 2}], [], "block 2 does not follow"),
        ([BLOCK, {**BLOCK, "number": 3, "parent_hash": "0x01"}], [], "block 2 does not follow"),
    ],
)
def test_what_is_no_recording_is_refused(
    tmp_path: Path, blocks: list[object], logs: list[object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Recording(record(tmp_path, blocks, logs))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"blocks\.ndjson can't be read"):
        Recording(tmp_path)
