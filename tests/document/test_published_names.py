"""Every public name of the published client 0.5.0 is where programs import it from, but for those named."""

import importlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk import abi, models
from support.environments import environment

ROOT = Path(__file__).resolve().parents[2]
GONE = {
    # what neither a call of the client nor an answer of the service ever held
    "event_streamer_schemas": {
        "BaseEvent", "ChainMetrics", "ChainsResponse", "ConnectionHealth", "GapDetectionResponse",
        "MetricsResponse", "ResumeRequest", "ResumeResponse", "SchemasResponse", "StreamingConnectionRequest",
        "StreamingConnectionResponse", "StreamingEventData", "StreamingMetricsResponse",
    },
    # the classes of an ABI's other items, which no function took or gave
    "event_streamer_schemas.abi": {
        "ABIConstructor", "ABIElement", "ABIError", "ABIFallback", "ABIFunction", "ABIReceive", "ContractABI",
    },
    "event_streamer_schemas.events": {"BaseEvent"},
}  # fmt: skip
GONE_EVERYWHERE = set.union(*GONE.values())

LIST_NAMES = """
import importlib, inspect, json, pkgutil
import event_streamer_schemas, event_streamer_sdk
names = {}
for package in (event_streamer_schemas, event_streamer_sdk):
    inside = pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    for name in [package.__name__, *(each.name for each in inside)]:
        if ".tests" in name:
            continue
        module = importlib.import_module(name)
        names[name] = sorted(getattr(module, "__all__", None) or [
            key for key, value in vars(module).items()
            if not key.startswith("_")
            and (getattr(value, "__module__", "") == name or key == "ABIElement")
        ])
print(json.dumps(names))
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def published() -> dict[str, list[str]]:
    python = environment("published", "event-streamer-sdk==0.5.0")
    listed = subprocess.run(
        [python, "-I", "-c", LIST_NAMES], capture_output=True, text=True, check=True, timeout=90
    )
    names: dict[str, list[str]] = json.loads(listed.stdout.splitlines()[-1])
    assert len(names) == 19
    return names


def missing(names: list[str], module: str) -> set[str]:
    """Import a module of ours, and say which names it lacks."""
    try:
        ours: Any = importlib.import_module(module)
    except ModuleNotFoundError:
        return set(names)
    return {name for name in names if not hasattr(ours, name)}


def test_every_public_name_is_where_it_was(published: dict[str, list[str]]) -> None:
    lacking = {module: missing(names, module) for module, names in published.items()}
    for module, names in lacking.items():
        assert names <= GONE_EVERYWHERE, module
    for module, names in GONE.items():
        assert names <= lacking[module], f"{module} has them again: say so here and in the guide"


def test_they_are_the_same_things_and_not_copies(published: dict[str, list[str]]) -> None:
    for module, names in published.items():
        for name in set(names) - GONE_EVERYWHERE:
            owner = models if hasattr(models, name) else abi if hasattr(abi, name) else None
            if owner is not None:
                assert getattr(importlib.import_module(module), name) is getattr(owner, name), (module, name)


def test_the_migration_guide_names_what_is_gone() -> None:
    named = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "migration.md").read_text("utf-8")))
    assert named >= GONE_EVERYWHERE


def test_the_class_of_the_old_parser_parses() -> None:
    from event_streamer_sdk.abi_parser import ABIParser

    text = '[{"type": "event", "name": "Ping", "inputs": []}]'
    assert ABIParser().extract_abi_event(text, "Ping").name == "Ping"
    assert list(ABIParser().extract_abi_events(text)) == ["Ping"]
    assert list(ABIParser().parse_contract_abi(text)["events"]) == ["Ping"]
