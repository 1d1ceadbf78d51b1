"""A real Chromium, and a service whose page it looks at."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from event_streamer_service import DevChain, LocalService
from support.raw_client import RawClient

SCREENSHOTS = Path(__file__).resolve().parents[2] / ".cache" / "screenshots"
"""Where pictures of the page are left to be looked at."""


def chromium_path() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


# One a file: while it is there, its event loop runs, and tests of other files couldn't start their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.skip("Chromium is missing: apt install chromium")
    with sync_playwright() as playwright:
        # In a container there is neither a sandbox for root nor much of /dev/shm.
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A fresh tab in which nothing may go wrong in silence: errors of the console fail the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    page.on(
        "console",
        # A refused call is what some tests are about; Chromium logs each of them.
        lambda said: (
            problems.append(said.text)
            if said.type in {"error", "warning"} and "Failed to load resource" not in said.text
            else None
        ),
    )
    yield page
    context.close()
    assert problems == []


@pytest.fixture
def chain() -> DevChain:
    return DevChain(blocks=100)


@pytest.fixture
def service(chain: DevChain) -> Iterator[LocalService]:
    with LocalService(chain) as service:
        yield service


@pytest.fixture
def client(service: LocalService) -> Iterator[RawClient]:
    with RawClient(service.url) as client:
        yield client
