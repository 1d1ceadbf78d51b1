"""Pages that stand elsewhere in the repository: results, examples, changelog, and how to contribute."""

from __future__ import annotations

import re
from pathlib import Path


def benchmarks(root: Path) -> str:
    """Give the last results of `make bench`."""
    return _moved(root, "benchmarks/RESULTS.md", "Benchmarks")


def faults(root: Path) -> str:
    """Give the last results of `make compare-faults`."""
    return _moved(root, "tests/comparison/RESULTS.md", "Faults")


def changelog(root: Path) -> str:
    """Give the changelog."""
    return _moved(root, "CHANGELOG.md", "Changelog")


def contributing(root: Path) -> str:
    """Give how to contribute."""
    return _moved(root, "CONTRIBUTING.md", "Contributing")


def reporting(root: Path) -> str:
    """Give how to report a weakness."""
    return _moved(root, "SECURITY.md", "Security policy")


def examples(root: Path) -> str:
    """Show every program of `examples/` whole, with its docstring as the introduction."""
    lines = [
        "# Example programs\n",
        "Whole programs, each run by a test. They need a service on `http://localhost:8000` "
        "(`event-streamer serve`), or another one named by `EVENT_STREAMER_URL`.\n",
    ]
    for path in sorted((root / "examples").glob("*.py")):
        code = path.read_text("utf-8")
        if "__main__" not in code and "FastAPI" not in code:
            continue
        docstring = re.match(r'"""\n?(.+?)"""', code, re.DOTALL)
        assert docstring, path
        summary = docstring[1].strip().partition("\n\n")[0].replace("\n", " ")
        lines += [f"## {path.name}\n", f"{summary}\n", f"```python\n{code.rstrip()}\n```\n"]
    return "\n".join(lines)


def _moved(root: Path, name: str, title: str) -> str:
    """Take a page of the repository: its links lead on from where the page is now."""
    text = (root / name).read_text("utf-8")
    text = re.sub(r"\A# .+", f"# {title}", text)
    folder = Path(name).parent

    def link(found: re.Match[str]) -> str:
        target = found[1]
        if "://" in target or target.startswith("#"):
            return found[0]
        return f"](../../{folder / target})".replace("(../../docs/", "(../")

    return re.sub(r"\]\(([^)\s]+)\)", link, text)
