"""The development chain's JSON-RPC: the protocol, filters, subscriptions, and what it refuses."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from eth_utils.crypto import keccak
from hypothesis import assume, given
from hypothesis import strategies as st
from websockets.sync.client import ClientConnection, connect

from event_streamer_service.devchain import DevChain
from event_streamer_service.devchain.logs import APPROVAL, POOL, TOKEN, TRANSFER
from event_streamer_service.devchain.server import DevChainServer
from support.abi_strategies import json_values

pytestmark = pytest.mark.quick

EMITTER = "0x" + "ab" * 20
TOPIC = "0x" + "01" * 32


class Node:
    """A development chain with a few blocks, and the bare protocol to talk to it."""

    def __init__(self, server: DevChainServer) -> None:
        self.chain = server.chain
        self.url, self.websocket_url = server.url, server.websocket_url
        self._client = httpx.Client(trust_env=False)

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def post(self, body: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._client.post(self.url, content=content)

    def ask(self, method: str, *params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.post(request(method, *params)).json()
        assert answer["id"] == 1
        return answer

    def call(self, method: str, *params: Any) -> Any:
        answer = self.ask(method, *params)
        assert "error" not in answer, answer
        return answer["result"]

    def refused(self, method: str, *params: Any) -> tuple[int, str]:
        error = self.ask(method, *params)["error"]
        return error["code"], error["message"]


def request(method: str, *params: Any, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)} | more


def notification(method: str, *params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": list(params)}


@pytest.fixture
def node() -> Iterator[Node]:
    with DevChainServer(DevChain(blocks=20)) as server, Node(server) as node:
        yield node


@pytest.fixture
def socket(node: Node) -> Iterator[ClientConnection]:
    with connect(node.websocket_url) as connection:
        yield connection


def say(socket: ClientConnection, message: Any, *, binary: bool = False) -> Any:
    text = json.dumps(message)
    socket.send(text.encode() if binary else text)
    return hear(socket)


def hear(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(timeout=5))


# -- the protocol ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binary", [False, True])
def test_a_frame_may_be_text_or_bytes(socket: ClientConnection, binary: bool) -> None:
    """web3.py's provider sends bytes; they ended the connection."""
    for _ in range(2):
        assert say(socket, request("eth_blockNumber"), binary=binary)["result"] == "0x13"
    socket.send(b"\xff\x00")
    assert hear(socket)["error"]["code"] == -32700


