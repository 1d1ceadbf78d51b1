"""The service's page as its users have it: a real Chromium, a real service, real chains."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from event_streamer_service import ChainConfig, DevChain, LocalService
from event_streamer_service.devchain import npm
from event_streamer_service.devchain.anvil import Anvil, AnvilError, find_anvil
from event_streamer_service.devchain.node import DevToken
from support.raw_client import RawClient, definition
from support.services import wait_until

pytestmark = [pytest.mark.browser]

SCREENSHOTS = Path(__file__).resolve().parents[2] / ".cache" / "screenshots"
DEAD_NODE = ChainConfig(
    chain_id=137,
    name="Polygon",
    rpc_urls=["http://127.0.0.1:9/key"],
    live_retry_delay=0,
    live_reconnect_delay=0,
)
AXE = ("axe-core", "4.14.1")
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><b>x</b>\u202e{{7*7}}"


@contextmanager
def hostile_site() -> Iterator[str]:
    """A site on another port, and so another origin, whose page has no policy of its own; gives its URL."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><p>hostile")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join(5)


@contextmanager
def reader(client: RawClient, number: int) -> Iterator[None]:
    """A client that reads and acknowledges a subscription, as users' programs do."""
    with client.stream(number, **{"x-client-metadata": '{"name":"wallet","version":"2.1"}'}) as stream:

        def read() -> None:
            with suppress(AssertionError, httpx.HTTPError):  # its stream is ended under it
                for message in stream.messages():
                    if message["type"] == "event_batch":
                        stream.acknowledge(message)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            yield
        finally:  # ends the stream, and so the reader
            client.call("PUT", f"/subscriptions/{number}", 200, json={"is_streaming": False})
            thread.join(10)


# --- what is shown --------------------------------------------------------------------------------


def test_progress_and_pace_are_shown(tab: Page, service: LocalService, client: RawClient) -> None:
    whole = client.subscribe(subscriber_id="wallet")
    bounded = client.subscribe(end_block=49)
    with client.stream(bounded) as stream:
        stream.acknowledge(*stream.batches_to_end())
    with reader(client, whole):
        tab.goto(service.url)
        row = tab.get_by_role("row", name=re.compile(f"^#{whole} Transfer"))
        expect(row).to_contain_text("Transfer(address,address,uint256)")
        expect(row).to_contain_text("wallet")
        expect(row).to_contain_text("100 % block 99 of 99 (head)")
        expect(row).to_contain_text("active")
        done = tab.get_by_role("row", name=re.compile(f"^#{bounded} Transfer"))
        expect(done).to_contain_text("100 % block 49 of 49")
        expect(done).to_contain_text("finished")
        expect(tab.get_by_label("Connections")).to_contain_text("wallet 2.1")
        expect(tab.get_by_label("Chain 31337")).to_contain_text("99")


def test_a_mined_transfer_appears_within_two_seconds(
    tab: Page, service: LocalService, client: RawClient, chain: DevChain
) -> None:
    number = client.subscribe()
    before = client.subscription(number)
    tab.goto(service.url)
    tab.get_by_role("button", name=f"Watch subscription {number}").click()
    rows = tab.get_by_role("log")
    expect(rows).to_contain_text("block 99")
    chain.mine()
    expect(rows).to_contain_text("block 100", timeout=2000)
    chain.reorg(1)
    expect(rows).to_contain_text("Reorganisation: 1 blocks above 99 were taken back.", timeout=2000)
    assert client.subscription(number) == before, "it was only looked at"


@pytest.mark.anvil
@pytest.mark.npm
def test_a_transfer_on_a_real_node_appears_within_two_seconds(tab: Page) -> None:
    try:
        find_anvil()
    except AnvilError as missing:
        pytest.skip(str(missing))
    with Anvil() as node:
        token = DevToken.deploy(node)
        config = ChainConfig(chain_id=31_337, name="Anvil", rpc_urls=[node.url], average_block_time=0.5)
        with LocalService(chains=[config]) as service, RawClient(service.url) as client:
            number = client.subscribe(addresses=[token.address])
            tab.goto(service.url)
            tab.get_by_role("button", name=f"Watch subscription {number}").click()
            expect(tab.get_by_text("Live", exact=True)).to_be_visible()
            token.transfer(node.accounts()[1], 424242)
            expect(tab.get_by_role("log")).to_contain_text("424242", timeout=2000)


