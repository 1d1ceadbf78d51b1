"""
Prints the blocking half of what the SDK writes for asyncio: each folder `_async/` → `_sync/` beside it.

The calls of `with_raw_response` are printed, too, for both halves: see `raw_responses.py`.

    python generator/twins.py            # print it
    python generator/twins.py --check    # fail where a printed file is not what its source gives

To add a file, write it into a folder `_async/` of the SDK and run `make generate`. Write it with the
printing in mind; nothing is mended afterwards:

- Names say which half they belong to: a class `AsyncThing` is printed as `SyncThing`, a function `do_async`
  as `do`. `EventStreamer` and `StreamingClient` become their `Sync…` twins; stores of databases lose their
  `Async`, as `SQLCheckpoint` does.
- What differs by more than a word (a lock, a wait, a start) stands behind a name of its own in two modules,
  `…on_loop.py` and `…on_threads.py`, which are written by hand: an import of the one is printed as an import
  of the other.
- Docstrings and comments are printed by the same rules, examples included. Where they speak of the world they
  are in, the words are "for asyncio", printed as "blocking".

ruff formats what is printed by the project's own settings, sorts its imports, and drops those not needed.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import raw_responses

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path("sdk") / "event_streamer_sdk"
FIRST_LINE = "# Printed from _async/{name} by `make generate`. Change it there, never here.\n"

SUBSTITUTIONS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # The language's words, and its names for what is awaited.
        (r"\basync (def|for|with)\b", r"\1"),
        (r"\bawait ", ""),
        (r"\b__a(enter|exit|iter|next)__\b", r"__\1__"),
        (r"\b(Stop)?Async(Iterable|Iteration|Iterator|Generator)\b", r"\1\2"),
        (r"\b(a)(close|closing|next|iter_raw|iter_bytes|iter_lines)\b", r"\2"),
        (r"\basync(contextmanager)\b", r"\1"),
        (r"\bAbstractAsync(ContextManager)\b", r"Abstract\1"),
        # Other libraries' names.
        (r"\bhttpx\.Async", "httpx."),
        (r"\bAsync(HTTPTransport|BaseTransport)\b", r"\1"),
        (r"\bredis\.asyncio\b", "redis"),
        # Ours.
        (r"\bAsync(?=SQL|Redis|Database)", ""),
        (r"\bAsync(?=[A-Z])", "Sync"),
        (r"\b(EventStreamer|StreamingClient)\b", r"Sync\1"),
        (r"\b_async\b", "_sync"),
        (r"_async\b", ""),
        (r"on_loop\b", "on_threads"),
        (r"\bfor asyncio\b", "blocking"),
    )
]


def blocking(text: str) -> str:
    """
    Say in blocking words what is said in those of asyncio.

    Args:
        text: Source text for asyncio.

    Returns:
        Its blocking half, not formatted yet.
    """
    for pattern, replacement in SUBSTITUTIONS:
        text = pattern.sub(replacement, text)
    return text


def formatted(text: str, target: Path) -> str:
    """
    Let ruff sort imports, drop those that only asyncio needs, write `yield from`, and format.

    Args:
        text: Source text.
        target: Where it belongs; ruff takes the settings that hold there.

    Returns:
        The text, formatted.
    """
    ruff = Path(sys.executable).parent / "ruff"
    fixing = ["check", "--fix-only", "--config", 'lint.extend-safe-fixes=["UP028"]']
    for arguments in (fixing, ["format"]):
        done = subprocess.run(
            [ruff, *arguments, "--quiet", "--no-cache", "--stdin-filename", target, "-"],
            input=text, capture_output=True, text=True, check=False, cwd=target.parent,
        )  # fmt: skip
        if done.returncode != 0:
            raise SystemExit(f"{target} can't be printed: {done.stderr}")
        text = done.stdout
    return text


def twins(root: Path) -> Iterator[tuple[Path, str]]:
    """
    Print every file.

    Args:
        root: The project.

    Yields:
        The path of each printed file, and the text it has to have.
    """
    sources = {path: path.read_text(encoding="utf-8") for path in (root / PACKAGE).rglob("_async/*.py")}
    folder = root / PACKAGE / "_async"
    calls = [sources[folder / name] for name in raw_responses.SOURCES if folder / name in sources]
    if len(calls) == len(raw_responses.SOURCES):
        target = folder / raw_responses.TARGET
        sources[target] = formatted(raw_responses.raw_half(calls), target)
        yield target, sources[target]
    for source, text in sorted(sources.items()):
        target = source.parents[1] / "_sync" / source.name
        yield target, formatted(FIRST_LINE.format(name=source.name) + blocking(text), target)


def main(arguments: list[str] | None = None) -> int:
    """
    Run the command.

    Args:
        arguments: The command line without the program's name; by default the process's own.

    Returns:
        The exit code: 0, or 1 where `--check` found a difference.
    """
    parser = argparse.ArgumentParser(description="Print the blocking half of the SDK from its asyncio half.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 where a file differs")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project (default: this one)")
    options = parser.parse_args(arguments)
    wanted = dict(twins(options.root))
    printed = {*wanted, *(options.root / PACKAGE).rglob("_sync/*.py")}
    there = {path: path.read_text(encoding="utf-8") for path in printed if path.exists()}
    differing = sorted(path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path))
    for path in differing:
        if options.check:
            print(f"{path.relative_to(options.root)} is not what _async gives", file=sys.stderr)
        elif path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    if differing and options.check:
        print("change _async/, never _sync/, and run `make generate`", file=sys.stderr)
    return 1 if differing and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
