"""Logs that a node leaves out, misplaces or takes from another block: none of it is believed unseen.

The shapes are those of public reports on nodes, providers and development chains, in small.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from event_streamer_service.chains import BlockGone, JsonRpcSource, Log, LogFilter, UnreadableAnswer
from event_streamer_service.chains.livelogs import LiveLogs
from event_streamer_service.devchain import DevChain
from event_streamer_service.devchain.logs import TRANSFER
from support.chains import run
from support.odd_nodes import (
    EVERYTHING,
    FULL_BLOOM,
    TOKENS,
    Front,
    failure,
    is_logs,
    odd_node,
    of_block,
    of_range,
    places,
    truth,
)

pytestmark = pytest.mark.quick


# --- logs by block hash -----------------------------------------------------------------------------------


def test_a_replica_without_the_block_is_not_believed() -> None:
    """It answers `[]` to the logs, as besu did for years, and knows no header."""

    def bend(request: Any, answer: Any) -> Any:
        if is_logs(request):
            return {**answer, "result": []}
        return {**answer, "result": None} if request["method"] == "eth_getBlockByHash" else answer

    with odd_node(DevChain(blocks=5), bend) as front, pytest.raises(BlockGone, match="does not have block 3"):
        of_block(front, 3)


def test_no_logs_under_a_full_bloom_are_asked_for_again() -> None:
    """A block announced before its logs are indexed: `[]` at first, the logs a moment later."""
    left = 3

    def bend(request: Any, answer: Any) -> Any:
        nonlocal left
        if request["method"] == "eth_getBlockByHash":
            answer["result"]["logsBloom"] = FULL_BLOOM
        if request["method"] == "eth_getBlockReceipts":
            return failure(-32601, "the method does not exist")
        if is_logs(request) and left:
            left -= 1
            answer["result"] = []
        return answer

    chain = DevChain(blocks=5)
    with odd_node(chain, bend) as front:
        assert places(of_block(front, 3)) == truth(chain, 3, 3) != []


def test_receipts_tell_the_logs_that_an_index_left_out() -> None:
    def bend(request: Any, answer: Any) -> Any:
        if request["method"] == "eth_getBlockByHash":
            answer["result"]["logsBloom"] = FULL_BLOOM
        return {**answer, "result": []} if is_logs(request) else answer

    chain = DevChain(blocks=5)
    with odd_node(chain, bend) as front:
        assert places(of_block(front, 3)) == truth(chain, 3, 3) != []


def test_a_bloom_that_errs_costs_a_bounded_number_of_questions(caplog: pytest.LogCaptureFixture) -> None:
    """zkSync gave blooms of logs that there weren't; no block waits for ever for them."""
    chain = DevChain(blocks=12, logs_per_block=0)

    def bend(request: Any, answer: Any) -> Any:
        if request["method"] == "eth_getBlockByHash":
            answer["result"]["logsBloom"] = FULL_BLOOM
        return answer

    async def scenario(front: Front) -> list[int]:
        source = JsonRpcSource(front.url)
        costs = []
        for number in range(5, 10):
            before = len(front.asked)
            block = await chain.block(number)
            assert block is not None
            assert await source.block_logs([block], TOKENS) == [[]]
            costs.append(len(front.asked) - before)
        await source.close()
        return costs

    with odd_node(chain, bend) as front:
        costs = run(scenario(front))
    assert max(costs) <= 10
    assert costs[-1] == 2, "the header and the logs"
    assert "its blooms are no longer compared" in caplog.text


def test_other_logs_of_the_block_settle_a_bloom_that_admits_too_much() -> None:
    def bend(request: Any, answer: Any) -> Any:
        if request["method"] == "eth_getBlockByHash":
            answer["result"]["logsBloom"] = FULL_BLOOM
        return answer

    nobody = LogFilter(TRANSFER, frozenset({"0x" + "99" * 20}))
    with odd_node(DevChain(blocks=5), bend) as front:
        assert of_block(front, 3, nobody) == []
        assert len(front.asked) == 3, "one question more"


def test_logs_of_another_block_are_not_taken_for_the_one_asked_for() -> None:
    """A node that doesn't know `blockHash` in the filter answers about its newest block."""
    chain = DevChain(blocks=9)
    newest = run(chain.logs(8, 8, EVERYTHING))
    assert newest

    def bend(request: Any, answer: Any) -> Any:
        if is_logs(request) and "blockHash" in request["params"][0]:
            for log in answer["result"]:
                log["blockHash"], log["blockNumber"] = newest[0].block_hash, "0x8"
        return answer

    with odd_node(chain, bend) as front:
        assert places(of_block(front, 3)) == truth(chain, 3, 3) != []


def test_logs_of_another_block_in_every_way_are_refused_and_told() -> None:
    def bend(request: Any, answer: Any) -> Any:
        if is_logs(request):
            for log in answer["result"]:
                log["blockHash"] = "0x" + "77" * 32
        return answer

    with odd_node(DevChain(blocks=5), bend) as front, pytest.raises(UnreadableAnswer, match="0x7777"):
        of_block(front, 3)


