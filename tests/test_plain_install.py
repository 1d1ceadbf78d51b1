"""The built package in an environment of its own, without any extra: what most users will have."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from event_streamer_service import LocalService

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import asyncio, sys
from event_streamer_sdk import EventStreamer, SyncEventStreamer

URL = sys.argv[1]
TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"

async def stream_async():
    async with EventStreamer(URL, "plain-async") as client:
        subscription = await client.subscribe(TRANSFER, chain_id=31337, start_block=0, end_block=20)
        stream = client.create_streaming_client(subscription.id, typed=True)
        return [event async for event in stream.events()]

with SyncEventStreamer(URL, "plain-sync") as client:
    subscription = client.subscribe(TRANSFER, chain_id=31337, start_block=0, end_block=20)
    stream = client.create_streaming_client(subscription.id, typed=True, checkpoint="place.json")
    blocking = list(stream.events())
    stream = client.create_streaming_client(subscription.id, checkpoint="place.json")
    again = list(stream.events())

assert blocking and blocking == asyncio.run(stream_async())
assert again == []
missing = [name for name in ("msgspec", "orjson", "sqlalchemy", "typer") if name in sys.modules]
assert not missing, missing
print(len(blocking), "events")
"""


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        timeout=110,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", folder, ROOT)
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain") / "venv"
    assert run(sys.executable, "-m", "venv", "--without-pip", folder).returncode == 0
    python = folder / "bin" / "python"
    installed = run(sys.executable, "-m", "pip", "--python", python, "install", "-q", wheel, "pytest")
    assert installed.returncode == 0, installed.stderr
    return folder / "bin"


@pytest.fixture
def service() -> Iterator[LocalService]:
    with LocalService() as running:
        yield running


def test_the_package_holds_what_is_needed_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    packages = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert packages == {
        "event_streamer_api",
        "event_streamer_schemas",
        "event_streamer_sdk",
        "event_streamer_service",
    }
    for package in packages:
        assert f"{package}/py.typed" in names
    assert "event_streamer_service/devchain/contracts/Token.json" in names


def test_both_clients_stream_without_any_extra(
    environment: Path, service: LocalService, tmp_path: Path
) -> None:
    done = run(environment / "python", "-W", "error", "-c", PROGRAM, service.url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" events\n")
    assert done.stderr == ""


def test_the_command_says_which_extra_it_needs(environment: Path) -> None:
    refused = run(environment / "event-streamer", "health")
    assert refused.returncode == 1
    assert refused.stderr == (
        "event-streamer needs its extra: pip install 'event-streamer-sdk[cli]>=1' "
        "(in a checkout: pip install '.[cli]')\n"
    )


@pytest.mark.parametrize(
    "program",
    [
        "from event_streamer_service import LocalService",
        "import event_streamer_service; event_streamer_service.create_app",
        "import runpy; runpy.run_module('event_streamer_service', run_name='__main__')",
    ],
)
def test_the_service_says_which_extra_it_needs(environment: Path, program: str) -> None:
    refused = run(environment / "python", "-c", program)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines()[-1].endswith(
        ", which isn't installed: pip install 'event-streamer-sdk[service]>=1'"
        " (in a checkout: pip install '.[service]')"
    )


def test_a_fixture_says_which_extra_it_needs(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_mine(event_streamer_service):\n    pass\n")
    done = run(environment / "python", "-m", "pytest", "-q", cwd=tmp_path)
    assert done.returncode == 1
    assert "pip install 'event-streamer-sdk[service]>=1'" in done.stdout


def test_pytest_runs_beside_it(environment: Path, tmp_path: Path) -> None:
    """The plugin is announced to pytest by every installation, so it must not need the service's extra."""
    (tmp_path / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    done = run(environment / "python", "-m", "pytest", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
