"""The guide to changing the API, done as a reader does it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.echo_server import Echo

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "change-the-api.md").read_text(encoding="utf-8")
ALERT = b'[{"text": "No block for an hour", "severity": "high"}, {"text": "Odd", "severity": "absurd"}]'


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A copy of the project in which the guide has been followed."""
    root = tmp_path_factory.mktemp("reader")
    for folder in ("generated", "sdk"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    call, schemas = blocks("yaml")
    spec = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    for line, put in (("paths:\n", call), ("  schemas:\n", schemas)):
        assert spec.count(f"\n{line}") == 1
        spec = spec.replace(f"\n{line}", f"\n{line}{put}")
    (root / "openapi.yaml").write_text(spec, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, ROOT / "generator" / "generate.py", "--root", root],
        capture_output=True,
        text=True,
        check=False,
    )
    return root, done


def test_generating_says_what_the_guide_says(changed: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, done = changed
    assert (done.returncode, done.stderr) == (0, "")
    assert f"$ make generate\n{done.stdout}" == blocks("console")[0]


def test_the_guides_program_runs(changed: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    root, _ = changed
    (program,) = blocks("python")
    # The service answers the first call with an alert, the second one with a list of them.
    with Echo(200, b'{"text": "No block for an hour"}') as first, Echo(200, ALERT) as second:
        made = program.replace("http://localhost:8000", first.url)
        listed = made.replace("    for alert", "    client.close()\n    for alert").replace(
            "client.list_alerts", f'SyncEventStreamer("{second.url}", "my-app").list_alerts'
        )
        done = subprocess.run(
            [sys.executable, "-c", listed],
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": f"{root / 'generated'}:{root / 'sdk'}", "PATH": "/usr/bin:/bin"},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == "high No block for an hour\nabsurd Odd\n"
        asked = first.take()
        assert (asked.method, asked.path) == ("POST", "/subscriptions/7/alerts")
        assert asked.body == b'{"text":"No block for an hour","severity":"high","class":"chain"}'
        assert second.take().query == [("from", "2026-01-01"), ("severities", "high")]
