"""
A real node to develop and test against: anvil, from npm, started on a free port.

    with Anvil() as node:
        token = DevToken.deploy(node)
        token.transfer(node.accounts()[1], 5)

The npm package `@foundry-rs/anvil` only chooses among platform packages; we fetch the right one of these and
start its binary itself, without Node.js in between.
"""

from __future__ import annotations

import contextlib
import os
import platform
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from . import npm
from .node import DevNode

__all__ = ["Anvil", "AnvilError", "find_anvil"]

ANVIL_VERSION = "1.7.1"
BINARY_VARIABLE = "EVENT_STREAMER_ANVIL"
"""Environment variable that names another anvil binary."""

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"linux": "linux", "darwin": "darwin", "windows": "win32"}
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0


class AnvilError(Exception):
    """anvil can't be had or does not start; the message says why."""


def find_anvil() -> Path:
    """
    Return the anvil binary, installing it through npm on first use.

    Raises:
        AnvilError: There is none for this machine, or npm is missing or failed.
    """
    chosen = os.environ.get(BINARY_VARIABLE)
    if chosen:
        if not Path(chosen).is_file():
            raise AnvilError(f"{BINARY_VARIABLE} names {chosen}, which is not a file")
        return Path(chosen)
    system = _SYSTEMS.get(platform.system().lower())
    machine = _MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise AnvilError(f"anvil has no build for {platform.system()} on {platform.machine()}")
    package = f"@foundry-rs/anvil-{system}-{machine}"
    try:
        modules = npm.install(package, ANVIL_VERSION)
    except npm.NpmError as error:
        raise AnvilError(str(error)) from None
    binary = modules / package / "bin" / ("anvil.exe" if system == "win32" else "anvil")
    if not binary.is_file():
        raise AnvilError(f"{package} {ANVIL_VERSION} holds no anvil binary")
    binary.chmod(binary.stat().st_mode | 0o111)
    return binary


class Anvil(DevNode):
    """
    An anvil process. A context manager; also `start` and `stop` by hand.

    Args:
        chain_id: The chain that it stands in for.
        block_time: Seconds between two blocks; `None` mines a block for each transaction.
        state: File that keeps the chain from one start to the next.
        port: Where it listens on loopback; 0 takes a free port.
        options: Further command-line options.

    Raises:
        AnvilError: On start: there is no anvil, or it does not come up.
    """

    def __init__(
        self,
        *,
        chain_id: int = 31_337,
        block_time: float | None = None,
        state: str | os.PathLike[str] | None = None,
        port: int = 0,
        options: Sequence[str] = (),
    ) -> None:
        super().__init__("")
        self._port = port
        self._options = ["--slots-in-an-epoch", "1", "--chain-id", str(chain_id)]
        if block_time is not None:
            self._options += ["--block-time", f"{block_time:g}"]
        if state is not None:
            self._options += ["--state", os.fspath(state)]
        self._options += options
        self._process: subprocess.Popen[str] | None = None
        self._last_lines: deque[str] = deque(maxlen=20)

    def start(self) -> Anvil:
        """Start the process and wait until it listens. After `stop` it starts again on the same port."""
        binary = find_anvil()
        self._last_lines.clear()
        self._process = subprocess.Popen(  # noqa: S603 - a binary that we installed, our own options
            [str(binary), "--port", str(self._port), *self._options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        listening: queue.Queue[str | None] = queue.Queue()
        # anvil tells of every call; somebody has to read it, or the pipe fills up and it stands still.
        threading.Thread(target=self._read, args=(self._process, listening), daemon=True).start()
        try:
            address = listening.get(timeout=_START_SECONDS)
        except queue.Empty:
            address = None
        if address is None:
            self.kill()
            told = " ".join(line.strip() for line in self._last_lines if line.strip())[-300:]
            raise AnvilError(f"anvil does not start: {told or 'it says nothing'}")
        self._port = int(address.rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self._port}"
        return self

    def stop(self) -> None:
        """End the process as Ctrl-C does, so that it writes its state."""
        self.close()
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End the process at once."""
        self.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Anvil:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _read(self, process: subprocess.Popen[str], listening: queue.Queue[str | None]) -> None:
        assert process.stdout is not None
        with process.stdout, contextlib.suppress(ValueError):
            for line in process.stdout:
                self._last_lines.append(line)
                if line.startswith("Listening on "):
                    listening.put(line.removeprefix("Listening on ").strip())
        listening.put(None)
