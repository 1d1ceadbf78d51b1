"""What README and the guides show is run, as a reader would who types it in from top to bottom."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from event_streamer_service import LocalService
from support.documents import Block, blocks, run_python

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ADDRESS = "http://localhost:8000"
"""Where documentation says the service is; here it is where the test's own service listens."""

RUN = {"python", "console"}
SHOWN = {"", "text", "json", "toml", "ini", "yaml", "solidity"}
"""Languages of blocks that are only looked at."""


@pytest.fixture
def service() -> Iterator[LocalService]:
    with LocalService() as running:
        yield running


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_does_what_it_shows(
    document: Path, service: LocalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVENT_STREAMER_URL", service.url)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with asyncio.Runner() as runner:
        for block in blocks(document):
            if block.not_run:
                continue
            code = block.code.replace(ADDRESS, service.url)
            if block.file:
                Path(block.file).write_text(code)
            elif block.language == "python":
                run_python(block, code, namespace, runner)
            elif block.language == "console":
                run_commands(block, code)


def run_commands(block: Block, code: str) -> None:
    """Run the lines behind a prompt; a backslash goes on with the next line, others are what is shown."""
    for command in code.replace("\\\n", " ").splitlines():
        if not command.startswith("$ "):
            continue
        done = subprocess.run(
            ["bash", "-c", command[2:]], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, f"{block}: {command}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_is_run_or_says_why_not(document: Path) -> None:
    for block in blocks(document):
        assert block.language in RUN | SHOWN, f"{block}: a block of {block.language!r} is never run"
        if block.language == "console" and not block.not_run:
            assert "$ " in block.code, f"{block}: no line begins with a prompt"


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
