"""The page left open under 200 events a second: it keeps no more than it shows, and answers at once."""

import os
import threading
import time

import pytest
from playwright.sync_api import Page, expect

from event_streamer_service import DevChain, LocalService
from support.raw_client import RawClient

SECONDS = float(os.environ.get("PAGE_SECONDS", "20"))
EVENTS_PER_BLOCK = 5
"""ERC-20 Transfers in a block of the development chain."""
EVENTS_PER_SECOND = 200


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 100)
def test_memory_stays_flat_and_clicks_are_answered(tab: Page) -> None:
    chain = DevChain(blocks=50)
    ended = threading.Event()

    def mine() -> None:
        while not ended.wait(EVENTS_PER_BLOCK / EVENTS_PER_SECOND):
            chain.mine()

    with LocalService(chain) as service, RawClient(service.url) as client:
        number = client.subscribe()
        tab.goto(service.url)
        tab.get_by_role("button", name=f"Watch subscription {number}").click()
        expect(tab.get_by_role("log")).to_contain_text("block")
        devtools = tab.context.new_cdp_session(tab)

        def heap() -> float:
            devtools.send("HeapProfiler.collectGarbage")
            used: float = devtools.send("Runtime.getHeapUsage")["usedSize"]
            return used / 1e6

        miner = threading.Thread(target=mine, daemon=True)
        miner.start()
        try:
            tab.wait_for_timeout(3000)
            start, figures, answers = heap(), [], []
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                tab.wait_for_timeout(SECONDS * 1000 / 10)
                figures.append(heap())
                began = time.perf_counter()
                tab.get_by_role("button", name="Hold").click()
                tab.get_by_role("button", name="Go on").click()
                answers.append(time.perf_counter() - began)
            rows = tab.locator(".rows .row").count()
            nodes = tab.evaluate("document.getElementsByTagName('*').length")
            seen = tab.locator(".live .numbers").inner_text()
        finally:
            ended.set()
            miner.join(10)
    told = f"heap {start:.1f} MB, then {figures}; two clicks {max(answers):.2f} s at most"
    print(f"{seen}; {told}; {nodes} elements")
    assert rows == 100
    assert nodes < 4000
    assert max(figures) < 80
    assert max(answers) < 2
    if SECONDS < 60:
        return  # on a busy machine filling up takes longer than that: `make watch-page` looks for minutes
    # At first the page fills up to what it keeps; from then on nothing may be added.
    settled, later = figures[: len(figures) // 2], figures[len(figures) // 2 :]
    # What is under way at the moment of a look comes on top, so the lowest figure tells.
    assert min(later) < max(settled) + 3
