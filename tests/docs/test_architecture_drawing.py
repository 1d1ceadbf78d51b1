"""The drawing of a batch's way names what is really there, in a row that the code takes, too."""

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

from event_streamer_sdk import _runs
from event_streamer_sdk._core import stream

PAGE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
NAME = re.compile(r"\b(?:[A-Z]\w+\.)?_?[a-z]+(?:_[a-z]+)*\b")


def things() -> dict[str, Any]:
    """Every class and function of the core and of the two shells, by name."""
    found: dict[str, Any] = {}
    for package in (stream, _runs):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            found.update(vars(importlib.import_module(module.name)))
    return found


def drawing() -> str:
    (block,) = re.findall(r"```text\n(socket\n.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return str(block)


def steps(text: str) -> list[str]:
    """The names of a drawing: those with a class before them, and functions in snake case."""
    return [
        name for name in NAME.findall(text) if "." in name or name in ("ask_store", "decode_block")
        or "_" in name.strip("_")
    ]  # fmt: skip


def test_every_step_of_the_drawing_is_there() -> None:
    known = things()
    named = steps(drawing())
    assert len(named) > 20
    for name in named:
        owner, _, member = name.rpartition(".")
        found = getattr(known[owner], member, None) if owner else known.get(member)
        assert callable(found), f"{name} is drawn and not there"


def test_a_step_that_is_gone_is_found_out() -> None:
    assert steps("Reader._read → line_of · Link.dropped, the handler that waits") == [
        "Reader._read",
        "line_of",
        "Link.dropped",
    ]
