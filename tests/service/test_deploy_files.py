"""The alarm rules and the dashboard of deploy/: they ask for figures that the service has."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from event_streamer_service.metrics import Metrics

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus/event-streamer.rules.yml").read_text("utf-8"))
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/event-streamer.json").read_text("utf-8"))
EXPRESSIONS = [
    *(rule["expr"] for group in RULES["groups"] for rule in group["rules"]),
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]),
]


def figures() -> set[str]:
    """The names under which Prometheus knows the service's figures."""
    names: set[str] = set()
    for family in Metrics().registry.collect():
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        names |= {family.name + ending for ending in endings}
    return names


@pytest.mark.quick
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_figure_exists(expression: str) -> None:
    asked = set(re.findall(r"event_streamer_\w+", expression))
    assert asked <= figures()
    assert asked or "up{" in expression


def test_panels_have_places_of_their_own() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)


def test_promtool_takes_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing: apt install prometheus")
    checked = subprocess.run(
        [promtool, "check", "rules", DEPLOY / "prometheus/event-streamer.rules.yml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
