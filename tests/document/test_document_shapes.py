"""
The Python blocks of the document that show a shape: compared with what the SDK really has.

They cannot run as they stand: signatures have no bodies, models are written for pydantic, and a message is a
dict that nobody uses.
"""

import ast
import inspect
import re
from typing import Any, Literal, Optional

import attrs
import pytest

import event_streamer_sdk
from event_streamer_sdk import models
from event_streamer_sdk.models import StreamingError, StreamingEventBatch, StreamingHeartbeat
from support.document_tables import MESSAGES, MODELS, SIGNATURES
from support.scene import DOCUMENT, python_blocks
from support.twins import KINDS

pytestmark = [
    pytest.mark.skipif(
        not DOCUMENT.exists(), reason=f"the document {DOCUMENT.name} is not beside the project"
    ),
    pytest.mark.quick,
]

BLOCKS = python_blocks() if DOCUMENT.exists() else {}
READERS: dict[str, Any] = {
    "event_batch": StreamingEventBatch,
    "heartbeat": StreamingHeartbeat,
    "error": StreamingError,
}


@pytest.mark.parametrize("key", sorted(MODELS), ids=lambda key: key[0])
def test_a_model_has_the_fields_and_defaults_of_the_document(key: tuple[str, int]) -> None:
    names: dict[str, Any] = {"Optional": Optional, "List": list, "Literal": Literal, "BaseModel": object}
    exec(BLOCKS[key].code, names | {"ABIEvent": object, "ABIInput": object}, names)
    documented, ours = names[key[0]], attrs.fields_dict(getattr(models, key[0]))
    assert set(documented.__annotations__) <= set(ours)
    for field in documented.__annotations__:
        if hasattr(documented, field):
            made: Any = ours[field].default
            made = made.factory() if hasattr(made, "factory") else made
            assert made == getattr(documented, field), field


@pytest.mark.parametrize("key", sorted(MESSAGES), ids=lambda key: key[0])
def test_a_message_of_the_document_is_read_and_written(key: tuple[str, int]) -> None:
    value = ast.literal_eval(BLOCKS[key].code)
    read = READERS[value["type"]].from_dict(value)
    assert read.additional_properties == {}
    assert read.connection_id == "conn_550e8400-e29b-41d4-a716-446655440000"
    written = read.to_dict()
    assert written.pop("timestamp") == "2024-05-23T10:30:00Z"
    assert value.pop("timestamp") == "2024-05-23T10:30:00.000Z"
    assert written == value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", SIGNATURES, ids=lambda key: f"{key[0]}-{key[1]}")
def test_signatures(key: tuple[str, int], kind: str) -> None:
    code = BLOCKS[key].code
    # Bodies for the signatures, which then are Python.
    code = re.sub(
        r"^((?:    )?\)(?: -> .*)?|(?:async )?def .*\)(?: -> .*)?)$", r"\1: ...", code, flags=re.MULTILINE
    )
    name = ("Sync" if kind == "sync" else "") + SIGNATURES[key]
    real_class = getattr(event_streamer_sdk, name)
    functions = [
        node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert functions
    for function in functions:
        real = getattr(real_class, function.name)
        if kind == "async":
            assert inspect.iscoroutinefunction(real) is isinstance(function, ast.AsyncFunctionDef), (
                function.name
            )
        parameters = inspect.signature(real).parameters
        given = [*function.args.args, *function.args.kwonlyargs]
        defaults = [None] * (len(function.args.args) - len(function.args.defaults)) + function.args.defaults
        for argument, default in zip(given, [*defaults, *function.args.kw_defaults], strict=True):
            assert argument.arg in parameters, f"{function.name}({argument.arg})"
            if default is not None:
                assert parameters[argument.arg].default == ast.literal_eval(default)
