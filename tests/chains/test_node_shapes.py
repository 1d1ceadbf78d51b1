"""One odd field stops nothing: logs, headers and envelopes in the forms that nodes were seen to give."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from event_streamer_service.chains import ChainError, ChainUnavailable, JsonRpcSource, UnreadableAnswer
from event_streamer_service.devchain import DevChain
from support.chains import run
from support.odd_nodes import (
    KEY,
    TOKENS,
    Bend,
    Front,
    headers,
    is_logs,
    odd_node,
    of_block,
    of_range,
    places,
    truth,
)

pytestmark = pytest.mark.quick


# --- one odd field ------------------------------------------------------------------------------------------


def each_log(change: Callable[[dict[str, Any]], object], *, logs_only: bool = True) -> Bend:
    """Change every log that `eth_getLogs` answers, and those of receipts unless `logs_only`."""

    def bend(request: Any, answer: Any) -> Any:
        if is_logs(request):
            for log in answer["result"]:
                change(log)
        if request["method"] == "eth_getBlockReceipts" and not logs_only:
            for receipt in answer["result"]:
                for log in receipt["logs"]:
                    change(log)
        return answer

    return bend


def numbers(log: dict[str, Any]) -> None:
    for name in ("blockNumber", "logIndex", "transactionIndex", "blockTimestamp"):
        if log.get(name) is not None:
            log[name] = int(log[name], 16)


def decimal_text(log: dict[str, Any]) -> None:
    numbers(log)
    for name in ("blockNumber", "logIndex", "transactionIndex", "blockTimestamp"):
        log[name] = str(log[name])


def upper(log: dict[str, Any]) -> None:
    for name in ("address", "blockHash", "transactionHash"):
        log[name] = "0x" + log[name][2:].upper()
    log["topics"] = ["0x" + topic[2:].upper() for topic in log["topics"]]


def without(*names: str) -> Callable[[dict[str, Any]], None]:
    def change(log: dict[str, Any]) -> None:
        for name in names:
            log[name] = None

    return change


@pytest.mark.parametrize(
    "change",
    [
        numbers,
        decimal_text,
        upper,
        without("blockTimestamp"),
        without("transactionIndex"),
        without("blockHash"),
        without("transactionHash"),
        without("logIndex"),
        without("topics"),
        lambda log: log.pop("removed", None),
        lambda log: log.pop("transactionHash"),
        lambda log: log["topics"].append(None),
        lambda log: log.update(data=log["data"] + "0"),
        lambda log: log.update(blockTimestamp="0x0"),
        lambda log: log.update(blockTimestamp=hex(int(log["blockTimestamp"], 16) * 1000)),
        lambda log: log.update(logIndex=float(int(log["logIndex"], 16))),
        lambda log: log.update(extra={"type": "mined"}),
    ],
    ids=["numbers", "decimal text", "upper case", "no time", "no transaction index", "no block hash",
         "transaction null", "no log index", "topics null", "no removed", "no transaction", "null topic",
         "half a byte", "time 0", "milliseconds", "float", "more fields"],
)  # fmt: skip
@pytest.mark.parametrize("ask", [of_block, lambda front, n: of_range(front, n, n)], ids=["block", "range"])
def test_an_odd_field_stops_nothing(change: Callable[[Any], object], ask: Any) -> None:
    chain = DevChain(blocks=9)
    with odd_node(chain, each_log(change)) as front:
        logs = ask(front, 3)
    assert places(logs) == truth(chain, 3, 3) != []
    wanted = run(chain.logs(3, 3, TOKENS))
    assert [log.topics for log in logs] == [log.topics for log in wanted]
    assert [log.transaction_hash for log in logs] == [log.transaction_hash for log in wanted]
    assert {log.block_timestamp for log in logs} <= {wanted[0].block_timestamp, None}


def test_pending_and_removed_logs_among_others_are_left_out() -> None:
    def bend(request: Any, answer: Any) -> Any:
        if is_logs(request):
            pending = {**answer["result"][0], "blockNumber": None, "blockHash": None, "logIndex": None}
            answer["result"] = [pending, *answer["result"], {**answer["result"][0], "removed": True}]
        return answer

    chain = DevChain(blocks=9)
    with odd_node(chain, bend) as front:
        assert places(of_range(front, 3, 5)) == truth(chain, 3, 5)


def test_a_log_given_twice_is_one_event() -> None:
    def bend(request: Any, answer: Any) -> Any:
        if is_logs(request):
            answer["result"] = answer["result"] * 2
        return answer

    chain = DevChain(blocks=9)
    with odd_node(chain, bend) as front:
        assert places(of_range(front, 3, 5)) == truth(chain, 3, 5)


@pytest.mark.parametrize("order", [reversed, lambda logs: sorted(logs, key=lambda log: log["data"])])
def test_logs_in_any_order_come_in_order(order: Callable[[Any], Any]) -> None:
    def bend(request: Any, answer: Any) -> Any:
        return {**answer, "result": list(order(answer["result"]))} if is_logs(request) else answer

    chain = DevChain(blocks=9)
    with odd_node(chain, bend) as front:
        assert places(of_range(front, 1, 5)) == truth(chain, 1, 5)


def test_null_for_no_logs_is_no_logs() -> None:
    def bend(request: Any, answer: Any) -> Any:
        return {**answer, "result": answer["result"] or None} if is_logs(request) else answer

    with odd_node(DevChain(blocks=9, logs_per_block=0), bend) as front:
        assert of_range(front, 3, 5) == []
        assert of_block(front, 3) == []


@pytest.mark.parametrize("data", ["", None, "0x0", "0x", "0X"])
def test_empty_data_in_any_form_is_empty(data: str | None) -> None:
    with odd_node(DevChain(blocks=9), each_log(lambda log: log.update(data=data))) as front:
        assert {log.data for log in of_block(front, 3)} == {"0x"}


def test_what_can_be_read_in_no_way_is_told_with_its_name() -> None:
    with odd_node(
        DevChain(blocks=9), each_log(without("transactionHash", "address"), logs_only=False)
    ) as front:
        with pytest.raises(ChainError, match="block 3") as told:
            of_block(front, 3)
        assert KEY not in str(told.value)
        assert "127.0.0.1" in str(told.value)


# --- headers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "read"),
    [
        (1_700_000_000, 1_700_000_000),
        ("1700000000", 1_700_000_000),
        (hex(1_700_000_000), 1_700_000_000),
        (hex(1_700_000_000_123), 1_700_000_000),
        (1_700_000_000_123_456, 1_700_000_000),
        (hex(1_700_000_000_123_456_789), 1_700_000_000),
        ("0x0", 0),
        (None, 0),
        (hex(253_402_300_799), 253_402_300_799),
        (hex(253_402_300_800), 0),
        (hex(2**256 - 1), 0),
        (-5, 0),
        ("soon", 0),
    ],
)
def test_a_blocks_time_in_any_unit(time: Any, read: int) -> None:
    def bend(request: Any, answer: Any) -> Any:
        answer["result"]["timestamp"] = time
        return answer

    with odd_node(DevChain(blocks=5), bend) as front:
        assert headers(front, 3) == [(3, read)]


def test_numbers_for_hex_in_headers_and_in_the_chains_id() -> None:
    def bend(request: Any, answer: Any) -> Any:
        if request["method"] == "eth_chainId":
            return {**answer, "result": int(answer["result"], 16)}
        answer["result"]["number"] = int(answer["result"]["number"], 16)
        return answer

    async def chain_id(front: Front) -> int:
        source = JsonRpcSource(front.url)
        try:
            return await source.chain_id()
        finally:
            await source.close()

    with odd_node(DevChain(blocks=5), bend) as front:
        assert headers(front, 3) == [(3, headers(front, 3)[0][1])]  # type: ignore[index]
        assert run(chain_id(front)) == 31_337


def test_a_pending_block_for_the_newest_one_is_not_taken() -> None:
    def bend(request: Any, answer: Any) -> Any:
        if request["params"][:1] == ["latest"]:
            answer["result"] |= {"hash": None, "number": None}
        return answer

    async def head(front: Front) -> int:
        source = JsonRpcSource(front.url)
        try:
            return (await source.head()).number
        finally:
            await source.close()

    with odd_node(DevChain(blocks=5), bend) as front:
        assert run(head(front)) == 4


def test_another_blocks_header_is_refused() -> None:
    def bend(request: Any, answer: Any) -> Any:
        answer["result"]["number"] = "0x2"
        return answer

    with odd_node(DevChain(blocks=5), bend) as front, pytest.raises(UnreadableAnswer, match="block 2"):
        headers(front, 3)


# --- envelopes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: {**answer, "id": str(answer["id"])},
        lambda answer: {**answer, "id": float(answer["id"])},
        lambda answer: {key: value for key, value in answer.items() if key != "jsonrpc"},
        lambda answer: {**answer, "error": None},
        lambda answer: {**answer, "error": ""},
        lambda answer: {key: value for key, value in answer.items() if key != "id"},
        lambda answer: {**answer, "id": None},
        lambda answer: {**answer, "id": 1},
    ],
    ids=["text id", "float id", "no version", "error null", "error empty", "no id", "id null", "id 1"],
)
def test_an_odd_envelope_is_read(change: Callable[[Any], Any]) -> None:
    chain = DevChain(blocks=9)
    with odd_node(chain, lambda _, answer: change(answer)) as front:
        assert places(of_range(front, 1, 5)) == truth(chain, 1, 5)


@pytest.mark.parametrize(
    "error",
    [
        {"error": "out of coffee"},
        {"error": {"message": "out of coffee"}},
        {"error": {"code": "-32000", "message": "out of coffee"}},
        {"error": {"code": -32000, "message": {"reason": "out of coffee"}}},
        {"error": {"code": None, "detail": "out of coffee"}},
        {"error": ["out of coffee"]},
        {"error": {"error": {"code": 3, "message": "out of coffee"}}},
        {"errors": [{"message": "out of coffee"}], "error": None},
        {"result": {"error": {"code": -32000, "message": "out of coffee"}}},
        {"result": {"error": "out of coffee"}},
        {"message": "out of coffee"},
        {"code": 503, "message": "out of coffee"},
        {"error": True, "message": "out of coffee"},
    ],
)
@pytest.mark.parametrize("status", [200, 400, 503])
def test_an_error_of_any_shape_keeps_its_words(error: dict[str, Any], status: int) -> None:
    with odd_node(DevChain(blocks=5)) as front:
        front.whole = lambda _: (status, {}, json.dumps({"jsonrpc": "2.0", "id": 1, **error}).encode())
        with pytest.raises(ChainError, match="out of coffee") as told:
            headers(front, 3)
    assert str(told.value).startswith("http://127.0.0.1:")
    assert KEY not in str(told.value)


@pytest.mark.parametrize(
    "body",
    [b"<html><title>502</title><body><h1>out of coffee</h1></body>", b"out of coffee", b'"out of coffee"'],
)
@pytest.mark.parametrize("status", [200, 502])
def test_text_and_html_keep_their_words(body: bytes, status: int) -> None:
    with odd_node(DevChain(blocks=5)) as front:
        front.whole = lambda _: (status, {}, body)
        with pytest.raises(ChainUnavailable, match="out of coffee") as told:
            headers(front, 3)
    assert "<" not in str(told.value)


def test_a_nodes_words_hold_no_secret_of_the_url() -> None:
    with odd_node(DevChain(blocks=5)) as front:
        words = f"bad key {KEY} at {front.url}/x?token=hunter2, see https://docs.example/errors?user=7"
        front.whole = lambda _: (
            200,
            {},
            json.dumps({"id": 1, "error": {"code": 1, "message": words}}).encode(),
        )
        with pytest.raises(ChainError) as told:
            headers(front, 3)
    assert KEY not in str(told.value)
    assert "hunter2" not in str(told.value)
    assert "user=7" not in str(told.value)
