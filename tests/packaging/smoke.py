"""
Install what `make package` built into empty environments, one for each extra, and see that each works.

    python tests/packaging/smoke.py FOLDER [EXTRA ...]

FOLDER holds the source archive and the wheel. Without an extra named all are tried, and none of them, too.
"""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

ALWAYS = """
import asyncio, event_streamer_sdk, event_streamer_schemas
from event_streamer_sdk import EventStreamer, SyncEventStreamer, __version__
from event_streamer_sdk.abi import extract_abi_event, topic0
from importlib.metadata import version
assert __version__ == version("event-streamer-sdk")
TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
assert topic0(extract_abi_event(TRANSFER, "Transfer")).startswith("0xddf252ad")
with SyncEventStreamer("http://127.0.0.1:9", "smoke", max_retries=0) as client:
    assert not client.health_check()
"""
SERVICE = """
from event_streamer_service import DevChain, LocalService
with LocalService(DevChain(blocks=5)) as service, SyncEventStreamer(service.url, "smoke") as client:
    subscription = client.subscribe(TRANSFER, chain_id=31337, start_block=0, end_block=3)
    assert list(client.create_streaming_client(subscription.id).events())
"""
COMMAND = """
import subprocess, sys
from pathlib import Path
command = str(Path(sys.executable).with_name("event-streamer"))
shown = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout
assert __version__ in shown, shown
"""
SINK = "from event_streamer_sdk.sinks import sink_for\nassert sink_for({place!r})\n"

OF_EXTRAS = {
    "fast": "import msgspec",
    "service": SERVICE,
    "postgres": "import psycopg",
    "cli": COMMAND,
    "arrow": "import pyarrow; from event_streamer_sdk.frames import EventFrame",
    "files": SINK.format(place="out.parquet"),
    "sql": SINK.format(place="postgresql://localhost/x?table=t"),
    "redis": SINK.format(place="redis://localhost/0?stream=s"),
    "worker": "import prometheus_client; from event_streamer_sdk.workers import SyncWorker, Worker",
    "kafka": SINK.format(place="kafka://localhost/t"),
    "nats": SINK.format(place="nats://localhost/s"),
    "pandas": "import pandas, pyarrow",
    "polars": "import polars, pyarrow",
    "plot": "import matplotlib, pyarrow",
    "sinks": "".join(SINK.format(place=place) for place in ("x.parquet", "redis://localhost/0?stream=s")),
    "otel": "import opentelemetry.trace; from event_streamer_sdk import otel",
    "metrics": "from event_streamer_sdk.metrics import StreamCollector",
}
"""What each extra is for, as a program that fails without it."""
OF_EXTRAS["all"] = "\n".join(OF_EXTRAS.values())


def smoke(archive: Path, extra: str | None, folder: Path) -> None:
    """
    Install an archive into an empty environment, and run what it is for.

    Args:
        archive: A wheel, or a source archive.
        extra: The extra, if any.
        folder: A folder for the environment.

    Raises:
        subprocess.CalledProcessError: It can't be installed, or doesn't work.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    wanted = f"{archive}[{extra}]" if extra else str(archive)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", wanted],
        check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    program = ALWAYS + (OF_EXTRAS.get(extra, "") if extra else "")
    subprocess.run(
        [str(python), "-W", "error", "-c", program], check=True, cwd=folder, stdin=subprocess.DEVNULL
    )


def main() -> None:
    """Try everything, and say what works."""
    built, wanted = Path(sys.argv[1]).resolve(), sys.argv[2:]
    (wheel,), (source,) = built.glob("*.whl"), built.glob("*.tar.gz")
    tried: list[tuple[Path, str | None]] = [(source, None), (wheel, None)] if not wanted else []
    tried += [(wheel, extra) for extra in wanted or PROJECT["optional-dependencies"]]
    for archive, extra in tried:
        with tempfile.TemporaryDirectory() as folder:
            smoke(archive, extra, Path(folder) / "venv")
        print(f"{archive.name}{f'[{extra}]' if extra else ''}: works", flush=True)


if __name__ == "__main__":
    main()