def test_a_notification_is_obeyed_and_not_answered(node: Node, socket: ClientConnection) -> None:
    answer = node.post(notification("evm_mine"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert node.post([notification("evm_mine"), notification("nobody_knowsThis")]).content == b""
    assert node.call("eth_blockNumber") == "0x15"
    for message in (notification("evm_mine"), notification("eth_call"), [notification("evm_mine")]):
        socket.send(json.dumps(message))
    assert say(socket, request("eth_blockNumber"))["result"] == "0x17", "the first answer is to the request"


def test_a_batch_is_answered_as_json_rpc_2_says(node: Node, socket: ClientConnection) -> None:
    batch = [
        request("eth_chainId", id="a"),
        notification("evm_mine"),
        request("nobody_knowsThis", id=2.5),
        request("eth_blockNumber", id=None),
        1,
        {"jsonrpc": "2.0", "id": 3},
    ]
    for answers in (node.post(batch).json(), say(socket, batch)):
        assert [(each["id"], each.get("result"), each.get("error", {}).get("code")) for each in answers] == [
            ("a", "0x7a69", None),
            (2.5, None, -32601),
            (None, answers[2]["result"], None),
            (None, None, -32600),
            (3, None, -32600),
        ]
    assert node.post([]).json()["error"]["code"] == -32600


@pytest.mark.parametrize(
    ("body", "code", "identity"),
    [
        (b"{", -32700, None),
        (b"", -32700, None),
        (b"[" * 100_000, -32700, None),
        (b"1", -32600, None),
        (b"null", -32600, None),
        ({"id": 7, "method": "eth_chainId"}, -32600, 7),
        ({"jsonrpc": "2.0", "id": 7, "method": 1}, -32600, 7),
        ({"jsonrpc": "2.0", "id": {}, "method": "eth_chainId"}, -32600, None),
        ({"jsonrpc": "2.0", "id": 7, "method": "eth_chainId", "params": {"a": 1}}, -32602, 7),
        ({"jsonrpc": "2.0", "id": 7, "method": "eth_chainId", "params": [1]}, -32602, 7),
        ({"jsonrpc": "2.0", "id": 7, "method": "eth_getBlockByNumber", "params": []}, -32602, 7),
    ],
)
def test_what_is_no_request_is_told_so(node: Node, body: Any, code: int, identity: Any) -> None:
    answer = node.post(body).json()
    assert answer["jsonrpc"] == "2.0"
    assert (answer["error"]["code"], answer["id"]) == (code, identity)


def test_params_may_be_missing(node: Node) -> None:
    for params in ({}, {"params": None}, {"params": []}):
        answer = node.post({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"} | params).json()
        assert answer["result"] == "0x7a69"


@given(data=st.data())
def test_arbitrary_params_get_an_answer(data: st.DataObject, shared_node: Node) -> None:
    method = data.draw(
        st.sampled_from(
            [
                "eth_getLogs", "eth_newFilter", "eth_getBlockByNumber", "eth_getBlockByHash", "web3_sha3",
                "eth_getTransactionReceipt", "eth_getFilterChanges", "eth_uninstallFilter",
                "eth_getFilterLogs", "eth_getBlockReceipts", "eth_getTransactionByBlockNumberAndIndex",
                "anvil_reorg",
            ]
        )
    )  # fmt: skip
    odd = json_values | st.sampled_from(
        ["0x", "0x1", "latest", TOPIC, {"topics": [[]]}, {"fromBlock": "0x0"}]
    )
    params = data.draw(st.lists(odd, max_size=3))
    assume("Infinity" not in json.dumps(params))  # which is not JSON
    answer = shared_node.ask(method, *params)
    assert ("result" in answer) != ("error" in answer)
    if "error" in answer:
        assert answer["error"]["code"] in (-32602, -32000), answer


@pytest.fixture(scope="module")
def shared_node() -> Iterator[Node]:
    with DevChainServer(DevChain(blocks=20)) as server, Node(server) as node:
        yield node


# -- what it refuses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("eth_getBalance", "it has no accounts, balances or keys"),
        ("eth_getTransactionCount", "it has no accounts"),
        ("eth_sendRawTransaction", "it takes no transactions"),
        ("eth_call", "it runs no code"),
        ("eth_getCode", "it runs no code"),
        ("debug_traceTransaction", "it runs no code"),
        ("eth_estimateGas", "it has no gas and no fees"),
        ("eth_feeHistory", "it has no gas and no fees"),
        ("txpool_content", "it takes no transactions"),
    ],
)
def test_what_it_is_not_is_refused_by_name(node: Node, method: str, words: str) -> None:
    code, message = node.refused(method, EMITTER, "latest")
    assert code == -32004
    assert message.startswith(f"{method} is not supported by the development chain: {words}")
    assert "anvil" in message


def test_an_unknown_method_and_one_that_needs_a_websocket(node: Node) -> None:
    assert node.refused("eth_nonsense") == (
        -32601,
        "the method eth_nonsense does not exist/is not available",
    )
    assert node.refused("eth_subscribe", "newHeads") == (
        -32601,
        "subscriptions need a WebSocket: connect to ws:// instead of http://",
    )


# -- blocks, transactions, receipts ------------------------------------------------------------------------


def test_blocks_transactions_and_receipts_agree(node: Node) -> None:
    node.chain.emit(EMITTER, [TOPIC])
    node.chain.emit(EMITTER, [TOPIC], mine=True)
    for number in ("0x5", "latest"):
        block = node.call("eth_getBlockByNumber", number, False)
        full = node.call("eth_getBlockByHash", block["hash"], True)
        receipts = node.call("eth_getBlockReceipts", number)
        logs = node.call("eth_getLogs", {"blockHash": block["hash"]})
        assert receipts == node.call("eth_getBlockReceipts", block["hash"])
        assert [log for receipt in receipts for log in receipt["logs"]] == logs
        assert [receipt["transactionHash"] for receipt in receipts] == block["transactions"]
        assert [each["hash"] for each in full["transactions"]] == block["transactions"]
        count = hex(len(receipts))
        assert node.call("eth_getBlockTransactionCountByNumber", number) == count
        assert node.call("eth_getBlockTransactionCountByHash", block["hash"]) == count
        for index, (receipt, transaction) in enumerate(zip(receipts, full["transactions"], strict=True)):
            at = hex(index)
            assert receipt["transactionIndex"] == transaction["transactionIndex"] == at
            assert {log["transactionIndex"] for log in receipt["logs"]} == {at}
            assert node.call("eth_getTransactionReceipt", receipt["transactionHash"]) == receipt
            assert node.call("eth_getTransactionByHash", transaction["hash"]) == transaction
            for asked in (
                node.call("eth_getTransactionByBlockNumberAndIndex", number, at),
                node.call("eth_getTransactionByBlockHashAndIndex", block["hash"], at),
            ):
                assert asked == transaction
    assert len(receipts) == 8, "a generated block has six transactions, and each log of one's own is one more"


def test_what_is_not_there_is_null(node: Node) -> None:
    gone = node.call("eth_getBlockReceipts", "latest")[0]["transactionHash"]
    node.chain.reorg(1)
    nothing = "0x" + "00" * 32
    for method, *params in (
        ("eth_getTransactionReceipt", gone),
        ("eth_getTransactionByHash", gone),
        ("eth_getTransactionReceipt", nothing),
        ("eth_getTransactionReceipt", "0x" + "ff" * 32),
        ("eth_getBlockByHash", nothing),
        ("eth_getBlockByNumber", "0x1000"),
        ("eth_getBlockReceipts", "0x1000"),
        ("eth_getTransactionByBlockNumberAndIndex", "0x1", "0x99"),
    ):
        assert node.call(method, *params) is None


def test_a_bloom_holds_its_logs_and_is_no_full_one(node: Node) -> None:
    for number in range(20):
        bloom = int(node.call("eth_getBlockByNumber", hex(number))["logsBloom"], 16)
        logs = node.call("eth_getLogs", {"fromBlock": hex(number), "toBlock": hex(number)})
        bits = {
            int.from_bytes(keccak(hexstr=value)[at : at + 2], "big") % 2048
            for log in logs
            for value in (log["address"], *log["topics"])
            for at in (0, 2, 4)
        }
        assert bloom == sum(1 << bit for bit in bits)


# -- logs and filters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        ({}, lambda log: True),
        ({"address": TOKEN.address.upper().replace("X", "x")}, lambda log: log["address"] == TOKEN.address),
        (
            {"address": [TOKEN.address, POOL.address]},
            lambda log: log["address"] in (TOKEN.address, POOL.address),
        ),
        ({"topics": [TRANSFER]}, lambda log: log["topics"][0] == TRANSFER),
        ({"topics": [[TRANSFER, APPROVAL]]}, lambda log: log["topics"][0] in (TRANSFER, APPROVAL)),
        ({"topics": [None, None, None, None]}, lambda log: len(log["topics"]) == 4),
        ({"topics": [[], None, []]}, lambda log: len(log["topics"]) >= 3),
        ({"topics": None, "address": None}, lambda log: True),
    ],
)
def test_logs_are_selected(node: Node, wanted: dict[str, Any], matches: Any) -> None:
    everything = node.call("eth_getLogs", {"fromBlock": "earliest", "toBlock": "latest"})
    found = node.call("eth_getLogs", wanted | {"fromBlock": "earliest", "toBlock": "latest"})
    assert found == [log for log in everything if matches(log)]
    assert found


