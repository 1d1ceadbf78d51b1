"""A refusal in any words is asked smaller before it counts: blocks, addresses, topics, batches."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from event_streamer_service.chains import ChainError, JsonRpcSource, LogFilter, RangeTooLarge, RateLimited
from event_streamer_service.devchain import DevChain
from event_streamer_service.devchain.logs import TOKEN, TRANSFER
from support.chains import run
from support.odd_nodes import (
    Bend,
    Reply,
    failure,
    headers,
    is_logs,
    odd_node,
    of_block,
    of_range,
    places,
    truth,
)

pytestmark = pytest.mark.quick


# --- refusals -----------------------------------------------------------------------------------------------


def refusing(limit: Callable[[dict[str, Any]], bool], error: dict[str, Any]) -> Bend:
    """Refuse the questions for logs that are too much, with an error."""
    return lambda request, answer: error if is_logs(request) and limit(request["params"][0]) else answer


def span(wanted: dict[str, Any]) -> int:
    return int(wanted["toBlock"], 16) - int(wanted["fromBlock"], 16) + 1 if "toBlock" in wanted else 1


UNKNOWN_WORDS = [
    failure(-32000, "no"),
    failure(-32602, "invalid params"),
    failure(-32614, "please upgrade"),
    failure(-32005, "limit exceeded"),
    failure(-32603, "Internal error"),
    failure(-32011, "no backend is currently healthy to serve traffic"),
    failure(0, ""),
    failure(-32000, "请求的区块过多"),
    {"error": "nope"},
    {"error": {"message": "out of range, sorry"}},
]


@pytest.mark.parametrize("error", UNKNOWN_WORDS)
def test_a_range_refused_in_any_words_is_asked_smaller(error: dict[str, Any]) -> None:
    with (
        odd_node(DevChain(blocks=30), refusing(lambda wanted: span(wanted) > 4, error)) as front,
        pytest.raises(RangeTooLarge),
    ):
        of_range(front, 1, 20)


@pytest.mark.parametrize("status", [400, 413, 414, 422, 429, 500, 502, 503, 504, 0])
def test_a_range_refused_by_a_status_is_asked_smaller(status: int) -> None:
    def whole(requests: list[dict[str, Any]]) -> Reply | None:
        too_much = any(is_logs(request) and span(request["params"][0]) > 4 for request in requests)
        return (status, {}, b"<html>no</html>") if too_much else None

    with odd_node(DevChain(blocks=30)) as front:
        front.whole = whole
        with pytest.raises(RangeTooLarge):
            of_range(front, 1, 20)


def test_a_node_that_refuses_a_single_block_as_well_has_failed() -> None:
    error = failure(-32000, "missing trie node")
    with odd_node(DevChain(blocks=30), refusing(lambda _: True, error)) as front:
        with pytest.raises(ChainError, match="missing trie node") as told:
            of_range(front, 1, 20)
        assert not isinstance(told.value, RangeTooLarge)
        assert len(front.asked) <= 6


def test_a_node_that_asks_for_patience_gets_it() -> None:
    with odd_node(DevChain(blocks=30)) as front:
        front.whole = lambda _: (429, {"Retry-After": "7"}, b"slow down")
        with pytest.raises(RateLimited, match="slow down") as told:
            of_range(front, 1, 20)
        assert told.value.retry_after == 7
        assert len(front.sizes) == 1


MANY = LogFilter(TRANSFER, frozenset({TOKEN.address, *(f"0x{number:040x}" for number in range(1, 900))}))


@pytest.mark.parametrize(
    "error",
    [
        failure(-32602, "exceed max addresses or topics per search position"),
        failure(-32602, "too many addresses, at most 50 are allowed"),
        failure(-32000, "specify less number of addresses"),
        failure(-32600, "query must be limited to 50 addresses"),
        *UNKNOWN_WORDS[:5],
    ],
)
@pytest.mark.parametrize("ask", [of_block, lambda f, n, c: of_range(f, n, n + 2, c)], ids=["block", "range"])
def test_a_limit_on_addresses_is_none_on_blocks(error: dict[str, Any], ask: Any) -> None:
    chain = DevChain(blocks=30)

    def too_many(wanted: dict[str, Any]) -> bool:
        return len(wanted.get("address", ())) > 50

    with odd_node(chain, refusing(too_many, error)) as front:
        last = 3 if ask is of_block else 5
        try:
            found = ask(front, 3, MANY)
        except RangeTooLarge:  # in words that say nothing it may be either, and a smaller range is no harm
            assert error in UNKNOWN_WORDS
            return
        assert places(found) == truth(chain, 3, last)
        assert all(span(request["params"][0]) == last - 2 for request in front.asked if is_logs(request))


def test_five_hundred_addresses_at_a_time_at_most() -> None:
    chain = DevChain(blocks=9)
    with odd_node(chain) as front:
        assert places(of_block(front, 3, MANY)) == truth(chain, 3, 3)
        sizes = [len(request["params"][0]["address"]) for request in front.asked if is_logs(request)]
    assert sizes == [500, 400]


def test_too_many_topics_are_asked_for_in_parts() -> None:
    chain = DevChain(blocks=9)
    topics = LogFilter(frozenset({TRANSFER, *(f"0x{number:064x}" for number in range(1, 40))}))

    def too_many(wanted: dict[str, Any]) -> bool:
        return len(wanted["topics"][0]) > 8

    with odd_node(chain, refusing(too_many, failure(-32602, "exceed max topics"))) as front:
        assert places(of_block(front, 3, topics)) == truth(chain, 3, 3, topics)


# --- batches ------------------------------------------------------------------------------------------------


def whole_refusal(
    error: dict[str, Any], status: int = 200
) -> Callable[[int], Callable[[list[Any]], Reply | None]]:
    def limited(limit: int) -> Callable[[list[Any]], Reply | None]:
        body = json.dumps({"jsonrpc": "2.0", "id": None, **error}).encode()
        return lambda requests: (status, {}, body) if len(requests) > limit else None

    return limited


def first_answer_only(limit: int) -> Callable[[list[Any]], Reply | None]:
    """As geth refuses a batch: an error for the first request, nothing for the others."""

    def whole(requests: list[Any]) -> Reply | None:
        if len(requests) <= limit:
            return None
        error = {"jsonrpc": "2.0", "id": requests[0]["id"], **failure(-32600, "batch too large")}
        return 200, {}, json.dumps([error]).encode()

    return whole


def by_item(error: dict[str, Any]) -> Callable[[int], Callable[[list[Any]], Reply | None]]:
    """Each item is refused."""

    def limited(limit: int) -> Callable[[list[Any]], Reply | None]:
        def whole(requests: list[Any]) -> Reply | None:
            if len(requests) <= limit:
                return None
            return 200, {}, json.dumps([{"id": request["id"], **error} for request in requests]).encode()

        return whole

    return limited


@pytest.mark.parametrize(
    "refuse",
    [
        whole_refusal(failure(-32600, "batch too large")),
        whole_refusal(failure(-32600, "Exceeded maximum batch size 20")),
        whole_refusal(failure(-32005, "Batch size limit exceeded"), 413),
        whole_refusal(failure(-32000, "no")),
        whole_refusal(failure(-32005, "too many requests")),
        whole_refusal({"error": "Request Entity Too Large"}, 413),
        whole_refusal({"error": "nope"}, 400),
        whole_refusal({"error": "nope"}, 500),
        by_item(failure(-32000, "no")),
        by_item(failure(-32005, "rate limit exceeded")),
        by_item(failure(-32010, "The batch request was too large")),
        first_answer_only,
        lambda limit: lambda requests: (413, {}, b"<html>413</html>") if len(requests) > limit else None,
        lambda limit: lambda requests: (0, {}, b"") if len(requests) > limit else None,
    ],
    ids=["whole", "with a limit", "413 and words", "unknown words", "rate", "413 text", "400", "500", "items",
         "items rate", "items words", "first only", "413 html", "hangs up"],
)  # fmt: skip
@pytest.mark.parametrize("limit", [1, 5])
def test_a_refused_batch_is_sent_smaller(refuse: Any, limit: int) -> None:
    with odd_node(DevChain(blocks=60)) as front:
        front.whole = refuse(limit)
        assert [found and found[0] for found in headers(front, *range(40))] == list(range(40))


def test_some_items_refused_for_the_others_are_sent_again() -> None:
    """As geth ends a batch whose answers have become too large."""
    in_batch = 0

    def bend(request: Any, answer: Any) -> Any:
        nonlocal in_batch
        in_batch = 0 if len(front.asked) and front.asked[-front.sizes[-1]] is request else in_batch + 1
        return failure(-32003, "response too large") if in_batch >= 3 else answer

    with odd_node(DevChain(blocks=60), bend) as front:
        assert [found and found[0] for found in headers(front, *range(20))] == list(range(20))


def test_a_batch_grows_again_after_a_while() -> None:
    refusals = 0

    def whole(requests: list[Any]) -> Reply | None:
        nonlocal refusals
        if refusals or len(requests) < 2:
            return None
        refusals += 1
        return 429, {}, b"slow down"

    with odd_node(DevChain(blocks=400)) as front:
        front.whole = whole

        async def scenario() -> None:
            source = JsonRpcSource(front.url)
            for _ in range(4):
                await source.blocks(range(350))
            await source.close()

        run(scenario())
    assert front.sizes[0] == 50
    assert front.sizes[1] < 50
    assert max(front.sizes[2:]) == 50
