"""What runs the tests gives them an environment of their own, whatever the machine's holds."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CLEAN = ROOT / "tools" / "clean-environment"

pytestmark = pytest.mark.quick


def environment_of(*command: str, **more: str) -> dict[str, str]:
    shown = subprocess.run(
        [CLEAN, *command, "env", "-0"],
        env={"PATH": os.environ["PATH"], "HOME": "/home/me", **more},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return dict(line.split("=", 1) for line in shown.split("\0") if line)


@pytest.mark.parametrize(
    "name",
    [
        *("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONWARNINGS", "PYTEST_ADDOPTS"),
        *("FORCE_COLOR", "NO_COLOR", "COLUMNS", "TERM", "LC_ALL", "TZ"),
        *(
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
            "NO_PROXY",
            "EVENT_STREAMER_URL",
            "EVENT_STREAMER_API_KEY",
        ),
    ],
)
def test_a_variable_of_the_machine_reaches_no_test(name: str) -> None:
    assert name not in environment_of(**{name: "1"})


@pytest.mark.parametrize(
    "name",
    ["HOME", "TMPDIR", "SSL_CERT_FILE", "CI", "HYPOTHESIS_PROFILE", "PIP_INDEX_URL", "npm_config_registry"],
)
def test_what_says_where_things_are_stays(name: str) -> None:
    value = "a b\n'\"$HOME"
    assert environment_of(**{name: value})[name] == value


def test_the_language_is_one_that_every_machine_has() -> None:
    assert environment_of(LANG="xx_YY.KOI8-R")["LANG"] == "C.UTF-8"


def test_a_proxy_is_for_those_who_fetch_packages_alone() -> None:
    found = environment_of(HTTPS_PROXY="http://proxy.example:3128")
    assert found["PIP_PROXY"] == found["npm_config_https_proxy"] == "http://proxy.example:3128"
    assert not [name for name in found if name.upper() == "HTTPS_PROXY"]


def test_make_and_ci_run_the_tests_so() -> None:
    shown = subprocess.run(
        ["make", "-n", "test", "test-quick", "fuzz"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    calls = [line for line in shown.splitlines() if "-m pytest" in line]
    assert len(calls) == 3
    assert all("tools/clean-environment " in line for line in calls)
    assert re.search(r"^if .*exec tools/clean-environment", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
