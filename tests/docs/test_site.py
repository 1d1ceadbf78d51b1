"""The site is built as `make docs` does it: no warning, no dead link, nothing from elsewhere."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from support.locks import one_at_a_time

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site() -> Path:
    """The site; what was built before is built again only where it changed."""
    out = ROOT / "build" / "site"
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "-q", "-j", "2"]
    with one_at_a_time("site"):
        done = subprocess.run(
            [*command, "-d", ROOT / "build" / "doctrees", "-b", "html", ROOT / "docs", out],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return out


class Page(HTMLParser):
    """The links, anchors and headings of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.add(values["href"])
        if tag in {"script", "img"} and "src" in values:
            self.loaded.add(values["src"])
        if tag == "link" and values.get("rel") == "stylesheet":
            self.loaded.add(values["href"])


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_no_first_line_is_taken_for_a_type(site: Path) -> None:
    """Napoleon reads `Whether …: from …` of a property as a type and its description."""
    taken = re.compile(r">Type<span class=\"colon\">")
    assert [
        path.name for path in sorted((site / "generated").glob("*.html")) if taken.search(path.read_text())
    ] == []


@pytest.mark.timeout(600)
def test_every_link_of_the_site_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    assert len(pages) > 40
    dead = list(dead_links(site, pages))
    assert not dead, "\n".join(dead)


def dead_links(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file() or not target.is_relative_to(site):
                yield f"{path.relative_to(site)} leads to {link}"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{path.relative_to(site)} leads to {link}: no such heading"


def test_the_site_works_from_disk(site: Path, pages: dict[Path, Page]) -> None:
    """Nothing is loaded from the network, and nothing needs a server."""
    for path, page in pages.items():
        for loaded in page.loaded:
            assert not urlsplit(loaded).netloc, f"{path.name} loads {loaded}"
            assert (path.parent / urlsplit(loaded).path).resolve().is_file(), f"{path.name} loads {loaded}"


def test_programs_find_their_way(site: Path, pages: dict[Path, Page]) -> None:
    text = (site / "llms.txt").read_text("utf-8")
    assert text.startswith("# event-streamer-sdk\n\n> ")
    linked = re.findall(r"^- \[[^\]]+\]\(([^)]+)\): \S", text, re.MULTILINE)
    assert len(linked) > 35
    for target in linked:
        assert (site / target).is_file(), target
    assert "create_streaming_client" in (site / "llms-full.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("generated/clients.html", ["SyncEventStreamer.subscribe", "EventStreamer.get_chain"]),
        ("generated/commands.html", ["event-streamer subscriptions create", "--checkpoint"]),
        ("generated/rest.html", ["/subscriptions/{subscription_id}/stream", "acknowledge_batch_bulk"]),
        ("generated/metrics.html", ["event_streamer_events_total", "chain_id"]),
        ("generated/faults.html", ["compression bomb", "as promised"]),
        ("generated/benchmarks.html", ["events"]),
        ("settings.html", ["max_batch_events"]),
    ],
)
def test_references_hold_what_the_code_has(site: Path, page: str, words: list[str]) -> None:
    text = (site / page).read_text("utf-8")
    plain = re.sub(r"<[^>]+>", "", text)
    for word in words:
        assert word in plain or f'id="event_streamer_sdk.{word}"' in text, word
