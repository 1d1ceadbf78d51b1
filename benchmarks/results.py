"""The file of results: a section for each part, the machine, and the notes that are kept by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

NOTES = Path(__file__).parent / "NOTES.md"
"""What was found out about the lines that miss their target. Only this is written by hand."""

MACHINE = "Machine and versions"

INTRODUCTION = """\
# Results

Written by `make bench`: all but the notes at the end, which are NOTES.md. Each section says when it was
measured and what else the machine did. A ratio says how many times as good as the peer in its row: above 1 is
better. It is the median of the ratios within each interleaved round, so it holds on a busy machine; the
seconds beside it are medians and belong to this run alone. CPU seconds are user and system time of the
client's process (getrusage); "per CPU s" counts events, calls or logs.
"""


def write(path: Path, order: Sequence[str], sections: Mapping[str, str], machine: str) -> None:
    """
    Write the results.

    Args:
        path: The file. Sections of parts that were not run stay as they are in it.
        order: The titles of all sections, in order.
        sections: Title → text of those that are new.
        machine: What is to be said of the machine.
    """
    every = {**_sections_in(path), **sections, MACHINE: machine}
    parts = [f"## {title}\n\n{every[title]}" for title in (*order, MACHINE) if title in every]
    text = "\n\n".join(part.strip() for part in [INTRODUCTION, *parts, NOTES.read_text()])
    path.write_text(text + "\n")


def _sections_in(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    _, *parts = path.read_text().split("\n## ")
    pairs = (part.partition("\n") for part in parts)
    return {title.strip(): text.strip() for title, _, text in pairs}
