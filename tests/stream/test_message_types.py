"""No type of message vanishes in silence: each has a model, and a branch in the deliver lane."""

import json
import typing
from contextlib import suppress
from pathlib import Path
from typing import Any, assert_never

import pytest
import yaml

from event_streamer_sdk._core.stream import commands as do
from event_streamer_sdk._core.stream import delivering, messages, queue
from event_streamer_sdk._core.stream.decoding import decode_block
from event_streamer_sdk._core.stream.handlers import NOTICES
from event_streamer_sdk._core.stream.lines import LongLine, whole_line
from event_streamer_sdk._streaming.base import StreamingBase
from support.virtual import lanes_for

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
SIMPLE = {"string": "x", "integer": 5, "boolean": True, "array": [], "object": {}}


def simplest(schema: dict[str, Any]) -> dict[str, Any]:
    """A message that has what its schema requires, and no more."""
    fields = {name: schema["properties"][name] for name in schema["required"]}
    return {
        name: field["const"] if "const" in field else SIMPLE[field["type"]] for name, field in fields.items()
    }


LINES = {
    kind: json.dumps(simplest(SCHEMAS[reference.rpartition("/")[2]])).encode()
    for kind, reference in SCHEMAS["StreamMessage"]["discriminator"]["mapping"].items()
}
LINES["unknown"] = b'{"type": "news from tomorrow"}'
HEARD = {kind: [kind] for kind in LINES} | {"event_batch": [], "end": ["status"]}
"""Type → the notices whose handlers are called."""


def class_of(kind: str) -> type:
    (values,) = decode_block(whole_line(LINES[kind]))
    return type(messages.to_message(values[0]))


def test_every_type_of_the_document_is_known() -> None:
    assert {class_of(kind) for kind in LINES} == set(typing.get_args(messages.Message))
    assert all((class_of(kind) is messages.Unknown) == (kind == "unknown") for kind in LINES)


@pytest.mark.parametrize("kind", sorted(LINES))
def test_every_type_and_its_handlers_are_documented(kind: str) -> None:
    assert kind == "unknown" or f"| `{kind}` |" in (ROOT / "docs" / "wire.md").read_text("utf-8")
    handlers = (ROOT / "docs" / "streaming.md").read_text("utf-8")
    for notice in HEARD[kind]:
        assert callable(getattr(StreamingBase, f"on_{notice}"))
        assert f"| `on_{notice}` |" in handlers


def heard_of(item: queue.Item) -> list[str]:
    """Run the deliver lane over one item, with a handler for each kind of notice; tell which were called."""
    lanes, _ = lanes_for()
    kinds: dict[Any, str] = {}

    def handler() -> Any:
        return lambda notice: None

    for kind in NOTICES:
        kinds[handle := handler()] = kind
        lanes.session.registry.add_notice(kind, handle)
    lanes.session.link.opened("c", 30.0)
    lanes.queue.put(lanes.session.link.epoch, item)
    steps = lanes.deliverer.steps()
    heard = []
    with suppress(StopIteration):
        command = next(steps)
        while not isinstance(command, do.Wait):
            if isinstance(command, do.Call):
                heard.append(kinds[command.function])
            command = steps.send(None)
    steps.close()
    return heard


@pytest.mark.quick
@pytest.mark.parametrize("kind", sorted(LINES))
def test_every_type_has_a_branch(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_branch(value: object) -> None:
        pytest.fail(f"{type(value).__name__} has no branch in the deliver lane")

    monkeypatch.setattr(delivering, "assert_never", no_branch)
    assert heard_of(whole_line(LINES[kind])) == HEARD[kind]


@pytest.mark.quick
def test_what_has_no_branch_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it would be with a new class in `messages.Message`; the type checker says so before."""

    class News:
        connection_id = None

    assert delivering.assert_never is assert_never
    monkeypatch.setattr(delivering, "to_message", lambda value, make_batch: News())
    with pytest.raises(AssertionError, match="News"):
        heard_of(whole_line(LINES["unknown"]))


@pytest.mark.quick
def test_every_item_of_the_queue_has_a_branch() -> None:
    lost = queue.Lost(1, do.Failed(OSError("gone")), "gone")
    items: list[queue.Item] = [whole_line(LINES["end"]), LongLine(b"{", 10), queue.Tail(LINES["end"]), lost]
    assert {type(item) for item in items} == set(typing.get_args(queue.Item))
    # The long line makes the connection anew the first time: nobody is told of it yet.
    assert [heard_of(item) for item in items] == [["status"], [], ["status"], ["error"]]
