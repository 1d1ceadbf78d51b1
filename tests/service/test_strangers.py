"""Whoever has no key, or sits behind a victim's browser: what they are told, and what they can't do."""

import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from attrs import asdict

from event_streamer_service import ChainConfig, DevChain, LocalService
from event_streamer_service.node_urls import refusal_of, unmasked, without_hosts
from support.raw_client import RawClient, definition
from support.raw_sockets import answer, connected, status
from support.services import wait_until

KEY, ADMIN, METRICS = "alices-own-key-0123", "admins-own-key-0123", "prometheus-key-0123"
NODE = {"chain_id": 137, "name": "Polygon", "rpc_urls": ["http://127.0.0.1:9/secret"], "live_retry_delay": 0}


@pytest.fixture(scope="module")
def guarded() -> Iterator[LocalService]:
    with LocalService(
        DevChain(blocks=5), api_keys={KEY: "alice"}, admin_keys=[ADMIN], metrics_keys=[METRICS]
    ) as service:
        yield service


@pytest.fixture(scope="module")
def keyless() -> Iterator[LocalService]:
    with LocalService(DevChain(blocks=5), allowed_hosts=["Streamer.Example"]) as service:
        yield service


@contextmanager
def node() -> Iterator[tuple[str, list[socket.socket]]]:
    """A node that takes connections and never answers; gives its URL and the connections."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    taken.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", taken
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for each in taken:
            each.close()


# --- /ready, /metrics, nodes' hosts ---------------------------------------------------------------


@pytest.mark.quick
def test_ready_asks_no_node_and_feeds_no_breaker() -> None:
    with (
        node() as (url, taken),
        LocalService(DevChain(blocks=5)) as service,
        RawClient(service.url) as client,
    ):
        client.post("/api/chains", NODE | {"rpc_urls": [url]}, 201)
        for _ in range(50):
            client.get("/ready")
        assert not taken
        state = client.get("/api/circuit-breakers/status")["circuit_breakers"]["polygon_rpc"]
        assert (state["state"], state["total_calls"]) == ("closed", 0)


def test_ready_says_what_the_watchers_know() -> None:
    with LocalService(DevChain(blocks=5)) as service, RawClient(service.url) as client:
        client.post("/api/chains", NODE, 201)
        with client.stream(client.subscribe(chain_id=137)):
            wait_until(lambda: client.http.get("/ready").status_code == 503)
            assert client.get("/ready", 503)["checks"]["chain_31337"] == "ok"
        client.call("DELETE", "/api/chains/137", 200)
        assert client.get("/ready")["status"] == "ready"


@pytest.mark.parametrize(
    ("key", "metrics", "detail"),
    [(None, 401, False), (KEY, 403, False), (METRICS, 200, True), (ADMIN, 200, True)],
)
def test_figures_and_details_are_for_those_who_run_it(
    guarded: LocalService, key: str | None, metrics: int, detail: bool
) -> None:
    with RawClient(guarded.url, key=key) as client:
        assert client.http.get("/metrics").status_code == metrics
        assert ("checks" in client.get("/ready")) is detail
        assert client.get("/health").keys() == {"status", "timestamp", "features"}


def test_a_metrics_key_reads_nothing_else(guarded: LocalService) -> None:
    with RawClient(guarded.url, key=METRICS) as client:
        for method, path in (("GET", "/subscriptions"), ("GET", "/api/chains"), ("POST", "/subscriptions")):
            body = definition() if method == "POST" else None
            assert client.http.request(method, path, json=body).status_code == 403


def test_figures_can_be_opened() -> None:
    with (
        LocalService(DevChain(blocks=5), admin_keys=[ADMIN], open_metrics=True) as service,
        RawClient(service.url) as client,
    ):
        assert client.http.get("/metrics").status_code == 200
        assert "checks" in client.get("/ready")
        client.get("/subscriptions", 401)


@pytest.mark.parametrize("show_nodes", [False, True])
def test_hosts_of_nodes_are_shown_to_admins(show_nodes: bool) -> None:
    chains = [ChainConfig(**NODE | {"live_max_retries": 0})]
    with LocalService(
        chains=chains, api_keys={KEY: "alice"}, admin_keys=[ADMIN], show_nodes=show_nodes
    ) as service:
        with RawClient(service.url, key=ADMIN) as admin:
            assert admin.get("/api/chains/137")["rpc_urls"] == ["http://127.0.0.1:9/…"]
        with RawClient(service.url, key=KEY) as alice:
            for path in ("/api/chains", "/api/chains/137"):
                assert ("127.0.0.1" in alice.http.get(path).text) is show_nodes
            with alice.stream(alice.subscribe(chain_id=137, subscriber_id="alice")) as stream:
                told = stream.next("error")["error_message"]
            assert ("127.0.0.1" in told) is show_nodes, told


# --- web pages ------------------------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", 200), ("LOCALHOST:80", 200), ("127.0.0.1:9", 200), ("[::1]:8000", 200),
        ("127.9.9.9", 200),
        ("streamer.example", 200), ("streamer.example.:443", 200), ("app.localhost", 200),
        ("evil.example", 421), ("evil.example:8000", 421), ("127.0.0.1.evil.example", 421), ("10.0.0.1", 421),
        ("localhost.evil.example", 421), ("[2001:db8::1]", 421),
    ],
)  # fmt: skip
def test_without_keys_only_our_own_names_are_answered(
    keyless: LocalService, host: str, expected: int
) -> None:
    with RawClient(keyless.url) as client:
        assert client.http.get("/api/chains", headers={"host": host}).status_code == expected


def test_a_request_without_host_is_a_load_balancers(keyless: LocalService) -> None:
    with connected(keyless.url) as raw:
        raw.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert status(answer(raw)) == 200


def test_with_keys_every_name_will_do(guarded: LocalService) -> None:
    with RawClient(guarded.url, key=KEY) as client:
        client.get("/subscriptions", headers={"host": "streamer.example.org"})


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/chains"), ("POST", "/api/chains/refresh"), ("DELETE", "/api/chains/31337")],
)
def test_a_page_of_another_origin_changes_nothing(
    keyless: LocalService, headers: dict[str, str], method: str, path: str
) -> None:
    with RawClient(keyless.url) as client:
        body = NODE if path == "/api/chains" else None
        refused = client.http.request(method, path, headers=headers, json=body)
        assert refused.status_code == 403
        assert refused.json()["error_code"] == "CROSS_ORIGIN"
        assert client.get("/api/chains/stats")["active_chains"] == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "empty"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "origin": "http://evil.example"},
        {"origin": "null"},
    ],
    ids=["an image", "another port", "a frame", "a script", "a sandbox"],
)
def test_a_page_of_another_origin_opens_no_stream(keyless: LocalService, headers: dict[str, str]) -> None:
    """It could not read them, but no program would get one while the page holds all that there are."""
    with RawClient(keyless.url) as client:
        number = client.subscribe()
        before = keyless.service.hub.open_streams(number)
        refused = client.get(f"/subscriptions/{number}/stream", 403, headers=headers)
        assert refused["error_code"] == "CROSS_ORIGIN"
        assert keyless.service.hub.open_streams(number) == before


def test_a_link_on_another_page_is_followed(keyless: LocalService) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    with RawClient(keyless.url) as client:
        assert client.http.get("/", headers=link).status_code == 200
        assert client.http.post("/api/chains/refresh", headers=link).status_code == 403


def test_pages_of_the_service_itself_and_of_named_hosts_may(keyless: LocalService) -> None:
    with RawClient(keyless.url) as client:
        for origin in (keyless.url, "https://streamer.example"):
            client.post("/api/chains/refresh", headers={"origin": origin})
        client.post("/api/chains/refresh", headers={"sec-fetch-site": "none"})


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "text/plain; application/json", "application/x-www-form-urlencoded", "x"]
)
def test_a_body_that_a_form_could_send_is_refused(keyless: LocalService, kind: str | None) -> None:
    with RawClient(keyless.url) as client:
        headers = {} if kind is None else {"content-type": kind}
        assert client.http.post("/subscriptions", content=b'{"a": 1}', headers=headers).status_code == 415
        chunked = client.http.post("/subscriptions", content=iter([b"{}"]), headers=headers)
        assert chunked.status_code == 415


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"]
)
def test_json_is_taken_however_it_is_spelled(keyless: LocalService, kind: str) -> None:
    with RawClient(keyless.url) as client:
        assert (
            client.http.post("/subscriptions", content=b"{}", headers={"content-type": kind}).status_code
            == 422
        )


# --- nodes that the API names ---------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.parametrize(
    ("address", "private", "public_only"),
    [
        ("127.0.0.1", True, False), ("::1", True, False), ("10.1.2.3", True, False),
        ("192.168.0.1", True, False),
        ("172.16.0.1", True, False), ("fd12::1", True, False), ("0.0.0.0", True, False),
        ("100.64.0.1", True, False),
        ("169.254.169.254", False, False), ("169.254.0.1", False, False), ("fe80::1", False, False),
        ("::ffff:169.254.169.254", False, False), ("64:ff9b::a9fe:a9fe", False, False),
        ("::a9fe:a9fe", False, False), ("::ffff:0:a9fe:a9fe", False, False),
        ("64:ff9b:1::a9fe:a9fe", False, False), ("2001:0:808:808::5601:5601", False, False),
        ("::7f00:1", True, False),
        ("2002:a9fe:a9fe::1", False, False), ("fd00:ec2::254", False, False),
        ("100.100.100.200", False, False),
        ("::ffff:127.0.0.1", True, False), ("224.0.0.1", False, False),
        ("8.8.8.8", True, True), ("2606:4700::1111", True, True),
    ],
)  # fmt: skip
def test_where_the_api_may_send_us(address: str, private: bool, public_only: bool) -> None:
    """By the address alone; nothing is connected to."""
    number = ipaddress.ip_address(address)
    assert (refusal_of(number, allow_private=True) is None) is private
    assert (refusal_of(number, allow_private=False) is None) is public_only


METADATA = ["http://169.254.169.254/latest", "http://2852039166/", "http://0xa9fea9fe/", "http://[fe80::1]/x"]
ODD = [
    "ws://\x9bnode/",
    "http://a\x00b/",
    "http://a..b/",
    "http://no de/",
    "http://" + "a" * 70 + "/",
    "ftp://localhost",
    "file:///etc/passwd",
    "gopher://localhost",
    "embedded:other",
    "http:///x",
    "localhost:1",
    "//x",
]


@pytest.mark.parametrize("field", ["rpc_urls", "historical_rpc_url", "live_websocket_url"])
@pytest.mark.parametrize("url", METADATA + ODD)
def test_metadata_and_other_schemes_are_refused_in_every_field(
    keyless: LocalService, field: str, url: str
) -> None:
    # A chain of its own: the others share this service.
    body = NODE | {"chain_id": 10, field: [url] if field == "rpc_urls" else url}
    with RawClient(keyless.url) as client:
        client.post("/api/chains", body, 422)
        client.get("/api/chains/10", 404)


def test_private_nodes_need_the_setting_where_there_are_keys(guarded: LocalService) -> None:
    with RawClient(guarded.url, key=ADMIN) as admin:
        for url in (
            "http://127.0.0.1:9/x",
            "http://localhost:9",
            "http://[::1]:9",
            "ws://127.1:9",
            "http://0:9",
        ):
            said = admin.post("/api/chains", NODE | {"rpc_urls": [url]}, 422)["detail"]
            assert "private_nodes" in said
    with (
        LocalService(DevChain(blocks=5), admin_keys=[ADMIN], private_nodes=True) as service,
        RawClient(service.url, key=ADMIN) as admin,
    ):
        admin.post("/api/chains", NODE, 201)


def test_a_nodes_redirect_is_not_followed() -> None:
    """Else a public node could send us where the API may not."""
    asked: list[bytes] = []
    with node() as (target, taken), socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def redirect() -> None:
            while True:
                try:
                    raw, _ = listener.accept()
                except OSError:
                    return
                with raw:
                    asked.append(raw.recv(65536))
                    raw.sendall(f"HTTP/1.1 307 x\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())

        thread = threading.Thread(target=redirect, daemon=True)
        thread.start()
        chains = [ChainConfig(chain_id=137, name="Polygon", rpc_urls=[url], live_retry_delay=0)]
        with (
            LocalService(chains=chains) as service,
            RawClient(service.url) as client,
            client.stream(client.subscribe(chain_id=137)) as stream,
        ):
            stream.next("error")
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert asked
    assert not taken


# --- PUT of what GET shows ------------------------------------------------------------------------

WHOLE: dict[str, Any] = {
    "chain_id": 137,
    "name": "Polygon",
    "rpc_urls": ["http://127.0.0.1:9/key-one", "http://127.0.0.1:9/key-two", "http://user:pass@127.0.0.1:8"],
    "historical_rpc_url": "http://127.0.0.1:9/archive-key",
    "live_websocket_url": "ws://127.0.0.1:9/socket-key",
    "confirmation_blocks": 7,
    "historical_max_chunk_size": 123,
    "live_enable_gap_detection": False,
    "average_block_time": 2.5,
}


def test_what_get_shows_can_be_put_back(keyless: LocalService) -> None:
    with RawClient(keyless.url) as client:
        client.post("/api/chains", WHOLE, 201)
        before = keyless.service.registry.find(137)[0]
        shown = client.get("/api/chains/137")
        assert not {"key", "pass"} & set("".join(map(str, shown.values())).replace("-", "/").split("/"))
        client.call("PUT", "/api/chains/137", 200, json=shown)
        assert keyless.service.registry.find(137)[0] == before
        client.call("PUT", "/api/chains/137", 200, json=shown | {"name": "Other", "confirmation_blocks": 9})
        after = keyless.service.registry.find(137)[0]
        assert asdict(after) == asdict(before) | {"name": "Other", "confirmation_blocks": 9}
        client.call("DELETE", "/api/chains/137", 200)


def test_masked_urls_are_put_back_in_their_order() -> None:
    before = ChainConfig(chain_id=1, name="x", rpc_urls=["http://h/one", "http://h/two", "http://other/k"])
    values, kept = unmasked(
        {"rpc_urls": ["http://new/1", "http://h/…", "http://other/…", "http://h/…"]}, before
    )
    assert values["rpc_urls"] == ["http://new/1", "http://h/one", "http://other/k", "http://h/two"]
    assert kept == {"http://h/one", "http://h/two", "http://other/k"}
    assert unmasked({"rpc_urls": ["http://nobody/…"]}, before)[0]["rpc_urls"] == ["http://nobody/…"]


def test_hosts_are_taken_out_of_messages() -> None:
    config = ChainConfig(
        chain_id=1, name="x", rpc_urls=["https://user:p@node.example:8545/key", "http://[::1]:1/k"]
    )
    said = "node.example:8545 gives no answer; https://node.example:8545/… refused; ::1 too"
    assert without_hosts(said, config) == "the node gives no answer; the node refused; the node too"