def test_a_sender_is_selected_by_the_second_topic(node: Node) -> None:
    everything = node.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x13"})
    sender = everything[0]["topics"][1]
    found = node.call(
        "eth_getLogs",
        {"fromBlock": "0x0", "toBlock": "0x13", "topics": [None, sender.upper().replace("X", "x")]},
    )
    assert found == [log for log in everything if log["topics"][1] == sender]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (None, "must be an object"),
        ({"address": "0x12"}, "address must be 20 bytes as 0x-hex, not '0x12'"),
        ({"address": {}}, None),
        ({"topics": [[None, "0x12"], 5]}, r"topics[1] must be 0x-hex"),
        ({"topics": ["0x12"]}, "topics[0] must be 32 bytes"),
        ({"topics": [None] * 5}, "a list of 4 at most"),
        ({"fromBlock": "12"}, "a block must be a number as 0x-hex, not '12'"),
        ({"fromBlock": 12}, "a block must be a number as 0x-hex, not 12"),
        ({"fromBlock": "0x5", "toBlock": "0x4"}, "invalid block range params"),
        ({"blockHash": TOPIC, "fromBlock": "0x1"}, "blockHash stands alone"),
        ({"blockHash": "latest"}, "blockHash must be 32 bytes"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(node: Node, wanted: Any, words: str | None) -> None:
    if words is None:
        assert "result" in node.ask("eth_getLogs", wanted)
        return
    code, message = node.refused("eth_getLogs", wanted)
    assert code == -32602
    assert words in message


def test_a_filter_of_logs_tells_what_is_new(node: Node) -> None:
    made = node.call("eth_newFilter", {"address": EMITTER, "topics": [TOPIC]})
    assert node.call("eth_getFilterChanges", made) == []
    node.chain.emit(EMITTER, [TOPIC], "0x01")
    node.chain.emit(EMITTER, ["0x" + "02" * 32])
    node.chain.emit("0x" + "cd" * 20, [TOPIC], mine=True)
    node.chain.mine(2)
    node.chain.emit(EMITTER, [TOPIC], "0x02", mine=True)
    news = node.call("eth_getFilterChanges", made)
    assert [(log["data"], log["removed"]) for log in news] == [("0x01", False), ("0x02", False)]
    assert node.call("eth_getFilterChanges", made) == []
    node.chain.reorg(2)
    node.chain.emit(EMITTER, [TOPIC], "0x03", mine=True)
    news = node.call("eth_getFilterChanges", made)
    assert [(log["data"], log["removed"]) for log in news] == [("0x02", True), ("0x03", False)]
    assert node.call("eth_uninstallFilter", made) is True
    assert node.call("eth_uninstallFilter", made) is False
    assert node.refused("eth_getFilterChanges", made) == (-32000, "filter not found")
    assert node.refused("eth_getFilterLogs", made) == (-32000, "filter not found")


def test_a_filter_of_logs_has_all_logs_too(node: Node) -> None:
    wanted = {"address": TOKEN.address, "fromBlock": "0x2", "toBlock": "0x15"}
    made = node.call("eth_newFilter", wanted)
    assert node.call("eth_getFilterLogs", made) == node.call("eth_getLogs", wanted)
    node.chain.mine(5)
    news = node.call("eth_getFilterChanges", made)
    assert {log["blockNumber"] for log in news} == {"0x14", "0x15"}, "not behind toBlock"


@pytest.mark.parametrize("end", [{}, {"toBlock": "latest"}, {"fromBlock": "latest", "toBlock": "pending"}])
def test_latest_is_no_end_of_a_filter(node: Node, end: dict[str, str]) -> None:
    """web3.py asks so: the block that was the newest when the filter was made is long past."""
    made = node.call("eth_newFilter", {"address": EMITTER} | end)
    node.chain.emit(EMITTER, [TOPIC], mine=True)
    assert len(node.call("eth_getFilterChanges", made)) == 1
    assert len(node.call("eth_getFilterLogs", made)) == 1


def test_a_filter_of_blocks_tells_their_hashes(node: Node) -> None:
    made = node.call("eth_newBlockFilter")
    assert node.call("eth_getFilterChanges", made) == []
    mined = node.chain.mine(3)
    assert node.call("eth_getFilterChanges", made) == [block.hash for block in mined]
    node.chain.reorg(2, blocks=4)
    hashes = node.call("eth_getFilterChanges", made)
    assert hashes == [node.call("eth_getBlockByNumber", hex(number))["hash"] for number in range(21, 25)]
    code, message = node.refused("eth_getFilterLogs", made)
    assert (code, message) == (-32000, f"the filter {made} is one of blocks, which has no logs")


def test_filters_that_nobody_asks_are_gone(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    old = node.call("eth_newBlockFilter")
    monkeypatch.setattr("event_streamer_service.devchain.news._KEPT_SECONDS", -1.0)
    new = node.call("eth_newBlockFilter")
    assert node.refused("eth_getFilterChanges", old) == (-32000, "filter not found")
    assert node.call("eth_getFilterChanges", new) == []


def test_a_reorg_deeper_than_what_is_remembered(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("event_streamer_service.devchain.news._REMEMBERED", 3)
    made = node.call("eth_newBlockFilter")
    node.chain.reorg(10)
    hashes = node.call("eth_getFilterChanges", made)
    assert hashes == [node.call("eth_getBlockByNumber", hex(number))["hash"] for number in (17, 18, 19)]


# -- subscriptions -----------------------------------------------------------------------------------------


def test_new_heads_come_one_by_one_with_all_their_fields(node: Node, socket: ClientConnection) -> None:
    subscription = say(socket, request("eth_subscribe", "newHeads"))["result"]
    mined = node.chain.mine(3)
    for block in mined:
        announced = hear(socket)["params"]
        assert announced["subscription"] == subscription
        whole = node.call("eth_getBlockByHash", block.hash)
        assert announced["result"] == {
            key: value
            for key, value in whole.items()
            if key not in ("transactions", "uncles", "size", "totalDifficulty")
        }
    node.chain.reorg(2)
    assert [hear(socket)["params"]["result"]["number"] for _ in range(2)] == ["0x15", "0x16"]


def test_logs_are_announced_by_filter_and_taken_back(node: Node, socket: ClientConnection) -> None:
    subscription = say(
        socket, request("eth_subscribe", "logs", {"address": [EMITTER], "topics": [[TOPIC]]}), binary=True
    )["result"]
    node.chain.emit("0x" + "cd" * 20, [TOPIC], mine=True)
    node.chain.emit(EMITTER, [TOPIC], "0x05", mine=True)
    first = hear(socket)["params"]
    assert first["subscription"] == subscription
    assert (first["result"]["data"], first["result"]["removed"]) == ("0x05", False)
    node.chain.reorg(1)
    assert hear(socket)["params"]["result"] == first["result"] | {"removed": True}


def test_what_is_not_subscribed_to_any_more_is_not_announced(node: Node, socket: ClientConnection) -> None:
    subscription = say(socket, request("eth_subscribe", "newHeads"))["result"]
    assert say(socket, request("eth_unsubscribe", subscription))["result"] is True
    assert say(socket, request("eth_unsubscribe", subscription))["result"] is False
    node.chain.mine()
    assert say(socket, request("eth_chainId"))["result"] == "0x7a69"


def test_a_batch_may_subscribe(node: Node, socket: ClientConnection) -> None:
    answers = say(socket, [request("eth_subscribe", "newHeads"), request("eth_subscribe", "logs", id=2)])
    assert len({each["result"] for each in answers}) == 2
    node.chain.emit(EMITTER, [TOPIC], mine=True)
    heard = [hear(socket)["params"]["subscription"] for _ in range(10)]
    assert set(heard) == {each["result"] for each in answers}


@pytest.mark.parametrize("kind", ["newPendingTransactions", "syncing", 5])
def test_other_subscriptions_are_refused_by_name(socket: ClientConnection, kind: Any) -> None:
    error = say(socket, request("eth_subscribe", kind))["error"]
    assert error["code"] == -32602
    assert f"not {str(kind)!r}" in error["message"]
