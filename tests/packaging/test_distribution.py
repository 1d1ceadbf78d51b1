"""The archives that are published: what they hold, whether the index takes them, whether they install."""

import importlib.util
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both archives; the wheel is made of the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def smoke() -> ModuleType:
    spec = importlib.util.spec_from_file_location("smoke", Path(__file__).with_name("smoke.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*command: str | Path) -> str:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_index_would_take_them(built: Path) -> None:
    assert run(sys.executable, "-m", "twine", "check", "--strict", *built.iterdir()).count("PASSED") == 2


def test_the_source_archive_holds_the_sources_and_no_leftovers(built: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "openapi.yaml", "CONTRIBUTING.md", "docs/index.md", "Makefile"} <= names
    parts = {part for name in names for part in name.split("/")}
    assert not parts & {".venv", ".cache", "build", "__pycache__", ".hypothesis", "node_modules"}


def test_the_metadata_say_which_pythons_and_that_types_are_there(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (name,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(name))
    classifiers = metadata.get_all("Classifier", [])
    assert "Typing :: Typed" in classifiers
    for minor in range(11, 15):
        assert f"Programming Language :: Python :: 3.{minor}" in classifiers
    assert metadata["Requires-Python"] == ">=3.11"
    assert "event_streamer_sdk/py.typed" in names


def test_every_extra_has_a_smoke_test(smoke: ModuleType) -> None:
    assert set(smoke.OF_EXTRAS) == set(smoke.PROJECT["optional-dependencies"])


@pytest.mark.parametrize(("pattern", "extra"), [("*.tar.gz", None), ("*.whl", "cli")])
def test_they_work_in_an_empty_environment(
    built: Path, smoke: ModuleType, pattern: str, extra: str | None, tmp_path: Path
) -> None:
    """All extras are tried by `make package`."""
    (archive,) = built.glob(pattern)
    smoke.smoke(archive, extra, tmp_path / "venv")
