"""The blocking half is printed from the asyncio half: its words, its drift, its examples."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "generator"))
import twins  # noqa: E402 - it is no package

PACKAGE = ROOT / "sdk" / "event_streamer_sdk"
COMMAND = [sys.executable, str(ROOT / "generator" / "twins.py")]
PRINTED = sorted(PACKAGE.rglob("_sync/*.py"))


def command(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--root", str(root), *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A project that consists of a small pair."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    package = tmp_path / "sdk" / "event_streamer_sdk"
    (package / "_async").mkdir(parents=True)
    (package / "_sync").mkdir()
    (package / "_async" / "one.py").write_text('"""One, for asyncio."""\n')
    assert command(tmp_path).returncode == 0
    return tmp_path


@pytest.mark.quick
@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("async def f(): await g()", "def f(): g()"),
        ("[await g(x) async for x in y]", "[g(x) for x in y]"),
        ("async with a as b, c:", "with a as b, c:"),
        ("async for x in y:", "for x in y:"),
        ("class AsyncThing(AsyncOther): ...", "class SyncThing(SyncOther): ..."),
        ("class AsyncSQLCheckpoint: x: AsyncDatabase", "class SQLCheckpoint: x: Database"),
        ("needs('redis.asyncio')", "needs('redis')"),
        ("x: EventStreamer | EventStreamerSDKError", "x: SyncEventStreamer | EventStreamerSDKError"),
        ("from ..a.on_loop import AsyncRun", "from ..a.on_threads import SyncRun"),
        ("from ..waits_on_loop import Lock", "from ..waits_on_threads import Lock"),
        ("from .._async.client import fetch_async", "from .._sync.client import fetch"),
        ("httpx.AsyncClient(), httpx.AsyncHTTPTransport()", "httpx.Client(), httpx.HTTPTransport()"),
        ("def f() -> AsyncIterator[int]: ...", "def f() -> Iterator[int]: ..."),
        ("raise StopAsyncIteration", "raise StopIteration"),
        ("x = await anext(y, b'')", "x = next(y, b'')"),
        ("async with aclosing(g()) as x: await x.aclose()", "with closing(g()) as x: x.close()"),
        ("async def __aexit__(self)", "def __exit__(self)"),
        ("@asynccontextmanager", "@contextmanager"),
        ("Reads, for asyncio. Not asyncio itself; awaits.", "Reads, blocking. Not asyncio itself; awaits."),
    ],
)  # fmt: skip
def test_words_of_asyncio_become_those_of_blocking_code(source: str, wanted: str) -> None:
    assert twins.blocking(source) == wanted
    assert twins.blocking(wanted.replace("SyncEventStreamer", "")) == wanted.replace("SyncEventStreamer", "")


@pytest.mark.quick
def test_ruff_writes_yield_from_and_drops_what_only_asyncio_needs(copy: Path) -> None:
    function = "async def f(timeout):  # noqa: ASYNC109\n    async for x in g():\n        yield x\n"
    text = twins.blocking(f"import asyncio\n\n\n{function}")
    target = copy / "sdk" / "event_streamer_sdk" / "_sync" / "one.py"
    assert twins.formatted(text, target) == "def f(timeout):\n    yield from g()\n"


def test_what_would_not_be_python_is_told_and_nothing_is_printed(copy: Path) -> None:
    package = copy / "sdk" / "event_streamer_sdk"
    (package / "_async" / "one.py").write_text("is_async = 1\n")  # `is = 1`
    for arguments in ([], ["--check"]):
        done = command(copy, *arguments)
        assert done.returncode == 1
        assert "one.py can't be printed" in done.stderr
    assert (package / "_sync" / "one.py").read_text().endswith('"""One, blocking."""\n')


@pytest.mark.quick
@pytest.mark.parametrize("path", PRINTED, ids=lambda path: path.name)
def test_nothing_of_asyncio_is_left(path: Path) -> None:
    tree = ast.parse(path.read_text())
    kinds = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, kinds)]
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names |= {alias.name for node in imports for alias in node.names}
    assert not [name for name in names if "async" in name.lower()]
    text = path.read_text().partition("\n")[2]
    assert not [
        line for line in text.splitlines() if "await " in line or "async " in line or "asyncio" in line
    ]


@pytest.mark.quick
def test_what_is_committed_is_what_is_printed() -> None:
    checked = command(ROOT, "--check")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_drift_is_told(copy: Path) -> None:
    sync = copy / "sdk" / "event_streamer_sdk" / "_sync"
    assert command(copy, "--check").returncode == 0
    (sync / "one.py").write_text("x = 1\n")
    (sync / "left_over.py").write_text("x = 1\n")
    (copy / "sdk" / "event_streamer_sdk" / "_async" / "new.py").write_text("x = 1\n")
    checked = command(copy, "--check")
    assert checked.returncode == 1
    for name in ("one", "left_over", "new"):
        assert f"sdk/event_streamer_sdk/_sync/{name}.py is not what _async gives" in checked.stderr
    assert (sync / "one.py").read_text() == "x = 1\n"
    assert command(copy).returncode == 0
    assert sorted(path.name for path in sync.iterdir()) == ["new.py", "one.py"]
    assert command(copy, "--check").returncode == 0


def test_printing_twice_changes_nothing(copy: Path) -> None:
    shutil.copy(PACKAGE / "_async" / "client.py", copy / "sdk" / "event_streamer_sdk" / "_async")
    assert command(copy).returncode == 0
    target = copy / "sdk" / "event_streamer_sdk" / "_sync" / "client.py"
    before = (target.read_bytes(), target.stat().st_mtime_ns)
    assert command(copy).returncode == 0
    assert (target.read_bytes(), target.stat().st_mtime_ns) == before
