"""Links of pages into the repository: on GitHub they lead to the file, on the site to a copy of it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent.parent

PAGES = {
    "deploy": "deployment.md",
    "examples": "generated/example-programs.md",
    "SECURITY.md": "generated/reporting.md",
    "CHANGELOG.md": "generated/changelog.md",
    "CONTRIBUTING.md": "generated/contributing.md",
    "benchmarks/RESULTS.md": "generated/benchmarks.md",
}
"""What of the repository is a page of the site."""

COPIED = "files"
"""The folder of the site that holds the files which pages lead to."""

LINK = re.compile(r"\]\((?P<up>(?:\.\./)+)(?P<target>[^)\s#]+)(?P<heading>#[^)\s]*)?\)")


def into_the_repository(app: Sphinx, docname: str, source: list[str]) -> None:
    """Send links that leave `docs/` to the page that shows the file, or to a copy of it."""
    back = "../" * docname.count("/")

    def link(found: re.Match[str]) -> str:
        name = _file_of(app, docname, found)
        if name is None:
            return found[0]
        if name in PAGES:
            return f"]({back}{PAGES[name]}{found['heading'] or ''})"
        if name.startswith("examples/") and name.endswith(".py"):
            return f"]({back}{PAGES['examples']}#{Path(name).name.replace('.', '').lower()})"
        return f"](copy:{back}{COPIED}/{name})"

    source[0] = LINK.sub(link, source[0])


def copy_files(app: Sphinx, problem: Exception | None) -> None:
    """Put the files that pages lead to next to the pages."""
    if problem is not None:
        return
    for docname in app.env.found_docs:
        for found in LINK.finditer(Path(app.env.doc2path(docname)).read_text("utf-8")):
            name = _file_of(app, docname, found)
            if name and name not in PAGES:
                target = Path(app.outdir) / COPIED / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, target)


def _file_of(app: Sphinx, docname: str, found: re.Match[str]) -> str | None:
    """The file of the repository that a link leads to; `None` where it leads to a page."""
    path = ((Path(app.srcdir) / docname).parent / found["up"] / found["target"]).resolve()
    if path.is_relative_to(app.srcdir):
        return None
    if not path.exists():
        raise FileNotFoundError(f"{docname}.md leads to {path}, which isn't there")
    return path.relative_to(ROOT).as_posix()
