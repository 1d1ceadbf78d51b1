"""The development chain: deterministic, linked, with events that make sense."""

import asyncio
import threading
from itertools import pairwise
from typing import Any

import pytest
from Crypto.Hash import keccak
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_sdk.abi import EventDecoder, parse_abi, topic0
from event_streamer_service.chains import Log, LogFilter, RangeTooLarge
from event_streamer_service.devchain import DevChain
from event_streamer_service.devchain import logs as devlogs
from event_streamer_service.devchain.logs import COLLECTION, CONTRACTS, OTHER_TOKEN, POOL, TOKEN, TRANSFER
from support.chains import eventually, run

pytestmark = pytest.mark.quick

EVERYTHING = LogFilter(None)


def logs(chain: DevChain, log_filter: LogFilter = EVERYTHING, first: int = 0, last: int = 10**9) -> list[Log]:
    return run(chain.logs(first, last, log_filter))


def test_it_stands_in_for_the_documents_chain() -> None:
    chain = DevChain(chain_id=1, first_block=19_000_000)
    token = LogFilter(TRANSFER, frozenset({"0xA0b86a33E6417b3c4555ba476F04245600306D5D".lower()}))
    found = logs(chain, token, 19_000_000, 19_010_000)
    assert {log.block_number for log in found} == set(range(19_000_000, 19_010_001))
    assert run(chain.chain_id()) == 1
    assert chain.name == "Ethereum Mainnet"
    assert chain.head_number > 19_010_000


@pytest.mark.parametrize(
    ("signature", "topic"),
    [
        ("Transfer(address,address,uint256)", devlogs.TRANSFER),
        ("Approval(address,address,uint256)", devlogs.APPROVAL),
        ("Swap(address,address,int256,int256,uint160,uint128,int24)", devlogs.SWAP),
    ],
)
def test_topics_are_the_hashes_of_the_signatures(signature: str, topic: str) -> None:
    assert "0x" + keccak.new(digest_bits=256, data=signature.encode()).hexdigest() == topic


def test_every_log_decodes_strictly_by_its_contracts_events() -> None:
    decoders = {
        (contract.address, topic0(event)): EventDecoder(event)
        for contract in CONTRACTS
        for event in parse_abi(list(contract.events))
    }
    found = logs(DevChain(blocks=30, logs_per_block=20))
    kinds: dict[str, dict[str, Any]] = {}
    for log in found:
        values = decoders[log.address, log.topics[0]].decode(log.topics, log.data)
        kinds[f"{log.address} {log.topics[0]}"] = values
    assert len(kinds) == 5
    assert any(values.get("amount1", 0) < 0 for values in kinds.values())


def test_a_swap_and_its_transfers_agree() -> None:
    chain = DevChain(blocks=50)
    by_transaction: dict[str, list[Log]] = {}
    for log in logs(chain):
        by_transaction.setdefault(log.transaction_hash, []).append(log)
    swaps = [group for group in by_transaction.values() if group[-1].address == POOL.address]
    assert len(swaps) == 50
    for paid_out, paid_in, swap in swaps:
        assert (paid_out.address, paid_in.address) == (OTHER_TOKEN.address, TOKEN.address)
        amount0, amount1 = int(swap.data[2:66], 16), int(swap.data[66:130], 16)
        assert amount0 == int(paid_in.data, 16)
        assert (1 << 256) - amount1 == int(paid_out.data, 16)


def test_erc721_transfers_index_the_token() -> None:
    (log, *_) = logs(DevChain(blocks=3), LogFilter(TRANSFER, frozenset({COLLECTION.address})))
    assert len(log.topics) == 4
    assert log.data == "0x"


def test_the_same_arguments_and_calls_give_the_same_chain() -> None:
    def make(seed: int = 1) -> DevChain:
        chain = DevChain(blocks=20, seed=seed)
        chain.mine(3)
        chain.reorg(2)
        chain.transfer(TOKEN.address, TOKEN.address, 1, mine=True)
        return chain

    assert logs(make()) == logs(make())
    assert run(make().head()) == run(make().head())
    assert logs(make(seed=2)) != logs(make())


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("mine"), st.integers(1, 5), st.none()),
            st.tuples(st.just("reorg"), st.integers(1, 6), st.none() | st.integers(0, 6)),
            st.tuples(st.just("emit"), st.integers(0, 99), st.none()),
        ),
        max_size=12,
    )
)
def test_blocks_are_linked_and_indexed_whatever_happens(steps: list[tuple[str, int, int | None]]) -> None:
    chain = DevChain(first_block=5, blocks=3, logs_per_block=2)
    for step, number, blocks in steps:
        if step == "mine":
            chain.mine(number)
        elif step == "emit":
            chain.transfer(TOKEN.address, POOL.address, number)
        else:
            depth = min(number, chain.head_number - chain.first_block)
            if depth:
                before = chain.head_number
                reorg = chain.reorg(depth, blocks=blocks)
                assert reorg.common_ancestor == before - depth
                assert len(reorg.removed) == depth
                assert all(chain.block_by_hash(block.hash) is None for block in reorg.removed)
    blocks_now = run(chain.blocks(range(chain.first_block, chain.head_number + 1)))
    assert all(block is not None for block in blocks_now)
    for parent, child in pairwise(block for block in blocks_now if block is not None):
        assert child.parent_hash == parent.hash
        assert chain.block_by_hash(child.hash) == chain.block_by_hash(child.hash, near=child.number) == child
    everything = logs(chain)
    assert len({(log.block_hash, log.log_index) for log in everything}) == len(everything)
    for block in blocks_now:
        assert block is not None
        of_block = [log for log in everything if log.block_number == block.number]
        assert [log.log_index for log in of_block] == list(range(len(of_block)))
        assert all(log.block_hash == block.hash for log in of_block)


