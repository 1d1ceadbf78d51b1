"""HAProxy in front of replicas, as Debian has it, with what the documentation says to write for them."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from support.ports import own_port

_DEPLOYMENT = Path(__file__).resolve().parents[2] / "docs" / "deployment.md"
_BEFORE = """
global
    maxconn 1000
defaults
    mode http
    timeout connect 5s
    timeout client 90s
    timeout server 90s
    option http-no-delay
frontend streamer
    bind 127.0.0.1:{port}
    http-request set-header Host 127.0.0.1
    default_backend replicas
"""
STICKY = """
    stick-table type ip size 10k expire 30m
    stick on src
"""
"""Every caller of an address goes to the replica that it went to before."""


def is_here() -> bool:
    """Tell whether it is installed."""
    return shutil.which("haproxy", path="/usr/sbin:/usr/bin") is not None


def _documented(ports: list[int]) -> str:
    """Return the documented backend, with these servers."""
    (block,) = re.findall(r"```text\n(backend replicas\n.+?)```", _DEPLOYMENT.read_text("utf-8"), re.DOTALL)
    options = re.findall(r"^ *server \S+ \S+(.*)$", block, re.MULTILINE)[0]
    servers = "\n".join(f"    server r{port} 127.0.0.1:{port}{options}" for port in ports)
    return re.sub(r"^ *server .*\n", "", block, flags=re.MULTILINE) + servers + "\n"


@contextmanager
def haproxy(folder: Path, ports: list[int], more: str = "") -> Iterator[str]:
    """
    Run it in front of replicas.

    Args:
        folder: For its configuration.
        ports: Of the replicas.
        more: Further lines of its backend.

    Yields:
        Its URL.
    """
    port = own_port()
    (folder / "haproxy.cfg").write_text(_BEFORE.format(port=port) + _documented(ports) + more)
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    command = ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]
    with (folder / "haproxy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            _wait(f"http://127.0.0.1:{port}/health", folder, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def _wait(url: str, folder: Path, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + 30
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError((folder / "haproxy.log").read_text("utf-8", "replace")[-2000:])
