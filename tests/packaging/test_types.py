"""A strict user's type checkers over every public call, and what they know of the package's own types."""

import ast
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from event_streamer_sdk import EventStreamer, StreamingClient, SyncEventStreamer, SyncStreamingClient

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("every_call.py")

CHECKERS = {
    "mypy": [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", "--config-file="],
    "pyright": [sys.executable, "-m", "pyright", "--pythonpath", sys.executable],
}


def blocking(text: str) -> str:
    """The same program for the blocking clients."""
    text = re.sub(r"\basync (?=def|for|with)", "", text)
    text = re.sub(r"\bawait ", "", text)
    text = text.replace("AsyncIterator", "Iterator")
    return re.sub(r"\b(EventStreamer|StreamingClient)\b", r"Sync\1", text)


def programs(folder: Path) -> None:
    text = PROGRAM.read_text("utf-8")
    (folder / "asynchronous.py").write_text(text)
    (folder / "blocking.py").write_text(blocking(text))
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))


@pytest.mark.parametrize("client", [EventStreamer, SyncEventStreamer, StreamingClient, SyncStreamingClient])
def test_the_program_uses_every_public_call(client: type) -> None:
    used = {node.attr for node in ast.walk(ast.parse(PROGRAM.read_text())) if isinstance(node, ast.Attribute)}
    public = {name for name, _ in inspect.getmembers(client) if not name.startswith("_")}
    assert len(public) > 20
    assert not public - used


@pytest.mark.slow
@pytest.mark.npm
@pytest.mark.timeout(300)
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_strict_user_sees_no_complaint(checker: str, tmp_path: Path) -> None:
    programs(tmp_path)
    done = run(*CHECKERS[checker], "asynchronous.py", "blocking.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.npm
@pytest.mark.timeout(300)
def test_every_public_type_is_declared(tmp_path: Path) -> None:
    """
    As pyright finds it in an installed copy: it looks for packages on the path's interpreter alone.

    What other packages leave untyped (pyarrow has no types at all) is not counted: `--ignoreexternal`.
    """
    installed = tmp_path / "installed"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", installed], check=True)
    packages = next(installed.glob("lib/python*/site-packages"))
    for package in ("sdk/event_streamer_sdk", "sdk/event_streamer_schemas", "generated/event_streamer_api"):
        shutil.copytree(ROOT / package, packages / Path(package).name)
    (packages / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    options = ["--verifytypes", "event_streamer_sdk", "--ignoreexternal", "--outputjson"]
    path = f"{installed / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = run(sys.executable, "-m", "pyright", *options, cwd=tmp_path, PATH=path)
    said = json.loads(done.stdout)["typeCompleteness"]
    # Ambiguous is what has no annotation: pyright infers its type, and other checkers may infer it otherwise.
    unclear = [each for each in said["symbols"] if each["isTypeAmbiguous"] or not each["isTypeKnown"]]
    assert [each["name"] for each in unclear] == []
    assert said["completenessScore"] == 1
    assert said["exportedSymbolCounts"]["withKnownType"] > 1000


def run(*command: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", **variables}
    return subprocess.run(
        list(command), cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
