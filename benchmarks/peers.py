"""
Environments of their own for every contestant, made on first use under ``.cache/benchmarks``.

Ourselves are installed twice, editable: ``plain`` as ``pip install event-streamer-sdk`` leaves it, and
``fast`` with the ``[fast]`` extra. faster-eth-abi pins eth-abi 5, hence a place of its own.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "benchmarks"

REQUIREMENTS: dict[str, list[str]] = {
    "plain": ["--editable", str(ROOT)],
    "fast": ["--editable", f"{ROOT}[fast]"],
    "observed": ["--editable", f"{ROOT}[fast,metrics,otel]", "opentelemetry-sdk"],
    "service": ["--editable", f"{ROOT}[fast,service,cli]"],
    "sinks": ["--editable", f"{ROOT}[fast,sinks]"],
    "published": ["event-streamer-sdk==0.5.0"],
    "by_hand": ["aiohttp", "orjson"],
    "eth_abi": ["eth-abi==6.*", "eth-utils==6.*", "pycryptodome"],
    "faster_eth_abi": ["faster-eth-abi", "pycryptodome"],
    "web3": ["web3==8.*"],
    "frames_web3": ["web3==8.*", "pandas"],
    "cryo": ["cryo==0.3.2", "polars", "pyarrow"],
}
"""What pip installs into each environment."""

NAMED = {
    "plain": ["httpx", "httptools", "attrs"],
    "fast": ["msgspec"],
    "observed": ["opentelemetry-api", "opentelemetry-sdk", "prometheus-client"],
    "service": ["starlette", "uvicorn", "sqlalchemy"],
    "sinks": ["pyarrow", "psycopg", "redis", "confluent-kafka", "nats-py"],
    "published": ["event-streamer-sdk", "aiohttp", "pydantic"],
    "by_hand": ["aiohttp", "orjson"],
    "eth_abi": ["eth_abi"],
    "faster_eth_abi": ["faster-eth-abi", "eth_abi"],
    "web3": ["web3"],
    "frames_web3": ["web3", "pandas"],
    "cryo": ["cryo"],
}
"""The packages of each whose versions stand in the results."""


def python(name: str) -> Path:
    """
    Return the interpreter of the environment ``name``, made now if it is missing or its requirements changed.

    Args:
        name: A key of REQUIREMENTS.
    """
    folder = CACHE / name
    interpreter = folder / "bin" / "python"
    stamp = folder / "requirements.sha256"
    wanted = hashlib.sha256(
        json.dumps([REQUIREMENTS[name], sys.version, _dependencies()]).encode()
    ).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return interpreter
    print(f"making the environment {name}: {' '.join(REQUIREMENTS[name])}", file=sys.stderr)
    if not interpreter.exists():
        venv.create(folder, with_pip=True, clear=True)
    subprocess.run(
        [
            interpreter,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--quiet",
            "--disable-pip-version-check",
            *REQUIREMENTS[name],
        ],
        check=True,
    )
    stamp.write_text(wanted)
    return interpreter


def _dependencies() -> object:
    """Return what pyproject.toml names, so that a change of it makes our environments anew."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [project["dependencies"], project["optional-dependencies"]]


def versions(name: str) -> dict[str, str]:
    """Return the installed version of each package in NAMED[name]."""
    code = (
        "import importlib.metadata as m, json, sys; print(json.dumps([m.version(n) for n in sys.argv[1:]]))"
    )
    done = subprocess.run(
        [python(name), "-c", code, *NAMED[name]], check=True, capture_output=True, text=True
    )
    return dict(zip(NAMED[name], json.loads(done.stdout), strict=True))
