"""The extras, as the built package announces them: none needs the project itself."""

import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]

HOLDS = {
    "service": {"cli"},
    "files": {"arrow"},
    "pandas": {"arrow"},
    "polars": {"arrow"},
    "plot": {"arrow"},
    "worker": {"metrics"},
    "sinks": {"files", "sql", "redis", "kafka", "nats"},
    "all": EXTRAS.keys() - {"all"},
}
"""What an extra brings of others: written out in pyproject.toml, and held together here."""


@pytest.fixture(scope="module")
def announced(tmp_path_factory: pytest.TempPathFactory) -> list[Requirement]:
    """What the wheel's metadata requires."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        (name,) = (name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(files.read(name))
    assert set(metadata.get_all("Provides-Extra", [])) == set(EXTRAS)
    return [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]


def test_no_extra_needs_the_project_itself(announced: list[Requirement]) -> None:
    """pip would look for it in the index, which has an older package of that name."""
    assert announced
    assert PROJECT["name"] not in {requirement.name for requirement in announced}


def test_an_extra_brings_all_of_those_it_holds() -> None:
    for name, parts in HOLDS.items():
        brought = {requirement for part in parts for requirement in EXTRAS[part]}
        assert brought <= set(EXTRAS[name]), f"[{name}] lacks {brought - set(EXTRAS[name])}"
    for name in ("all", "sinks"):
        assert set(EXTRAS[name]) == {line for part in HOLDS[name] for line in EXTRAS[part]}, name


def test_a_package_has_the_same_oldest_version_everywhere() -> None:
    lines = {line for extra in [*EXTRAS.values(), PROJECT["dependencies"]] for line in extra}
    names = [Requirement(line).name for line in lines]
    assert sorted(names) == sorted(set(names))
