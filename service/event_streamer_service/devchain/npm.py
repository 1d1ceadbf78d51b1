"""Programs that come from npm (the anvil node, the Solidity compiler), kept in a cache folder of the user."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

CACHE_VARIABLE = "EVENT_STREAMER_CACHE"
"""Environment variable that names another cache folder."""


class NpmError(Exception):
    """A program from npm can't be had; the message says what to do."""


def cache_folder() -> Path:
    """Return the folder for downloaded programs: `$EVENT_STREAMER_CACHE`, or the user's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    root = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(root) / "event-streamer-sdk"


def program(name: str) -> str:
    """
    Return the path of `npm` or `node`.

    Raises:
        NpmError: It is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise NpmError(
            f"{name} is needed and not installed: install Node.js (https://nodejs.org), then try again"
        )
    return path


def install(package: str, version: str) -> Path:
    """
    Install a package once, without its scripts, and return its `node_modules` folder.

    Args:
        package: Its name, scope included.
        version: Its exact version.

    Raises:
        NpmError: npm is missing or failed.
    """
    target = cache_folder() / f"{package.replace('/', '-').removeprefix('@')}-{version}"
    modules = target / "node_modules"
    if (modules / package).is_dir():
        return modules
    npm = program("npm")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Into a folder of its own first, so that a broken download or a second process does no harm.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".npm-") as fresh:
        done = subprocess.run(  # noqa: S603 - our own command, no input from outside
            [
                npm,
                "install",
                "--prefix",
                fresh,
                "--no-save",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                f"{package}@{version}",
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=fresh,
        )
        if done.returncode or not (Path(fresh) / "node_modules" / package).is_dir():
            lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            reason = next((line for line in lines if "error" in line.lower()), "no reason given")
            raise NpmError(f"npm could not install {package} {version}: {reason}")
        try:
            Path(fresh).rename(target)
        except OSError:  # another process was faster
            if not (modules / package).is_dir():
                raise
        else:
            Path(fresh).mkdir()  # for the temporary folder's own clean-up
    return modules
