"""What is generated is typed: mypy (strict) and pyright find nothing in it, and find users' mistakes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.npm_abis import Unavailable, npm_package

from .conftest import Trials

MYPY = [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.11", "--config-file", ""]
PYRIGHT = "1.1.414"
USER = """\
import datetime
from uuid import UUID

from event_streamer_api.client import AsyncCalls, SyncCalls
from event_streamer_api.models import (
    BodyMultipartBody, Cat, Dog, Enums, File, Names, Point, Side, Times, Unions, Unknown,
)

def sync(client: SyncCalls) -> list[Point]:
    client.query_all(from_=datetime.date(2026, 1, 31), sides=[Side.BUY], deep=Point(x=1))
    client.query_all(either=UUID(int=1))
    client.body_multipart(BodyMultipartBody(file=File(b"a", "a.txt"), point=Point(x=1)))
    client.body_several(b"raw")
    animal: Cat | Dog | Unknown = client.answer_union()
    several: Point | int | str | None = client.answer_several()
    counts: dict[str, int] = client.answer_map()
    nothing: Point | None = client.answer_nullable()
    print(animal, several, counts, nothing)
    return client.answer_list()

async def asynchronous(client: AsyncCalls) -> bytes:
    side: Side = await client.answer_enum()
    text: str = Enums(side=side).side.value
    day: datetime.date = Times(at=datetime.datetime.now()).day
    names = Names(from_="a", class_="b", type="c")
    print(text, day, names.type, names.from_, Unions(animal=Cat(lives=1), types=3))
    return await client.answer_bytes()

def wrong(client: SyncCalls) -> None:
    client.query_all(from_="2026-01-31")  # error
    client.body_list([1])  # error
    Point()  # error
    Point(x="1")  # error
    Enums(side=5)  # error
    Times(at="now")  # error
    text: str = client.answer_number()  # error
    print(text)
"""
WRONG = {number for number, line in enumerate(USER.splitlines(), 1) if line.endswith("# error")}


@pytest.fixture
def user(trials: Trials) -> Path:
    path = trials["3.1"].folder / "user.py"
    path.write_text(USER, encoding="utf-8")
    return path


def test_mypy_finds_the_users_mistakes_and_no_others(user: Path) -> None:
    done = subprocess.run(
        [*MYPY, "--cache-dir", user.parent / ".mypy", "event_streamer_api", "user.py"],
        capture_output=True, text=True, check=False, cwd=user.parent,
    )  # fmt: skip
    found = re.findall(r"^(\S+):(\d+): error:", done.stdout, re.MULTILINE)
    assert {(path, int(line)) for path, line in found} == {("user.py", line) for line in WRONG}, done.stdout


@pytest.mark.parametrize("document", ["3.0", "changes", "own"])
def test_mypy_finds_nothing_in_what_is_generated(document: str, trials: Trials) -> None:
    folder = trials[document].folder
    done = subprocess.run(
        [*MYPY, "--cache-dir", folder / ".mypy", "event_streamer_api"],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.npm
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_pyright_finds_the_users_mistakes_and_no_others(user: Path) -> None:
    try:
        index = npm_package("pyright", PYRIGHT) / "index.js"
    except Unavailable as reason:
        pytest.skip(str(reason))
    package = user.parent / "event_streamer_api"
    done = subprocess.run(
        ["node", index, "--pythonpath", sys.executable, "--outputjson", user, package],
        capture_output=True, text=True, check=False, cwd=user.parent,
    )  # fmt: skip
    found = json.loads(done.stdout)["generalDiagnostics"]
    told = {(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in found}
    assert told == {("user.py", line) for line in WRONG}, [
        each for each in found if "user.py" not in each["file"]
    ][:9]
