"""The service's calls without our SDK: plain httpx, so that a fault of one can't hide one of the other."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def transfer(*, nft: bool = False) -> dict[str, Any]:
    """ERC-20's Transfer, or ERC-721's, whose third parameter is indexed too."""
    third = {"name": "tokenId" if nft else "value", "type": "uint256", "indexed": nft}
    return {
        "type": "event",
        "name": "Transfer",
        "inputs": [
            {"name": "from", "type": "address", "indexed": True},
            {"name": "to", "type": "address", "indexed": True},
            third,
        ],
        "anonymous": False,
    }


def definition(**changes: Any) -> dict[str, Any]:
    """What a subscription to every Transfer of the development chain is created with."""
    return {
        "topic0": TRANSFER_TOPIC,
        "event_signature": transfer(),
        "addresses": [],
        "start_block": 0,
        "end_block": None,
        "chain_id": 31_337,
        "subscriber_id": "tests",
    } | changes


class RawClient:
    """A client of one service."""

    def __init__(self, url: str, *, key: str | None = None, timeout: float = 20) -> None:
        headers = {} if key is None else {"x-api-key": key}
        self.http = httpx.Client(base_url=url, timeout=timeout, headers=headers)

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, status: int = 200, **options: Any) -> Any:
        return self.call("GET", path, status, **options)

    def post(self, path: str, json: object = None, status: int = 200, **options: Any) -> Any:
        return self.call("POST", path, status, json=json, **options)

    def call(self, method: str, path: str, status: int, **options: Any) -> Any:
        response = self.http.request(method, path, **options)
        assert response.status_code == status, (method, path, response.status_code, response.text)
        return response.json() if response.content else None

    def subscribe(self, **changes: Any) -> int:
        created: int = self.post("/subscriptions", definition(**changes), 201)["id"]
        return created

    def subscription(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/subscriptions/{number}")
        return found

    @contextmanager
    def stream(self, number: int, token: str | None = None, **headers: str) -> Iterator["RawStream"]:
        """Open a stream, which has to be answered with 200."""
        params = {} if token is None else {"resume_token": token}
        path = f"/subscriptions/{number}/stream"
        with self.http.stream("GET", path, params=params, headers=headers) as response:
            if response.status_code != 200:
                response.read()
                raise AssertionError((response.status_code, response.text))
            yield RawStream(self, number, response)


class RawStream:
    """An open stream, a message at a time."""

    def __init__(self, client: RawClient, number: int, response: httpx.Response) -> None:
        self._client = client
        self._number = number
        self.response = response
        self.connection_id = response.headers["x-connection-id"]
        self._lines = self._read()

    def _read(self) -> Iterator[bytes]:
        rest = b""
        for chunk in self.response.iter_bytes():
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
        assert not rest, f"a line without its end: {rest[:80]!r}"

    def raw(self) -> Iterator[bytes]:
        return self._lines

    def messages(self) -> Iterator[dict[str, Any]]:
        for line in self._lines:
            yield json.loads(line)

    def next(self, kind: str) -> dict[str, Any]:
        """The next message, which has to be of this kind; heartbeats are passed over unless asked for."""
        for message in self.messages():
            if message["type"] == "heartbeat" and kind != "heartbeat":
                continue
            assert message["type"] == kind, message
            return message
        raise AssertionError(f"the stream ended before a {kind} came")

    def batches_to(self, block: int) -> list[dict[str, Any]]:
        """All batches up to the one that reaches a block."""
        batches = [self.next("event_batch")]
        while batches[-1]["last_block"] < block:
            batches.append(self.next("event_batch"))
        return batches

    def events_to(self, block: int) -> list[dict[str, Any]]:
        return events_of(self.batches_to(block))

    def batches_to_end(self) -> list[dict[str, Any]]:
        """All batches of a subscription with an end block, which has to come to its end."""
        batches = []
        for message in self.messages():
            if message["type"] == "end":
                return batches
            if message["type"] != "heartbeat":
                assert message["type"] == "event_batch", message
                batches.append(message)
        raise AssertionError("the stream ended without saying so")

    def acknowledge(self, *batches: dict[str, Any]) -> dict[str, Any]:
        """Acknowledge batches, one alone or many in bulk."""
        path = f"/subscriptions/{self._number}/stream/{self.connection_id}/ack/batch"
        ids = [batch["batch_id"] for batch in batches]
        body: dict[str, Any]
        if len(ids) == 1:
            body = self._client.post(path, {"batch_id": ids[0]})
        else:
            body = self._client.post(f"{path}/bulk", {"batch_ids": ids, "connection_id": self.connection_id})
        return body


def events_of(batches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of batches in their order."""
    return [event for batch in batches for events in batch["events"].values() for event in events]


def places(events: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Where events lie: block and log index."""
    return [(event["block_number"], event["log_index"]) for event in events]