def test_a_breaker_that_a_dead_node_opens_is_shown_and_reset(tab: Page, chain: DevChain) -> None:
    with (
        LocalService(chain, chains=[DEAD_NODE]) as service,
        RawClient(service.url) as client,
        client.stream(client.subscribe(chain_id=137)) as stream,
    ):
        stream.next("error")
        breaker = service.service.chains.breakers["polygon_rpc"]
        wait_until(lambda: breaker.state == "open", seconds=20)
        tab.goto(service.url)
        row = tab.get_by_role("row", name=re.compile("^polygon_rpc"))
        expect(row).to_contain_text("Open")
        expect(row).to_contain_text("Connection refused")
        expect(tab.get_by_text("1 of 2")).to_be_visible()
        expect(tab.get_by_label("Recent errors and notices")).to_contain_text(
            "CIRCUIT_BREAKER_OPEN", timeout=9000
        )
        before = breaker.state_transitions["open_to_closed"]
        row.get_by_role("button", name="Reset").click()
        expect(tab.get_by_text("Circuit breaker polygon_rpc is closed.")).to_be_visible()
        assert breaker.state_transitions["open_to_closed"] == before + 1


# --- what is done ---------------------------------------------------------------------------------


def test_a_subscription_is_made_paused_resumed_and_deleted(
    tab: Page, service: LocalService, client: RawClient
) -> None:
    tab.goto(service.url)
    tab.get_by_role("button", name="New subscription").click()
    source = tab.get_by_label("ABI, artifact or a line of Solidity")
    source.fill("event Nonsense(")
    expect(tab.get_by_role("alert")).to_contain_text("No event can be read")
    source.fill(json.dumps({"abi": [definition()["event_signature"]], "bytecode": "0x" + "60" * 900_000}))
    expect(
        tab.get_by_text("topic0 0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
    ).to_be_visible()
    tab.get_by_label("Last block").fill("5")
    tab.get_by_label("First block").fill("9")
    tab.get_by_role("button", name="Create", exact=True).click()
    expect(tab.get_by_role("alert")).to_contain_text("end_block 5 is before start_block 9")
    tab.get_by_label("First block").fill("1")
    tab.get_by_role("button", name="Create", exact=True).click()
    expect(tab.get_by_text("Subscription 1 is created.")).to_be_visible()
    made = client.subscription(1)
    assert (made["start_block"], made["end_block"], made["subscriber_id"]) == (1, 5, "console")
    expect(tab.get_by_role("log")).to_contain_text("block 5")

    tab.get_by_role("button", name="Pause subscription 1").click()
    expect(tab.get_by_text("paused", exact=True)).to_be_visible()
    assert client.subscription(1)["is_streaming"] is False
    tab.get_by_role("button", name="Resume subscription 1").click()
    expect(tab.get_by_role("button", name="Pause subscription 1")).to_be_visible()
    assert client.subscription(1)["is_streaming"] is True

    tab.get_by_role("button", name="Delete subscription 1").click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_role("button", name="Keep it").click()
    assert client.subscription(1)
    tab.get_by_role("button", name="Delete subscription 1").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(tab.get_by_text("No subscription yet.")).to_be_visible()
    client.get("/subscriptions/1", 404)


def test_a_key_is_asked_for_and_stays_in_the_tab(browser: Browser, tab: Page, chain: DevChain) -> None:
    with LocalService(chain, api_keys={"alices-own-key": "alice"}, admin_keys=["the-admins-key"]) as service:
        with RawClient(service.url, key="alices-own-key") as alice:
            alice.subscribe(subscriber_id="alice")
        tab.goto(service.url)
        tab.get_by_role("textbox", name="API key").fill("a-wrong-key")
        tab.get_by_role("button", name="Use this key").click()
        expect(tab.get_by_role("alert")).to_contain_text("The API key is not known here.")
        tab.get_by_role("textbox", name="API key").fill("alices-own-key")
        tab.get_by_role("button", name="Use this key").click()
        expect(tab.get_by_text("1 subscription", exact=True)).to_be_visible()
        tab.get_by_role("button", name="Watch subscription 1").click()
        expect(tab.get_by_role("log")).to_contain_text("block")
        expect(tab.get_by_role("button", name=re.compile("^Reset"))).to_have_count(0)
        assert "alices-own-key" not in tab.content()
        assert "alices" not in tab.evaluate("JSON.stringify(localStorage) + document.cookie + location.href")
        tab.reload()
        expect(tab.get_by_text("1 subscription", exact=True)).to_be_visible()
        other = tab.context.new_page()
        other.goto(service.url)
        expect(other.get_by_role("dialog", name="API key")).to_be_visible()
        tab.get_by_role("button", name="Forget key").click()
        expect(tab.get_by_role("dialog", name="API key")).to_be_visible()


# --- who else is out there ------------------------------------------------------------------------


def test_hostile_names_and_values_are_text(tab: Page, chain: DevChain) -> None:
    name = "</script><script>document.title='owned'</script>\u202e\x07"
    config = ChainConfig(chain_id=5, name=name, rpc_urls=["http://127.0.0.1:9/x"])
    with LocalService(chain, chains=[config]) as service, RawClient(service.url) as client:
        client.subscribe(subscriber_id=HOSTILE)
        service.service.notices.note("ODD", HOSTILE)
        line = json.dumps(
            {
                "type": "event_batch", "response_id": "x", "resume_token": "", "timestamp": HOSTILE,
                "events": {HOSTILE: [{HOSTILE: HOSTILE, "deep": {"a": [HOSTILE]}, "timestamp": HOSTILE,
                                      "transaction_hash": HOSTILE, "address": HOSTILE,
                                      "block_number": HOSTILE}]},
            }
        )  # fmt: skip
        tab.route(
            "**/watch?*", lambda route: route.fulfill(body=line + "\n", content_type="application/x-ndjson")
        )
        tab.goto(service.url)
        tab.get_by_role("button", name="Watch subscription 1").click()
        expect(tab.get_by_role("log")).to_contain_text("<img src=x onerror=")
        expect(tab.get_by_role("log")).to_contain_text("\\u202e")
        expect(tab.get_by_label("Chain 5")).to_contain_text("</script><script>")
        expect(tab.get_by_label("Recent errors and notices")).to_contain_text("<img src=x")
        assert tab.title() == "Event Streamer"
        assert tab.locator("main img, main b b").count() == 0
        assert "\u202e" not in tab.locator("body").inner_text()


def test_the_policy_lets_no_script_in(browser: Browser, service: LocalService) -> None:
    """Were there a hole, it would lead nowhere: neither inline script nor HTML from text nor other hosts."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(service.url)
    refused = page.evaluate(
        """async () => {
            const inline = document.createElement("p");
            let html = "taken";
            try { inline.innerHTML = "<b>x</b>"; } catch (problem) { html = problem.name; }
            const image = document.createElement("img");
            try { image.setAttribute("onerror", "window.owned = true"); } catch { /* refused here */ }
            image.src = "data:,x";
            document.body.append(image);
            let away = "reached";
            try { await fetch("http://127.0.0.1:9/"); } catch (problem) { away = problem.name; }
            await new Promise((done) => setTimeout(done, 100));
            return [html, window.owned ?? false, away];
        }"""
    )
    context.close()
    assert refused == ["TypeError", False, "TypeError"]


def test_a_page_of_another_origin_changes_nothing(
    browser: Browser, service: LocalService, client: RawClient
) -> None:
    number = client.subscribe()
    with hostile_site() as other:
        context = browser.new_context()
        page = context.new_page()
        page.goto(other)
        sent = """async ([url, method, options]) => {
            try {
                const answer = await fetch(url, { method, ...options });
                return [answer.type, answer.status];
            } catch (problem) { return problem.name; }
        }"""
        simple = {"mode": "no-cors", "body": "{}", "headers": {"content-type": "text/plain"}}
        page.evaluate(sent, [f"{service.url}/api/chains/refresh", "POST", simple])  # its answer stays hidden
        for method, path in (("DELETE", f"/subscriptions/{number}"), ("PUT", f"/subscriptions/{number}")):
            assert page.evaluate(sent, [service.url + path, method, {}]) == "TypeError"
        assert page.evaluate(sent, [f"{service.url}/api/overview", "GET", {}]) == "TypeError", "nor reads"
        context.close()
    assert client.subscription(number)["is_streaming"] is True
    figures = client.http.get("/metrics").text
    assert 'method="POST",route="unknown",status="403"' in figures


# --- how it looks ---------------------------------------------------------------------------------


@contextmanager
def busy_service() -> Iterator[tuple[LocalService, int]]:
    """A service with all that the page can show: progress, a pause, an end, a dead node, a reorganisation."""
    chain = DevChain(blocks=300)
    with (
        LocalService(chain, chains=[DEAD_NODE], max_batch_events=40) as service,
        RawClient(service.url) as client,
    ):
        live = client.subscribe(subscriber_id="wallet-app")
        bounded = client.subscribe(start_block=100, end_block=250, subscriber_id="ledger")
        with client.stream(bounded) as stream:
            stream.acknowledge(*stream.batches_to(200)[:-1])
        paused = client.subscribe(start_block=10, subscriber_id="archive")
        client.call("PUT", f"/subscriptions/{paused}", 200, json={"is_streaming": False})
        client.subscribe(chain_id=137, subscriber_id="wallet-app")
        with client.stream(client.subscribe(chain_id=137)) as stream, reader(client, live):
            stream.next("error")
            wait_until(lambda: service.service.chains.breakers["polygon_rpc"].state == "open", seconds=20)
            clock = service.service.activity._looked_at or 0.0
            for i in range(60):
                chain.mine(1 + i % 3)
                if i == 40:
                    chain.reorg(1)
                time.sleep(0.02)
                service.service.activity.look(clock + 5 * (i + 1))
            yield service, live


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong, in the WCAG's first two levels and its best practices."""
    try:
        script = npm.install(*AXE) / "axe-core" / "axe.min.js"
    except npm.NpmError as missing:
        pytest.skip(str(missing))
    page.evaluate(script.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate("axe.run().then((result) => result.violations)")
    return [
        f"{each['id']}: {each['help']} {[node['html'][:160] for node in each['nodes'][:3]]}" for each in found
    ]


@pytest.mark.slow
@pytest.mark.npm
@pytest.mark.timeout(300)  # twelve looks of axe-core
def test_it_is_accessible_and_has_its_picture_taken(browser: Browser) -> None:
    """Pictures go to .cache/screenshots, to be looked at by people."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    wrong: dict[str, list[str]] = {}
    with busy_service() as (service, live):
        for device, (width, height) in {"desktop": (1440, 900), "phone": (390, 844)}.items():
            for theme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if theme == "dark" else "light",
                    bypass_csp=True,  # for axe-core alone, which is put in as a script
                )
                page = context.new_page()
                page.goto(service.url)
                page.get_by_role("button", name=f"Watch subscription {live}").click()
                expect(page.get_by_role("log")).to_contain_text("block")
                page.wait_for_timeout(1200)
                wrong[f"{device} {theme}"] = violations(page)
                page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
                page.screenshot(path=SCREENSHOTS / f"{device}-{theme}.png", full_page=True)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                    "no sideways scroll"
                )
                page.get_by_role("button", name="New subscription").click()
                page.get_by_label("ABI, artifact").fill(
                    "event Transfer(address indexed from, address indexed to, uint256 value)\n"
                    "event Approval(address indexed owner, address indexed spender, uint256 value)"
                )
                expect(page.get_by_text("topic0 0xddf2")).to_be_visible()
                wrong[f"{device} {theme} create"] = violations(page)
                page.screenshot(path=SCREENSHOTS / f"{device}-{theme}-create.png")
                page.goto(service.url + "/docs")
                expect(page.get_by_role("heading", name="Create a subscription.")).to_be_visible()
                page.get_by_text("Try it out").nth(1).click()
                wrong[f"{device} {theme} docs"] = violations(page)
                page.screenshot(path=SCREENSHOTS / f"{device}-{theme}-docs.png")
                context.close()
    assert {where: told for where, told in wrong.items() if told} == {}


def test_the_reference_calls_the_service(tab: Page, service: LocalService, client: RawClient) -> None:
    client.subscribe()
    tab.goto(service.url + "/docs#get_subscription")
    part = tab.locator("#get_subscription")
    part.get_by_text("Try it out").click()
    part.get_by_label("subscription_id *").fill("1")
    part.get_by_role("button", name="Send").click()
    expect(part.get_by_text("200 OK")).to_be_visible()
    expect(part.get_by_label("Answer")).to_contain_text('"subscriber_id": "tests"')
    part = tab.locator("#watch_subscription")
    part.get_by_text("Try it out").click()
    part.get_by_label("subscription_id *").fill("1")
    part.get_by_role("button", name="Send").click()
    part.get_by_role("button", name="Stop").click()
    expect(part.get_by_text("200 OK")).to_be_visible()
    part = tab.locator("#read_abi_events")
    part.get_by_text("Try it out").click()
    part.get_by_label("Body").fill('{"source": "event Moved(uint256 id)"}')
    part.get_by_role("button", name="Send").click()
    expect(part.get_by_label("Answer")).to_contain_text("Moved(uint256)")
