"""
Generates the construct documents once in a test run, and runs code against what comes out of them.

The generated package has the name of the project's own, so the code runs in a process of its own, where it
is found first. That process stays, since to start one for each test would take longer than the tests.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# Runs in the child: a line of JSON in, a line of JSON out.
_CHILD = """\
import json, sys, traceback
for line in sys.stdin:
    scope = {"__name__": "child"}
    try:
        exec(compile(json.loads(line), "<code of the test>", "exec"), scope)
        told = None
    except BaseException:
        told = traceback.format_exc()
    sys.stderr.flush()
    sys.__stdout__.write(json.dumps(told) + "\\n")
    sys.__stdout__.flush()
"""

PREAMBLE = """\
import asyncio, copy, datetime, json, pickle, warnings
from uuid import UUID
from event_streamer_api import models
from event_streamer_api.models import *
from event_streamer_api.models import File, Unknown
from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.exceptions import EventStreamerValidationError, EventStreamerResponseError
from support.echo_server import Echo

def refused(build, *told):
    try:
        made = build()
    except EventStreamerValidationError as error:
        for each in told:
            assert each in str(error), f"{each!r} is not in {error}"
        return error
    raise AssertionError(f"{made!r} was taken")

def round_trip(model, value):
    made = model.from_dict(value)
    assert json.loads(json.dumps(made.to_dict())) == value, (made, made.to_dict(), value)
    assert copy.deepcopy(made) == made == pickle.loads(pickle.dumps(made))
    return made

def both(echo, call, check):
    with SyncEventStreamer(echo.url, "me", max_retries=0) as client:
        check(call(client), echo.take())
    async def main():
        async with EventStreamer(echo.url, "me", max_retries=0) as client:
            check(await call(client), echo.take())
    asyncio.run(main())
"""


class Trial:
    """
    A package that was generated from another document than the project's.

    Attributes:
        document: What it was generated from.
        folder: The folder that holds the package.
        told: What the generator said on standard error.
        said: What it said on standard output.
    """

    def __init__(self, document: Path, folder: Path) -> None:
        self.document = document
        self.folder = folder
        done = subprocess.run(
            [sys.executable, ROOT / "generator" / "generate.py", "--spec", document, "--out", folder],
            capture_output=True, text=True, check=False, cwd=folder.parent,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        self.told, self.said = done.stderr, done.stdout
        self._child: subprocess.Popen[str] | None = None

    def environment(self) -> Mapping[str, str]:
        paths = [self.folder, ROOT / "tests", ROOT / "sdk"]
        return {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(map(str, paths)), "PYTHONWARNINGS": "error"}

    def run(self, code: str, **names: Any) -> None:
        """Run code behind the preamble, with some names that are JSON values; fail as it fails."""
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-u", "-c", _CHILD],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(self.environment()),
            )  # fmt: skip
        assert self._child.stdin
        assert self._child.stdout
        given = "".join(f"{name} = json.loads({json.dumps(value)!r})\n" for name, value in names.items())
        self._child.stdin.write(json.dumps(f"{PREAMBLE}{given}{code}") + "\n")
        self._child.stdin.flush()
        told = json.loads(self._child.stdout.readline() or '"the child has ended"')
        assert told is None, told

    def close(self) -> None:
        if self._child is not None and self._child.stdin:
            self._child.stdin.close()
            self._child.wait(timeout=30)
            assert self._child.stdout
            self._child.stdout.close()
