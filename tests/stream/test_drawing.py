"""The drawing of a batch's way, in docs/architecture.md, names what is really there."""

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk import _runs
from event_streamer_sdk._core import stream

PAGE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
METHOD = re.compile(r"\b[A-Z]\w+\.\w+")
FUNCTION = re.compile(r"(?<![\w.])[a-z]+_[a-z_]+\b(?!\.py)")


def things() -> dict[str, Any]:
    """Every class and function of the core and of the two shells, by name."""
    found: dict[str, Any] = {}
    for package in (stream, _runs):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            found.update(vars(importlib.import_module(module.name)))
    return found


def drawing() -> str:
    (found,) = re.findall(r"```text\n(socket\n.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return str(found)


def missing(text: str) -> list[str]:
    """The names of a drawing that nothing is called by."""
    known = things()
    gone = [name for name in FUNCTION.findall(text) if not callable(known.get(name))]
    for name in METHOD.findall(text):
        owner, _, member = name.partition(".")
        if not callable(getattr(known.get(owner), member, None)):
            gone.append(name)
    return gone


@pytest.mark.quick
def test_every_step_of_the_drawing_is_there() -> None:
    steps = [*METHOD.findall(drawing()), *FUNCTION.findall(drawing())]
    assert len(steps) > 25
    assert missing(drawing()) == []


@pytest.mark.quick
def test_a_step_that_is_gone_is_found_out() -> None:
    text = "Reader._read → line_of → Link.gone · Nobody.reads, decode_block"
    assert missing(text) == ["line_of", "Nobody.reads"]