def test_another_header_than_asked_for_is_refused() -> None:
    def bend(request: Any, answer: Any) -> Any:
        if request["method"] == "eth_getBlockByHash":
            answer["result"]["hash"] = "0x" + "77" * 32
        return answer

    with odd_node(DevChain(blocks=5), bend) as front, pytest.raises(UnreadableAnswer, match="0x7777"):
        of_block(front, 3)


def test_logs_beyond_the_range_asked_for_are_refused() -> None:
    def bend(request: Any, answer: Any) -> Any:
        if is_logs(request):
            for log in answer["result"]:
                log["blockNumber"] = "0x1"
        return answer

    with (
        odd_node(DevChain(blocks=9), bend) as front,
        pytest.raises(UnreadableAnswer, match="logs of block 1"),
    ):
        of_range(front, 3, 5)


def test_more_than_was_asked_for_is_filtered() -> None:
    """Some nodes ignore a list of addresses."""
    chain = DevChain(blocks=9)
    everything = [
        {
            "address": log.address,
            "topics": log.topics,
            "data": log.data,
            "blockNumber": hex(log.block_number),
            "blockHash": log.block_hash,
            "transactionHash": log.transaction_hash,
            "transactionIndex": hex(log.log_index),
            "logIndex": hex(log.log_index),
            "removed": False,
        }
        for log in run(chain.logs(3, 5, EVERYTHING))
    ]
    assert len(everything) > len(truth(chain, 3, 5))

    def bend(request: Any, answer: Any) -> Any:
        return {**answer, "result": everything} if is_logs(request) else answer

    with odd_node(chain, bend) as front:
        assert places(of_range(front, 3, 5)) == truth(chain, 3, 5)


@pytest.mark.parametrize("receipts", [True, False], ids=["receipts", "no receipts"])
@pytest.mark.parametrize(
    "ask", [of_block, lambda front, n: of_range(front, n, n + 2)], ids=["block", "range"]
)
def test_a_log_index_that_counts_in_the_transaction_places_no_event(
    ask: Callable[[Front, int], list[Log]], receipts: bool
) -> None:
    """VeChain, Zilliqa, skale and Filecoin counted so; two events of a block would have one position."""

    def bend(request: Any, answer: Any) -> Any:
        if request["method"] == "eth_getBlockReceipts" and not receipts:
            return failure(-32601, "the method does not exist")
        groups = (
            [receipt["logs"] for receipt in answer["result"]]
            if request["method"] == "eth_getBlockReceipts"
            else [answer["result"]]
            if is_logs(request)
            else []
        )
        for group in groups:
            for log in group:
                log["transactionIndex"], log["logIndex"] = hex(int(log["logIndex"], 16)), "0x0"
        return answer

    chain = DevChain(blocks=9)
    with odd_node(chain, bend) as front:
        last = 3 if ask is of_block else 5
        assert places(ask(front, 3)) == truth(chain, 3, last)


def test_one_log_of_a_block_has_its_place_in_the_block_from_the_start() -> None:
    """A single log says `logIndex` 0 in a later transaction: whether it counts in the block is looked up."""
    chain = DevChain(blocks=9)
    wanted = run(chain.logs(3, 3, TOKENS))[-1]
    assert wanted.log_index > 0
    only = LogFilter(TRANSFER, frozenset({wanted.address}))

    def bend(request: Any, answer: Any) -> Any:
        if is_logs(request):
            for log in answer["result"]:
                log["transactionIndex"], log["logIndex"] = log["logIndex"], "0x0"
            if len(request["params"][0].keys() & {"address", "topics"}):
                answer["result"] = answer["result"][-1:]
        elif request["method"] == "eth_getBlockReceipts":
            for receipt in answer["result"]:
                for log in receipt["logs"]:
                    log["logIndex"] = "0x0"
        return answer

    with odd_node(chain, bend) as front:
        assert places(of_block(front, 3, only))[-1] == places([wanted])[0]


def test_a_live_block_is_asked_for_all_addresses_of_all_feeds_in_parts() -> None:
    """More than fit into one question; no feed's addresses turn it into a question for everything."""
    chain = DevChain(blocks=70)
    addresses = [f"0x{number:040x}" for number in range(1, 1_200)]
    feeds = [TOKENS, *(LogFilter(TRANSFER, frozenset(addresses[i::3])) for i in range(3))]

    async def scenario(front: Front) -> None:
        source = JsonRpcSource(front.url)
        live = LiveLogs(source)
        for feed in feeds:
            live.join(feed)
        block = await chain.block(66)
        assert block is not None
        found = await asyncio.gather(*(live.of([block], feed) for feed in feeds))
        assert [places(logs) for (logs,) in found] == [wanted, [], [], []]
        await live.close()
        await source.close()

    wanted = truth(chain, 66, 66)
    with odd_node(chain) as front:
        run(scenario(front))
        asked = [request["params"][0]["address"] for request in front.asked if is_logs(request)]
    assert [len(part) for part in asked] == [500, 500, 200]
    assert len(set().union(*asked)) == 1_200, "each address once"
