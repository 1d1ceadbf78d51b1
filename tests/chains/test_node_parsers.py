"""The parsers of a node's answers, against anything: they read, or say that they can't."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
import websockets.asyncio.server
from hypothesis import example, given
from hypothesis import strategies as st

from event_streamer_service.chains import JsonRpcSource, Log, LogFilter, UnreadableAnswer
from event_streamer_service.chains.config import hide_secrets
from event_streamer_service.chains.envelopes import decode, encode, in_order
from event_streamer_service.chains.logvalues import Asked, read_logs, read_whole_block
from event_streamer_service.chains.refusals import from_rpc_error, seconds_of
from event_streamer_service.chains.types import Block
from event_streamer_service.chains.values import data_of, quantity, read_header, seconds
from event_streamer_service.devchain import DevChain
from support.chains import run

pytestmark = pytest.mark.quick

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
HEX = st.integers(0, 2**64).map(hex)
HASH = st.integers(0, 2**256 - 1).map(lambda number: f"0x{number:064x}")
FIELD = ANYTHING | HEX | HASH
BLOCK = Block(7, "0x" + "ab" * 32, "0x" + "aa" * 32, 1_700_000_000)
LOG_FIELDS = ("address", "topics", "data", "blockNumber", "blockHash", "transactionHash", "logIndex",
              "transactionIndex", "blockTimestamp", "removed")  # fmt: skip
GOOD = {
    "address": "0x" + "12" * 20,
    "topics": ["0x" + "34" * 32],
    "data": "0x",
    "blockNumber": "0x7",
    "blockHash": BLOCK.hash,
    "transactionHash": "0x" + "56" * 32,
    "logIndex": "0x0",
    "transactionIndex": "0x0",
    "blockTimestamp": "0x655f0000",
    "removed": False,
}


@given(st.binary(max_size=200) | ANYTHING.map(lambda value: json.dumps(value).encode()))
@example(b'{"error": {"error": {"error": "x"}}}')
@example(b'{"result": {"error": []}, "id": []}')
@example(b'[{"id": 1e400}]')
@example(b"[[]]")
@example(b"\xff\xfe")
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        answers = decode(body)
    except UnreadableAnswer:
        return
    assert answers
    for count in (1, 3):
        assert len(in_order(answers, 1, count)) in {1, count}
    for answer in answers:
        if answer.error is not None:
            assert str(from_rpc_error(answer.error.code, answer.error.message, answer.error.data, blocks=9))


@given(st.lists(st.fixed_dictionaries({name: FIELD | st.just(GOOD[name]) for name in LOG_FIELDS}),
                max_size=4))  # fmt: skip
def test_any_logs_are_certain_unsure_or_refused(entries: list[dict[str, Any]]) -> None:
    asked = Asked(5, 9, LogFilter(None))
    try:
        reading = read_logs(json.dumps(entries).encode(), asked)
    except UnreadableAnswer:
        return
    for log in reading.logs:
        assert 5 <= log.block_number <= 9
        assert log.block_number not in reading.unsure
        assert len(log.data) % 2 == 0
        bytes.fromhex(log.data[2:])
        assert all(len(bytes.fromhex(topic[2:])) == 32 for topic in log.topics)
        assert log.block_timestamp is None or 0 < log.block_timestamp < 253_402_300_800
    places = [(log.block_number, log.log_index) for log in reading.logs]
    assert places == sorted(set(places))


@given(ANYTHING, st.booleans())
def test_any_receipts_are_read_or_refused(found: Any, receipts: bool) -> None:
    with contextlib.suppress(UnreadableAnswer):
        read_whole_block(json.dumps(found).encode(), BLOCK, receipts=receipts)


@given(
    st.dictionaries(st.sampled_from(["number", "hash", "parentHash", "timestamp", "logsBloom"]), FIELD)
    | ANYTHING
)
def test_any_header_is_read_or_refused(found: Any) -> None:
    try:
        header = read_header(json.dumps(found).encode())
    except UnreadableAnswer:
        return
    if header is not None:
        assert header.block.number >= 0
        assert 0 <= header.block.timestamp < 253_402_300_800
        assert header.bloom is None or header.bloom >= 0


@given(st.integers(0, 2**256))
def test_a_number_is_the_same_in_every_form(number: int) -> None:
    assert quantity(hex(number)) == quantity(number) == quantity(str(number)) == number
    assert quantity(hex(number).upper()) == number


@given(st.integers(1_230_768_000, 4_102_444_799), st.sampled_from([1, 10**3, 10**6, 10**9]))
def test_a_time_is_the_same_in_every_unit(time: int, unit: int) -> None:
    assert seconds(hex(time * unit)) == time


@given(st.binary(max_size=70))
def test_data_is_whole_bytes(data: bytes) -> None:
    assert data_of("0x" + data.hex()) == "0x" + data.hex()
    assert data_of(data.hex().upper()) == "0x" + data.hex().upper()


@given(st.text(alphabet="abcdef0123456789", min_size=6, max_size=40), st.text(max_size=50))
def test_no_key_of_a_url_is_told(key: str, words: str) -> None:
    for url in (
        f"https://node.example/v2/{key}",
        f"wss://u:{key}@node.example/",
        f"https://n.example/?k={key}",
    ):
        assert key not in hide_secrets(f"{words} {key} {url}", url) or key in words.replace(key, "")


@pytest.mark.parametrize(
    ("header", "wait"),
    [("3", 3), (" 1.5 ", 1.5), ("0", 0), ("-1", None), ("soon", None), ("", None), (None, None),
     ("Wed, 21 Oct 2015 07:28:00 GMT", None), ("99999999", 3600), ("nan", None)],
)  # fmt: skip
def test_retry_after_in_every_form(header: str | None, wait: float | None) -> None:
    assert seconds_of(header) == wait


def test_the_usual_form_and_the_long_way_read_the_same() -> None:
    chain = DevChain(blocks=20)
    logs = run(chain.logs(5, 9, LogFilter(None)))
    entries = [as_json(log) for log in logs]
    asked = Asked(5, 9, LogFilter(None))
    usual = read_logs(json.dumps(entries).encode(), asked)
    long_way = read_logs(
        json.dumps([{**entry, "logIndex": int(entry["logIndex"], 16)} for entry in entries]), asked
    )
    assert usual.logs == long_way.logs == logs


def as_json(log: Log) -> dict[str, Any]:
    return GOOD | {
        "address": log.address,
        "topics": log.topics,
        "data": log.data,
        "blockNumber": hex(log.block_number),
        "blockHash": log.block_hash,
        "transactionHash": log.transaction_hash,
        "transactionIndex": hex(log.log_index),
        "logIndex": hex(log.log_index),
        "blockTimestamp": hex(log.block_timestamp or 0),
    }


def test_requests_are_encoded_alone_or_as_a_batch() -> None:
    assert json.loads(encode([("a", [])], 3)) == {"jsonrpc": "2.0", "id": 3, "method": "a", "params": []}
    assert [one["id"] for one in json.loads(encode([("a", []), ("b", [1])], 3))] == [3, 4]


# --- over a WebSocket --------------------------------------------------------------------------------


def over_websocket(answer: Callable[[Any], Any], ask: Callable[[JsonRpcSource], Any]) -> Any:
    """Ask a node over a WebSocket; it hangs up where `answer` returns nothing."""

    async def handler(socket: Any) -> None:
        async for text in socket:
            answers = answer(json.loads(text))
            if answers is None:
                return
            for one in answers if isinstance(answers, tuple) else (answers,):
                await socket.send(json.dumps(one))

    async def scenario() -> Any:
        async with await websockets.asyncio.server.serve(handler, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            source = JsonRpcSource(f"ws://127.0.0.1:{port}/key", timeout=2)
            try:
                return await asyncio.wait_for(ask(source), 10)
            finally:
                await source.close()

    return run(scenario())


def header_of(request: Any) -> dict[str, Any]:
    number = request["params"][0] if request["params"][0] != "latest" else "0x9"
    return {
        "id": request["id"],
        "result": {"number": number, "hash": "0x1", "parentHash": "0x0", "timestamp": "0x5"},
    }


@pytest.mark.parametrize("limit", [1, 7])
@pytest.mark.parametrize(
    "refuse",
    [lambda _: None, lambda _: {"id": None, "error": {"code": -32600, "message": "no"}},
     lambda batch: [{"id": batch[0]["id"], "error": {"code": -32600, "message": "batch too large"}}]],
    ids=["hangs up", "alone", "first only"],
)  # fmt: skip
def test_a_batch_refused_over_a_websocket_is_sent_smaller(refuse: Callable[[Any], Any], limit: int) -> None:
    def answer(request: Any) -> Any:
        if not isinstance(request, list):
            return header_of(request)
        return [header_of(one) for one in request] if len(request) <= limit else refuse(request)

    found = over_websocket(answer, lambda source: source.blocks(range(30)))
    assert [block.number for block in found] == list(range(30))


def test_ids_and_subscriptions_of_other_types_are_read() -> None:
    def answer(request: Any) -> Any:
        if request["method"] == "eth_subscribe":
            heads = [
                {"number": number, "hash": f"0x{number}", "parentHash": "0x0", "timestamp": 5}
                for number in (3, 4)
            ]
            params = [
                {"subscription": 77, "result": head} for head in [*heads, {"hash": None, "number": None}]
            ]
            return (
                {"id": str(request["id"]), "result": 77},
                *({"method": "eth_subscription", "params": one} for one in params),
            )
        return (
            {**header_of(request), "id": str(request["id"])}
            if request["params"][:1]
            else {"id": 1, "result": True}
        )

    async def heads(source: JsonRpcSource) -> list[int]:
        numbers = []
        async for head in source.new_heads():
            numbers.append(head.number)
            if len(numbers) == 4:
                break
        return numbers

    assert over_websocket(answer, heads) == [9, 3, 4, 9], "what can't be read is asked for"
