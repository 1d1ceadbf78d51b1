"""
Artifacts of real contracts, from npm packages, fetched once into the ignored folder .cache/npm-abis.

For tests and for benchmarks.
"""

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from . import locks  # relative, since benchmarks import this module as tests.support.npm_abis

CACHE = locks.CACHE / "npm-abis"

PACKAGES = {
    "@openzeppelin/contracts": "5.4.0",
    "@uniswap/v3-core": "1.0.1",
    "@opensea/seaport-js": "4.3.0",
    "@chainlink/contracts": "1.5.0",
}
"""Exact versions, so that a failure means a change of ours; without dependencies, only their files count."""


class Unavailable(Exception):  # noqa: N818 - reads as the state it reports
    """A package can't be had: npm isn't installed, or reaches no network."""


def json_files(package: str) -> list[Path]:
    """The JSON files of a package of `PACKAGES`."""
    return sorted(npm_package(package, PACKAGES[package]).rglob("*.json"))


def npm_package(name: str, version: str) -> Path:
    """
    The folder of a package, without what it depends on; fetched the first time.

    Raises:
        Unavailable: It isn't there, and can't be fetched.
    """
    folder = CACHE / f"{name.replace('/', '-').removeprefix('@')}-{version}"
    with locks.one_at_a_time("npm-abis"):
        if not folder.is_dir():
            fetch(f"{name}@{version}", folder)
    return folder / "package"


def fetch(package: str, folder: Path) -> None:
    """Fetch a package: into a folder beside first, so that a broken run leaves nothing that looks whole."""
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm is not installed")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        packed = subprocess.run(
            [npm, "pack", "--silent", "--ignore-scripts", package],
            cwd=temporary, capture_output=True, text=True, timeout=100,
        )  # fmt: skip
        if packed.returncode != 0:
            raise Unavailable(f"npm can't fetch {package}: {packed.stderr.strip()[-300:]}")
        [archive] = Path(temporary).glob("*.tgz")
        with tarfile.open(archive) as files:
            files.extractall(Path(temporary) / "whole", filter="data")
        (Path(temporary) / "whole").rename(folder)


def event_items(document: Any) -> list[dict[str, Any]] | None:
    """The events of a file's ABI as they stand there; None if the file has no ABI."""
    items = document.get("abi") if isinstance(document, dict) else document
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return None
    return [item for item in items if item.get("type") == "event"]
