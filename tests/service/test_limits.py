"""What one subscriber may make the service keep."""

from typing import Any

import pytest

from event_streamer_service import DevChain
from support.raw_client import RawClient, definition, transfer
from support.services import StartService


def padded(size: int, *, where: str = "event") -> dict[str, Any]:
    """A Transfer with unknown fields of so many bytes."""
    event = transfer()
    if where == "event":
        return event | {"note": "x" * size}
    event["inputs"][0]["note"] = {"deep": ["x" * size]}
    return event


@pytest.mark.parametrize("where", ["event", "parameter"])
@pytest.mark.parametrize("call", ["POST", "PUT", "update"])
def test_unknown_fields_of_an_event_are_bounded(start: StartService, where: str, call: str) -> None:
    with RawClient(start(DevChain(blocks=2), max_definition_bytes=5000).url) as client:
        number = client.subscribe(event_signature=padded(3000, where=where))
        big = padded(6000, where=where)
        if call == "update":
            answer = client.call("PUT", f"/subscriptions/{number}", 422, json={"event_signature": big})
        else:
            answer = client.call(call, "/subscriptions", 422, json=definition(event_signature=big))
        assert "5000 are allowed" in answer["detail"]


def test_one_subscribers_storage_is_bounded_and_anothers_is_its_own(start: StartService) -> None:
    with RawClient(start(DevChain(blocks=2), max_stored_bytes=10_000).url) as client:
        numbers = [client.subscribe(event_signature=padded(3000), start_block=n) for n in range(2)]
        for call in ("POST", "PUT"):
            refused = client.call(
                call, "/subscriptions", 429, json=definition(event_signature=padded(4000), start_block=9)
            )
            assert "10000 are allowed" in refused["detail"]
        client.call("PUT", f"/subscriptions/{numbers[0]}", 429, json={"event_signature": padded(9000)})
        client.subscribe(event_signature=padded(4000), subscriber_id="another")
        client.call("DELETE", f"/subscriptions/{numbers[0]}", 204)
        client.subscribe(event_signature=padded(4000), start_block=9)


def test_tuples_in_tuples_without_end_are_refused(client: RawClient) -> None:
    for depth in (40, 100, 250):
        inner: dict[str, Any] = {"type": "uint256", "name": "x"}
        for _ in range(depth):
            inner = {"type": "tuple", "name": "x", "components": [inner]}
        body = definition(event_signature={"type": "event", "name": "E", "inputs": [inner]})
        answer = client.http.post("/subscriptions", json=body)
        assert answer.status_code in {400, 422}, answer.text
