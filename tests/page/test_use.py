"""The page in the hands of somebody new to it, by keyboard alone, and what it says of old figures."""

import re
import time
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from event_streamer_sdk import SyncEventStreamer
from event_streamer_service import ChainConfig, DevChain, LocalService
from support.raw_client import RawClient

pytestmark = [pytest.mark.browser]


def test_it_is_used_by_keyboard_alone(tab: Page, service: LocalService, client: RawClient) -> None:
    number = client.subscribe()
    tab.goto(service.url)
    expect(tab.get_by_role("button", name=f"Watch subscription {number}")).to_be_visible()
    for _ in range(30):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.textContent") == "New subscription":
            break
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("dialog")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_have_count(0)
    assert tab.evaluate("document.activeElement.textContent") == "New subscription", "focus comes back"
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    expect(tab.get_by_role("heading", name=re.compile("^Live events"))).to_be_focused()


def press_until(tab: Page, name: str, *, key: str = "Tab") -> None:
    """Press a key until the focus is at what a screen reader calls so."""
    told = "document.activeElement.ariaLabel || document.activeElement.labels?.[0]?.textContent.trim()"
    said: list[str] = []
    for _ in range(60):
        tab.keyboard.press(key)
        said.append(tab.evaluate(f"{told} || document.activeElement.textContent"))
        if said[-1].startswith(name):
            return
    raise AssertionError(f"nothing is called {name!r}, but {said}")


def test_a_first_time_user_gets_what_they_want_by_keyboard_alone(
    tab: Page, service: LocalService, client: RawClient, chain: DevChain
) -> None:
    """Some transfers to one address: made, watched, found again and deleted."""
    wanted = client.subscribe(end_block=30)
    with client.stream(wanted) as stream:
        events = stream.next("event_batch")["events"]["Transfer"]
    [(to, _)] = Counter(event["to"] for event in events).most_common(1)
    client.call("DELETE", f"/subscriptions/{wanted}", 204)
    tab.goto(service.url)
    expect(tab.get_by_text("No subscription yet.")).to_be_visible()
    press_until(tab, "New subscription")
    tab.keyboard.press("Enter")
    press_until(tab, "ABI, artifact")
    tab.keyboard.type("event Transfer(address indexed from, address indexed to, uint256 value)")
    expect(tab.get_by_text("topic0 0xddf2")).to_be_visible()
    press_until(tab, "to")
    tab.keyboard.type("0x12")
    press_until(tab, "First block")
    tab.keyboard.type("0")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("to: 0x12 is not a value of address.")
    press_until(tab, "to", key="Shift+Tab")
    tab.keyboard.press("Control+A")
    tab.keyboard.type(to)
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name=re.compile("^Live events"))).to_be_focused()
    [made] = client.get("/subscriptions")["subscriptions"]
    assert made["topics"] == [None, None, ["0x" + to[2:].rjust(64, "0")]], "topic0, from, to"
    row = tab.get_by_role("row", name=re.compile(f"^#{made['id']} Transfer"))
    expect(row).to_contain_text(f"where to is {to[:8]}")
    chain.mine(5)
    expect(tab.get_by_role("log")).to_contain_text(f"to {to[:8]}…{to[-6:]}")
    press_until(tab, "Close")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("log")).to_have_count(0)
    press_until(tab, f"Delete subscription {made['id']}")
    tab.keyboard.press("Enter")
    press_until(tab, "Delete")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("No subscription yet.")).to_be_visible()
    client.get(f"/subscriptions/{made['id']}", 404)


TOPICS = [
    ("address", "0x" + "Ab" * 20, "0x" + "00" * 12 + "ab" * 20),
    ("bool", "true", "0x" + "00" * 31 + "01"),
    ("uint8", "255", "0x" + "00" * 31 + "ff"),
    ("uint8", "256", None),
    ("uint256", str(2**256 - 1), "0x" + "ff" * 32),
    ("int16", "-2", "0x" + "ff" * 31 + "fe"),
    ("int16", "-32769", None),
    ("uint256", "-1", None),
    ("uint256", "1.5", None),
    ("bytes4", "0x12345678", "0x12345678" + "00" * 28),
    ("bytes4", "0x1234", None),
    ("string", "hello", None),
    ("string", "0x" + "9C" * 32, "0x" + "9c" * 32),
    ("uint256[]", "1", None),
]
"""Type, what is typed, and the topic as Solidity's ABI specification has it; None where it is refused."""


def test_values_become_the_topics_that_a_log_has(tab: Page, service: LocalService) -> None:
    tab.goto(service.url)
    for kind, text, topic in TOPICS:
        made = tab.evaluate(
            """async ([type, text]) => {
              const { toTopic, wanted } = await import("/assets/topics.js");
              try { return toTopic(type, text); } catch (problem) { return problem.message; }
            }""",
            [kind, text],
        )
        assert made == topic or (topic is None and made.startswith(f"{text} is not a value of {kind}")), made


