"""The examples in the clients' docstrings are run, for asyncio and blocking, each by itself."""

import asyncio
import doctest
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import event_streamer_sdk
from event_streamer_sdk import EventStreamer, StreamingClient, SyncEventStreamer, SyncStreamingClient, sinks
from event_streamer_service import DevChain, LocalService
from support.documents import Block, run_python
from support.listener import passing_over
from support.twins import twin

FIRST = 19_000_000
ERC20 = [
    {
        "type": "event",
        "name": "Transfer",
        "inputs": [
            {"name": "from", "type": "address", "indexed": True},
            {"name": "to", "type": "address", "indexed": True},
            {"name": "value", "type": "uint256", "indexed": False},
        ],
    },
    {"type": "function", "name": "totalSupply", "inputs": [], "outputs": [{"name": "", "type": "uint256"}]},
]
CLIENTS = {
    "async": (EventStreamer, StreamingClient),
    "sync": (SyncEventStreamer, SyncStreamingClient),
}


def examples() -> Iterator[Any]:
    parser = doctest.DocTestParser()
    for kind, classes in CLIENTS.items():
        for owner in classes:
            for name in ("", *sorted(dir(owner))):
                documented = getattr(owner, name) if name else owner
                if name.startswith("_") and name not in ("__aiter__", "__iter__"):
                    continue
                found = parser.get_examples(inspect.getdoc(documented) or "")
                code = "".join(example.source for example in found)
                if code:
                    yield pytest.param(kind, code, id=f"{owner.__name__}.{name}".rstrip("."))


@pytest.fixture(scope="module")
def service() -> Iterator[LocalService]:
    with LocalService(DevChain(chain_id=1, first_block=FIRST, blocks=200)) as running:
        yield running


@pytest.mark.parametrize(("kind", "code"), list(examples()))
def test_an_example_does_what_it_shows(
    kind: str, code: str, service: LocalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVENT_STREAMER_URL", service.url)
    monkeypatch.setenv("EVENT_STREAMER_SUBSCRIBER_ID", "my-app")
    code = code.replace("http://localhost:8000", service.url)
    with asyncio.Runner() as runner, twin(kind, service.url, "my-app", runner=runner) as client:
        subscription = client.subscribe(
            ERC20, "Transfer", chain_id=1, start_block=FIRST, end_block=FIRST + 3, new=True
        )

        async def on_loop() -> Any:
            return passing_over(client.client.create_streaming_client(subscription.id))

        names = {
            **{name: getattr(event_streamer_sdk, name) for name in event_streamer_sdk.__all__},
            "client": client.client,
            "erc20_abi": ERC20,
            "sink_for": sinks.sink_for,
            "streaming_client": runner.run(on_loop()),
            "subscription": subscription,
        }
        run_python(Block(Path("docstring"), "python", code, 1), code, names, runner)


def test_both_clients_show_the_same_examples() -> None:
    shown = {kind: [case.id for case in examples() if case.values[0] == kind] for kind in CLIENTS}
    blocking = [name.replace("__aiter__", "__iter__") for name in shown["async"]]
    assert [f"Sync{name}" for name in blocking] == shown["sync"]
    assert len(blocking) >= 10
