"""The alarm rules and the dashboard of deploy/: they ask for figures that service and client have."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.metrics import StreamCollector
from event_streamer_service.metrics import Metrics

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus/event-streamer.rules.yml").read_text("utf-8"))
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/event-streamer.json").read_text("utf-8"))
EXPRESSIONS = [
    *(rule["expr"] for group in RULES["groups"] for rule in group["rules"]),
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])),
]


def figures() -> set[str]:
    """The names under which Prometheus knows the figures of the service and of clients."""
    names: set[str] = set()
    endings_of = {
        "counter": ["_total"],
        "histogram": ["_bucket", "_sum", "_count"],
        "summary": ["_sum", "_count"],
    }
    client = SyncEventStreamer("http://localhost", "tester")
    for family in [*Metrics().registry.collect(), *StreamCollector(client).collect()]:
        endings = endings_of.get(family.type, [""])
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


RULES_TESTED = """
rule_files: [RULES]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: 'event_streamer_client_blocks_behind{instance="app", subscription_id="1"}'
        values: "5+2x40"
      - series: 'event_streamer_client_last_processed_block{instance="app", subscription_id="1"}'
        values: "100x40"
      - series: 'event_streamer_client_blocks_behind{instance="app", subscription_id="2"}'
        values: "5x40"
      - series: 'event_streamer_client_last_processed_block{instance="app", subscription_id="2"}'
        values: "100+1x40"
      - series: 'event_streamer_blocks_behind{chain_id="1", subscription_id="1"}'
        values: "5+2x40"
      - series: 'event_streamer_last_processed_block{chain_id="1", subscription_id="1"}'
        values: "100x40"
    alert_rule_test:
      - {eval_time: 3m, alertname: EventStreamerClientNoProgress}
      - eval_time: 30m
        alertname: EventStreamerClientNoProgress
        exp_alerts:
          - exp_labels: {severity: critical, instance: app, subscription_id: "1"}
            exp_annotations:
              summary: app makes no progress with subscription 1.
              description: It is 65 blocks behind.
      - eval_time: 30m
        alertname: EventStreamerNoProgress
        exp_alerts:
          - exp_labels: {severity: critical, chain_id: "1", subscription_id: "1"}
            exp_annotations:
              summary: Subscription 1 makes no progress.
              description: It is 65 blocks behind on chain 1.
"""


def test_the_alarm_comes_where_nothing_moves_and_nowhere_else(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing: apt install prometheus")
    rules = DEPLOY / "prometheus/event-streamer.rules.yml"
    (tmp_path / "tests.yml").write_text(RULES_TESTED.replace("RULES", str(rules)), "utf-8")
    checked = subprocess.run(
        [promtool, "test", "rules", tmp_path / "tests.yml"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_promtool_takes_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing: apt install prometheus")
    checked = subprocess.run(
        [promtool, "check", "rules", DEPLOY / "prometheus/event-streamer.rules.yml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["verify"], "is not executable: No such file"),
        (["security", "--offline=true", "--threshold=19"], "OK"),
    ],
    ids=["syntax", "hardening"],
)
def test_systemd_takes_the_unit(arguments: list[str], expected: str) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is missing: apt install systemd")
    checked = subprocess.run(
        [analyze, *arguments, DEPLOY / "event-streamer.service"], capture_output=True, text=True, check=False
    )
    said = [line for line in (checked.stdout + checked.stderr).splitlines() if line]
    # All that is wrong with it here: the program it starts isn't installed where it says.
    assert expected in said[-1]
    assert len(said) == 1 or arguments[0] == "security"
    assert checked.returncode == 0 or arguments[0] == "verify"