@given(
    topic=st.sampled_from([None, devlogs.TRANSFER, devlogs.APPROVAL, devlogs.SWAP, "0x" + "00" * 32]),
    addresses=st.sets(st.sampled_from([contract.address for contract in CONTRACTS])),
)
def test_a_filtered_answer_is_the_whole_one_filtered(topic: str | None, addresses: set[str]) -> None:
    chain = DevChain(blocks=4, logs_per_block=17)
    chain.transfer(TOKEN.address, POOL.address, 5, mine=True)
    log_filter = LogFilter(topic, frozenset(addresses))
    assert logs(chain, log_filter) == [log for log in logs(chain) if log_filter.matches(log)]


def test_own_logs_come_in_the_next_block() -> None:
    chain = DevChain(blocks=1, logs_per_block=0)
    chain.emit("0x" + "AB" * 20, ["0x" + "01" * 32], "0xff")
    assert logs(chain) == []
    chain.mine(2)
    (log,) = logs(chain)
    assert (log.address, log.topics, log.data) == ("0x" + "ab" * 20, ("0x" + "01" * 32,), "0xff")
    assert log.block_number == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("0x12", []), "address must be 20 bytes"),
        (("0x" + "zz" * 20, []), "address must be 20 bytes"),
        (("0x" + "12" * 20, ["0x12"]), r"topics\[0\] must be 32 bytes"),
        (("0x" + "12" * 20, ["0x" + "12" * 32] * 5), "at most 4 topics"),
        (("0x" + "12" * 20, [], "ff"), "data must be 0x-hex"),
    ],
)
def test_a_malformed_log_is_refused(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DevChain(blocks=1).emit(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [{"chain_id": 0}, {"first_block": -1}, {"blocks": 0}, {"logs_per_block": -1}, {"mine_every": 0}],
)
def test_wrong_arguments_are_named(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        DevChain(**arguments)  # type: ignore[arg-type]


def test_the_first_block_stays() -> None:
    chain = DevChain(blocks=4)
    with pytest.raises(ValueError, match="depth must be 1 to 3"):
        chain.reorg(4)
    with pytest.raises(ValueError, match="value must fit"):
        chain.transfer(TOKEN.address, TOKEN.address, -1)
    with pytest.raises(ValueError, match="blocks must be 1"):
        chain.mine(0)


def test_it_refuses_too_much_as_nodes_do() -> None:
    chain = DevChain(blocks=100, logs_per_block=10, max_results=200, max_block_range=50)
    with pytest.raises(RangeTooLarge, match="more than 200 results"):
        logs(chain, EVERYTHING, 0, 30)
    with pytest.raises(RangeTooLarge, match="maximum 50") as refusal:
        logs(chain, LogFilter(devlogs.SWAP), 0, 60)
    assert refusal.value.limit == 50
    assert len(logs(chain, EVERYTHING, 0, 19)) == 200


def test_it_mines_by_itself_while_it_is_watched() -> None:
    async def scenario() -> None:
        chain = DevChain(blocks=1, mine_every=0.01)
        heads = chain.new_heads()
        numbers = [(await anext(heads)).number for _ in range(4)]
        assert numbers == sorted(set(numbers))
        await chain.close()
        await heads.aclose()
        stopped = chain.head_number
        await asyncio.sleep(0.05)
        assert chain.head_number == stopped

    run(scenario())


def test_other_threads_may_mine_while_it_is_watched() -> None:
    async def scenario() -> None:
        chain = DevChain(blocks=1)
        seen: list[int] = []

        async def watch() -> None:
            async for head in chain.new_heads():
                seen.append(head.number)  # noqa: PERF401 - it is looked at while it grows

        watching = asyncio.create_task(watch())
        await eventually(lambda: seen == [0])
        threads = [threading.Thread(target=lambda: [chain.mine() for _ in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        await eventually(lambda: seen[-1] == 200)
        for thread in threads:
            thread.join()
        assert seen == sorted(seen)
        await chain.close()
        await watching

    run(scenario())


def test_a_million_logs_take_no_memory_before_they_are_asked_for() -> None:
    chain = DevChain(blocks=10_000, logs_per_block=100)
    assert len(chain._hashes) == 32 * 10_000
    assert not chain._emitted
    assert not chain._branches
    assert len(logs(chain, EVERYTHING, 9_990, 9_999)) == 1_000
