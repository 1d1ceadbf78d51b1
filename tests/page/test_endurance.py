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
        # By the processor's clock: other programs on this machine don't count.
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

        def heap() -> float:
            devtools.send("HeapProfiler.collectGarbage")
            used: float = devtools.send("Runtime.getHeapUsage")["usedSize"]
            return used / 1e6

        def worked() -> float:
            measured = devtools.send("Performance.getMetrics")["metrics"]
            seconds: float = next(each["value"] for each in measured if each["name"] == "TaskDuration")
            return seconds

        miner = threading.Thread(target=mine, daemon=True)
        miner.start()
        try:
            tab.wait_for_timeout(3000)
            start, figures, answers, kept = heap(), [], [], []
            began_work, began_at = worked(), time.monotonic()
            until = began_at + SECONDS
            while time.monotonic() < until:
                tab.wait_for_timeout(SECONDS * 1000 / 10)
                figures.append(heap())
                # Those that are shown, and those that something still holds, shown or not.
                kept.append(devtools.send("Memory.getDOMCounters")["nodes"])
                began = time.perf_counter()
                tab.get_by_role("button", name="Hold").click()
                tab.get_by_role("button", name="Go on").click()
                answers.append(time.perf_counter() - began)
            busy = (worked() - began_work) / (time.monotonic() - began_at)
            rows = tab.locator(".rows .row").count()
            nodes = tab.evaluate("document.getElementsByTagName('*').length")
            seen = tab.locator(".live .numbers").inner_text()
        finally:
            ended.set()
            miner.join(10)
    told = f"heap {start:.1f} MB, then {figures}; two clicks {sorted(answers)}, busy {busy:.0%}"
    print(f"{seen}; {told}; {nodes} elements, {kept} nodes")
    assert rows == 100
    assert nodes < 4000
    # A row is some 40 nodes, and 200 come a second: of all that have been shown only the last may be held.
    assert max(kept) < 30_000
    assert max(figures) < 30
    assert busy < 0.5, "a click waits for what is under way"
    assert sorted(answers)[len(answers) // 2] < 2