def test_what_is_selected_is_what_the_sdk_selects(tab: Page, service: LocalService) -> None:
    event = "event Moved(address indexed who, uint8 kind, bytes4 indexed tag, int64 indexed by)"
    tab.goto(service.url)
    with SyncEventStreamer(service.url, "tester") as client:
        wanted = client.subscribe(
            event, chain_id=31_337, start_block=0, where={"tag": "0x12345678", "by": [-1, 7]}
        )
        found = client.get(f"/subscriptions/{wanted.id}", params={"subscriber_id": "tester"})
    topics, told = tab.evaluate(
        """async (subscription) => {
          const { toTopics, wanted } = await import("/assets/topics.js");
          const topics = toTopics(subscription.event_signature, { tag: "0x12345678", by: "7, -1" });
          return [topics, wanted(subscription).map((one) => `${one.name} is ${one.shown}`)];
        }""",
        found,
    )
    assert [each and sorted(each) for each in topics] == [each and sorted(each) for each in found["topics"]]
    assert told == ["tag is 0x12345678", "by is 7 or -1"]
    anonymous = {**found, "event_signature": {**found["event_signature"], "anonymous": True}}
    anonymous["topics"] = found["topics"][1:]
    names = tab.evaluate(
        """async (subscription) => {
          const { wanted } = await import("/assets/topics.js");
          return wanted(subscription).map((one) => one.name);
        }""",
        anonymous,
    )
    assert names == ["tag", "by"]


def test_a_lag_that_nobody_knows_any_more_is_told_as_of_when(tab: Page, service: LocalService) -> None:
    now = time.time()
    times = [now - 300 + 5 * i for i in range(60)]
    series: dict[str, Any] = {
        "step": 5,
        "timestamps": times,
        "events_per_second": [1.0] * 60,
        "blocks_behind": [7] * 20 + [None] * 40,
    }
    tab.route("**/api/activity*", lambda route: route.fulfill(json=series))
    tab.goto(service.url)
    lag, events = tab.locator("figure", has_text="Lag"), tab.locator("figure", has_text="Events")
    expect(lag).to_contain_text("7 blocks behind as of ")
    expect(events).to_contain_text("1 per second now")
    expect(lag.get_by_role("img")).to_have_attribute("aria-label", re.compile("7 blocks behind as of "))


def test_a_node_that_does_not_answer_is_told_before_its_breaker_opens(tab: Page) -> None:
    dead = ChainConfig(chain_id=137, name="Polygon", rpc_urls=["http://127.0.0.1:9/key"])
    with LocalService(DevChain(blocks=5), chains=[dead]) as service:
        tab.goto(service.url)
        chain = tab.get_by_label("Chain 137")
        expect(chain).to_contain_text("None of its nodes answers.")
        expect(chain).to_contain_text("Closed, fails")
        expect(chain).to_contain_text("Connection refused")
        expect(tab.get_by_text("Chain trouble")).to_be_visible()
        expect(tab.locator(".tile", has_text="Nodes in order")).to_contain_text("1 of 2")


def test_what_other_replicas_hold_is_shown(tab: Page, service: LocalService, client: RawClient) -> None:
    number = client.subscribe()
    chains = [{"chain_id": 31_337, "head_block": 99}]

    def with_another(route: Any) -> None:
        seen = route.fetch().json()
        seen["replica"] = "r-here"
        seen["replicas"] = [
            {"name": "r-here", "host": "a:1", "streams": 0, "seconds_up": 60, "chains": []},
            {"name": "r-there", "host": None, "streams": 1, "seconds_up": 7200, "chains": chains},
        ]
        seen["connections"] = [
            {
                "connection_id": "c",
                "subscription_id": number,
                "subscriber_id": "tests",
                "watches": False,
                "replica": "r-there",
            }
        ]
        route.fulfill(json=seen)

    tab.route("**/api/overview", with_another)
    tab.goto(service.url)
    row = tab.get_by_role("row", name=re.compile(f"^#{number} Transfer"))
    expect(row).to_contain_text("streamed by replica r-there")
    expect(row).to_contain_text("100")  # all of it is still to be done
    expect(tab.get_by_label("Replicas")).to_contain_text("r-here answers here")
    expect(tab.get_by_label("Replicas")).to_contain_text("31337 (99)")
    expect(tab.get_by_label("Connections")).to_contain_text("at replica r-there")
    expect(tab.get_by_label("Chains and nodes")).to_contain_text("of replica r-here")
