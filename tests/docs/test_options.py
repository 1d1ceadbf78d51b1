"""The guide's tables name what there is, all of it and nothing else."""

import inspect
import re
from pathlib import Path

import pytest

from event_streamer_sdk import EventStreamer
from event_streamer_sdk._core.options import StreamOptions
from event_streamer_service.commands.serve import serve_command
from event_streamer_service.faults import KINDS

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"

pytestmark = pytest.mark.quick


def first_cells(document: str, heading: str) -> set[str]:
    """The code words in the first column of the table below a heading."""
    section = re.split(rf"^## {heading}$", (DOCS / document).read_text("utf-8"), flags=re.MULTILINE)[1]
    section = re.split(r"^## ", section, flags=re.MULTILINE)[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {word.split()[0] for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_every_option_of_a_stream_is_described() -> None:
    parameters = set(inspect.signature(EventStreamer.create_streaming_client).parameters)
    parameters -= {"self", "subscription_id", "options"}
    assert first_cells("streaming.md", "All options") == parameters | set(StreamOptions.__annotations__)


def test_every_option_of_serve_is_described() -> None:
    offered = {f"--{name.replace('_', '-')}" for name in inspect.signature(serve_command).parameters}
    told_in_the_text = {
        "--dev-chain-id",
        "--dev-first-block",
        "--dev-block-seconds",
        "--log-format",
        "--log-level",
    }
    assert first_cells("service.md", "Start it") == offered - told_in_the_text


def test_every_fault_is_described() -> None:
    assert first_cells("service.md", "Faults on purpose") == set(KINDS)
