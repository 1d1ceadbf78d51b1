"""Python environments of their own, for programs that must not share ours: made once, kept in `.cache`."""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from support.locks import CACHE, one_at_a_time


def environment(name: str, *requirements: str) -> Path:
    """
    Make an environment, unless it is there already.

    Args:
        name: Its folder's name.
        *requirements: What is installed, pinned.

    Returns:
        Its interpreter. Where it cannot be made the test is skipped, in CI it fails.
    """
    wanted = hashlib.sha256("\n".join([*requirements, sys.version]).encode()).hexdigest()
    folder = CACHE / f"{name}-venv"
    python, stamp = folder / "bin" / "python", folder / "requirements.sha256"
    with one_at_a_time(name):
        if not (stamp.exists() and stamp.read_text() == wanted):
            venv.create(folder, with_pip=True, clear=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            done = subprocess.run([*pip, *requirements], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                told = f"cannot install {', '.join(requirements)}: {done.stderr.strip().splitlines()[-1:]}"
                pytest.fail(told) if os.environ.get("CI") else pytest.skip(told)
            stamp.write_text(wanted)
    return python
