"""
What `docs/conf.py` adds to Sphinx: pages made from the code and from result files, links, and llms.txt.

Pages that would only repeat what stands elsewhere are written anew before each build, into `docs/generated`,
which git doesn't hold: every public name, every command, every call of `openapi.yaml`, metrics, benchmarks.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import command_line, links, llms, metrics, names, rest, results, signatures

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent.parent

PAGES = {
    "clients.md": names.clients,
    "streaming-clients.md": names.streaming_clients,
    "models.md": names.models,
    "exceptions.md": names.exceptions,
    "checkpoints.md": names.checkpoints,
    "workers-api.md": names.workers,
    "sinks-api.md": names.sinks,
    "frames-api.md": names.frames,
    "abi-api.md": names.abi,
    "service-api.md": names.service,
    "commands.md": command_line.page,
    "rest.md": rest.page,
    "metrics.md": metrics.page,
    "benchmarks.md": results.benchmarks,
    "faults.md": results.faults,
    "example-programs.md": results.examples,
    "changelog.md": results.changelog,
    "contributing.md": results.contributing,
    "reporting.md": results.reporting,
}


def write_pages(folder: Path) -> None:
    """
    Write the generated pages.

    A page that is as it was isn't touched, so that a second build has little to do.

    Args:
        folder: Where they go: `docs/generated`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        text = make(ROOT)
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
    for path in folder.glob("*.md"):
        if path.name not in PAGES:
            path.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("config-inited", lambda app, _config: write_pages(Path(app.srcdir) / "generated"))
    app.connect("autodoc-process-signature", signatures.readable)
    app.connect("autodoc-skip-member", names.skip_fields)
    app.connect("source-read", links.into_the_repository)
    app.connect("build-finished", links.copy_files)
    app.connect("build-finished", llms.write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
