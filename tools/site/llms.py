"""The file llms.txt (https://llmstxt.org): what the documentation holds, for programs that read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

INTRODUCTION = """\
# event-streamer-sdk

> Python client, blocking and asyncio, that streams decoded events of EVM contracts from an Event Streamer service:
> in order, at least once, resumable after any crash. A service of its own, to run on your nodes and in tests, comes along.

`EventStreamer` (asyncio) and `SyncEventStreamer` (blocking) have the same methods. The links lead to the pages'
Markdown.
"""


def write(app: Sphinx, problem: Exception | None) -> None:
    """Write llms.txt, with every page in the order of the site's table of contents, and llms-full.txt."""
    if problem is not None or app.builder.name != "html":
        return
    lines, whole = [INTRODUCTION], [INTRODUCTION]
    for caption, pages in _chapters(app):
        lines.append(f"## {caption}\n")
        for page in pages:
            lines.append(
                f"- [{app.env.titles[page].astext()}](_sources/{page}.md.txt): {_summary(app, page)}"
            )
            if not page.startswith("generated/"):
                whole.append((Path(app.srcdir) / f"{page}.md").read_text("utf-8").strip() + "\n")
        lines.append("")
    out = Path(app.outdir)
    (out / "llms.txt").write_text("\n".join(lines), "utf-8")
    (out / "llms-full.txt").write_text("\n".join(whole), "utf-8")


def _chapters(app: Sphinx) -> list[tuple[str, list[str]]]:
    """The tables of contents of the start page, each with its caption."""
    from sphinx import addnodes

    root = app.env.get_doctree(app.config.root_doc)
    return [
        (toctree["caption"], [page for _, page in toctree["entries"] if "self" not in page])
        for toctree in root.findall(addnodes.toctree)
    ]


def _summary(app: Sphinx, page: str) -> str:
    """The first sentence of a page."""
    paragraph = next(app.env.get_doctree(page).findall(nodes.paragraph), None)
    text = paragraph.astext() if paragraph else ""
    return " ".join(text.split()).split(". ")[0].rstrip(".:") + "."
