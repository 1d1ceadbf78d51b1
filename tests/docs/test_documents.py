"""What README and the guides show is run, as a reader would: one snippet alone, or all from top to bottom."""

import asyncio
import functools
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from event_streamer_sdk import SyncEventStreamer
from event_streamer_service import LocalService
from support.documents import Block, blocks, run_python
from support.locks import one_at_a_time
from support.postgres import cluster

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if path.parent.name != "generated"),
]
ADDRESS = "http://localhost:8000"
"""Where documentation says the service is; here it is where the test's own service listens."""

DATABASE = "postgresql://localhost/chain"
"""Where documentation says the user's database is."""

RUN = {"python", "console"}
SHOWN = {"", "text", "json", "toml", "ini", "yaml", "solidity", "sql"}
"""Languages of blocks that are only looked at."""


SNIPPETS = [
    block for path in DOCUMENTS for block in blocks(path) if block.language in RUN and not block.not_run
]


@pytest.fixture
def service() -> Iterator[LocalService]:
    with LocalService() as running:
        yield running


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    with cluster() as url:
        yield url


class Reader:
    """Somebody who types in what a document shows, in an empty folder, with a running service at hand."""

    def __init__(self, service: LocalService, folder: Path, new_database: Callable[[], str]) -> None:
        self.url = service.url
        self._folder = folder
        self._new_database = functools.cache(new_database)

    def keep(self, block: Block) -> None:
        """Put a block into the file that it is called."""
        if block.file:
            (self._folder / block.file).write_text(self._code(block))

    def run(self, block: Block) -> None:
        """Run a block by itself: a program, or the commands of one shell."""
        if block.language == "python":
            with asyncio.Runner() as runner:
                run_python(block, self._code(block), {"__name__": "__main__"}, runner)
        else:
            run_commands(block, self._code(block))

    def _code(self, block: Block) -> str:
        code = block.code.replace(ADDRESS, self.url)
        return code.replace(DATABASE, self._new_database()) if DATABASE in code else code


@pytest.fixture
def reader(
    service: LocalService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Reader]:
    def new_database() -> str:
        server: str = request.getfixturevalue("database_server")
        name = f"chain_{secrets.token_hex(4)}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"{server}/{name}"

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # a snippet may import the file that is shown above it
    before = set(sys.modules)
    monkeypatch.setenv("EVENT_STREAMER_URL", service.url)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    yield Reader(service, tmp_path, new_database)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=str)
def test_a_snippet_works_alone_and_a_second_time(snippet: Block, reader: Reader) -> None:
    """With nothing but the files that its document shows, and nothing from the blocks above it."""
    for block in blocks(snippet.path):
        reader.keep(block)
    if snippet.file is None:
        reader.run(snippet)
        reader.run(snippet)


@pytest.mark.timeout(300)  # a page may start dozens of processes
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_does_what_it_shows_from_top_to_bottom(document: Path, reader: Reader) -> None:
    for block in blocks(document):
        reader.keep(block)
        if block in SNIPPETS and block.file is None:
            reader.run(block)


def test_two_workers_of_the_lease_example_share_the_work(service: LocalService, tmp_path: Path) -> None:
    (snippet,) = (
        block for block in SNIPPETS if block.path.name == "streaming.md" and "lease_seconds=" in block.code
    )
    program = tmp_path / "worker.py"
    program.write_text(snippet.code.replace(ADDRESS, service.url))
    workers = [
        subprocess.Popen([sys.executable, program], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    lines = [line for worker in workers for line in worker.communicate(timeout=60)[0].splitlines()]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert len(lines) > 50
    assert len(lines) == len(set(lines)), "a transfer was handled by both"
    with SyncEventStreamer(service.url, "my-app") as client:
        assert client.list_subscriptions().total == 1


def run_commands(block: Block, code: str) -> None:
    """Run the lines behind a prompt in one shell; others are what is shown."""
    lines = [line[2:] for line in code.replace("\\\n", " ").splitlines() if line.startswith("$ ")]
    script = "\n".join(["set -euo pipefail", *lines])
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, f"{block}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_is_run_or_says_why_not(document: Path) -> None:
    for block in blocks(document):
        assert block.language in RUN | SHOWN, f"{block}: a block of {block.language!r} is never run"
        if block.language == "console" and not block.not_run:
            assert "$ " in block.code, f"{block}: no line begins with a prompt"


@pytest.fixture(scope="module")
def generated_pages() -> None:
    """Write the pages that are made from the code, as each build of the site does first."""
    write = "import pathlib, tools.site as site; site.write_pages(pathlib.Path('docs/generated'))"
    with one_at_a_time("site"):
        subprocess.run([sys.executable, "-c", write], cwd=ROOT, check=True)


@pytest.mark.usefixtures("generated_pages")
@pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / "CHANGELOG.md"], ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        linked = (document.parent / name).resolve() if name else document
        assert linked.exists(), f"{document.name} links to {target}, which isn't there"
        if heading:
            assert heading in headings(linked), f"{document.name} links to {target}: no such heading"


def test_every_target_of_make_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE)) - {"help"}
    phony = {
        name for names in re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE) for name in names.split()
    }
    assert phony == targets | {"help"}
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([a-z-]+)  +\w", shown, re.MULTILINE)) == targets | {"help"}
    work_on_it = (ROOT / "README.md").read_text("utf-8").partition("## Work on it")[2]
    named = {
        name
        for row in re.findall(r"^\|(.+?)\|", work_on_it, re.MULTILINE)
        for name in re.findall(r"`make ([a-z-]+)`", row)
    }
    assert named == targets


def headings(document: Path) -> set[str]:
    """The anchors of a document's headings, made as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}
