"""Runs blocks of the document against a real service, as they stand and as a blocking program."""

import asyncio
import io
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from event_streamer_service import DevChain, LocalService
from support.documents import Block, blocks, run_python
from support.twins import Twin, twin

DOCUMENT = Path(__file__).resolve().parents[2].parent / "shared" / "product" / "seed-document.md"
ADDRESS = "http://localhost:8000"
"""Where the document says the service is; here it is where the test's own service listens."""

PATIENCE = 20.0
"""Seconds until something that has to happen counts as missing."""

BLOCKING = (
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b(?<!Sync)EventStreamer\b", "SyncEventStreamer"),
    (r"asyncio\.run\((\w+)\(\)\)", r"\1()"),
    (r"asyncio\.create_task\((\w+)\(\)\)", r"in_a_thread(\1)"),
    (r"asyncio\.sleep", "time.sleep"),
    (r"import asyncio", "import time"),
)
"""How a program for asyncio becomes a blocking one: the same calls, without await."""


def python_blocks() -> dict[tuple[str, int], Block]:
    """The Python blocks of the document, by the heading they stand under and their number there."""
    found: dict[tuple[str, int], Block] = {}
    headings = _headings(DOCUMENT.read_text("utf-8"))
    for block in blocks(DOCUMENT):
        if block.language == "python":
            heading = next(text for line, text in reversed(headings) if line < block.line)
            number = sum(1 for known, _ in found if known == heading)
            found[heading, number] = block
    return found


def _headings(text: str) -> list[tuple[int, str]]:
    """Lines and texts of the headings; a comment in a code block is none."""
    headings, fenced = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif line.startswith("#") and not fenced:
            headings.append((number, line.lstrip("# ")))
    return headings


class Scene:
    """A service, a client of it, and the names that the blocks of the document may use."""

    def __init__(self, service: LocalService, made: Twin, runner: asyncio.Runner) -> None:
        self.service = service
        self.twin = made
        self.kind = made.kind
        self.client: Any = made.client
        self.output = ""
        self._runner = runner
        self.names: dict[str, Any] = {
            "__name__": "__main__",
            "client": self.client,
            "asyncio": asyncio,
            "time": time,
            "in_a_thread": _in_a_thread,
        }

    def run(self, block: Block, *changes: tuple[str, str]) -> str:
        """
        Run a block.

        Args:
            block: The block.
            *changes: Texts of the block that are put for others, each of which has to be there.

        Returns:
            What the block printed.
        """
        code = block.code.replace(ADDRESS, self.service.url)
        for before, after in changes:
            assert before in code, f"{block} does not hold {before!r}"
            code = code.replace(before, after)
        return self.run_code(block, code)

    def run_code(self, block: Block, code: str) -> str:
        """Run code that belongs to a block, and return what it printed."""
        if self.kind == "async" and "asyncio.run(" not in code:
            code += "\nawait asyncio.sleep(0)\n"  # a block that starts tasks needs a loop that runs
        if self.kind == "sync":
            for pattern, put in BLOCKING:
                code = re.sub(pattern, put, code)
        with self.printing() as printed:
            run_python(block, code, self.names, self._runner)
        return printed()

    @contextmanager
    def printing(self) -> Iterator[Callable[[], str]]:
        """Collect what is printed; the function gives it so far."""
        target = io.StringIO()
        with redirect_stdout(target):
            yield target.getvalue
        self.output += target.getvalue()

    def wait(self, result: Any) -> Any:
        """Wait for what a method of a client gave."""
        return self.twin.run(result)

    def eventually(self, happened: Callable[[], Any]) -> Any:
        """Wait until something has happened, with the event loop running meanwhile."""

        async def turn() -> None:
            await asyncio.sleep(0.01)

        end = time.monotonic() + PATIENCE
        while not (value := happened()):
            assert time.monotonic() < end, (
                f"did not happen within {PATIENCE} s; printed: {self.output[-500:]}"
            )
            self._runner.run(turn()) if self.kind == "async" else time.sleep(0.01)
        return value

    def plain(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A stand-in for a function that the document leaves to the reader; awaited in the async kind."""
        if self.kind == "sync":
            return function

        async def awaited(*arguments: Any) -> Any:
            return function(*arguments)

        return awaited


def _in_a_thread(function: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


@contextmanager
def scene(kind: str, service: LocalService | None = None) -> Iterator[Scene]:
    """
    Set a scene.

    Args:
        kind: `async` for the document as it stands, `sync` for its blocking twin.
        service: The service; by default one on the chain that the document's examples read.
    """
    with (
        service or LocalService(DevChain(chain_id=1, first_block=19_000_000)) as running,
        asyncio.Runner() as runner,
        twin(kind, running.url, "my-app", runner=runner) as made,
    ):
        yield Scene(running, made, runner)
