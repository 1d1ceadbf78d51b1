"""Code blocks of Markdown files: found, and run as a reader would who types them in from top to bottom."""

import ast
import asyncio
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^ *```\s*$", re.MULTILINE | re.DOTALL
)
COMMENT = re.compile(r"<!-- (?P<word>not run|file): (?P<text>(?:(?!-->).)+) -->\s*\Z", re.DOTALL)
"""Stands before a block: why it isn't run, or the name of the file that holds it."""


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its code, the line its code begins at, and what its comment says."""

    path: Path
    language: str
    code: str
    line: int
    not_run: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"


def blocks(path: Path) -> Iterator[Block]:
    """Find the fenced blocks of a file, in order."""
    text = path.read_text("utf-8")
    for found in FENCE.finditer(text):
        indent = len(found["indent"])
        code = "".join(
            line[indent:] if line.strip() else line for line in found["code"].splitlines(keepends=True)
        )
        line = text.count("\n", 0, found.start("code")) + 1
        comment = COMMENT.search(text, 0, found.start())
        said = {comment["word"].replace(" ", "_"): comment["text"]} if comment else {}
        yield Block(path, found["language"], code, line, **said)


def run_python(block: Block, code: str, namespace: dict[str, Any], runner: asyncio.Runner) -> None:
    """
    Run a block in a namespace that it shares with the blocks before it.

    Args:
        block: Where the code comes from, so that a traceback shows the file's own line.
        code: The code, with addresses already replaced.
        namespace: What earlier blocks defined.
        runner: Runs a block that awaits at its top level, as documentation does.
    """
    compiled = compile(
        "\n" * (block.line - 1) + code, str(block.path), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    if compiled.co_flags & inspect.CO_COROUTINE:
        runner.run(eval(compiled, namespace))
    else:
        exec(compiled, namespace)
