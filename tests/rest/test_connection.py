"""How the clients reach a service: addresses, headers, redirects, TLS, proxies, clients of the user's own."""

import asyncio
import gc
import resource
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.exceptions import (
    ClientClosedError,
    EventStreamerConnectionError,
    EventStreamerTLSError,
    EventStreamerValidationError,
)
from support.scripted_server import Reply, ScriptedServer, scripted_server
from support.twins import Twin, twin

pytestmark = pytest.mark.quick

HEALTHY = Reply(200, {"status": "healthy"})


class TestAddress:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("http://localhost:8000/", "http://localhost:8000"),
            ("https://Events.Example.com", "https://events.example.com"),
            ("http://[::1]:8000", "http://[::1]:8000"),
            ("http://host/prefix//", "http://host/prefix"),
            (" http://host ", "http://host"),
            ("http://user:secret@host:1", "http://host:1"),
        ],
    )
    def test_an_address_is_tidied_up(self, given: str, kept: str) -> None:
        assert SyncEventStreamer(given, "me").service_url == kept

    @pytest.mark.parametrize(
        "given",
        [
            "",
            "localhost:8000",
            "ftp://host",
            "http://",
            "http://host:port",
            "http://[::1",
            "http://h/?a=1",
            None,
            5,
        ],
    )
    def test_a_wrong_address_is_told_at_once(self, given: Any) -> None:
        for client in (EventStreamer, SyncEventStreamer):
            with pytest.raises(
                EventStreamerValidationError, match=r"service_url.* it has to look like http://"
            ):
                client(given, "me")

    def test_a_password_is_not_shown(self) -> None:
        with pytest.raises(EventStreamerValidationError) as caught:
            SyncEventStreamer("ftp://user:secret@host/x", "me")
        assert "secret" not in str(caught.value)
        assert "secret" not in repr(SyncEventStreamer("http://user:secret@host/x", "me"))

    @pytest.mark.parametrize(
        ("subscriber_id", "told"), [("", "must be a non-empty string"), (None, "is missing"), (5, "must be")]
    )
    def test_a_subscriber_id_is_needed_without_a_key(self, subscriber_id: Any, told: str) -> None:
        with pytest.raises(EventStreamerValidationError, match=f"subscriber_id {told}"):
            EventStreamer("http://host", subscriber_id)

    def test_a_prefix_is_kept(self, kind: str, server: ScriptedServer) -> None:
        server.script(HEALTHY)
        with twin(kind, f"{server.url}/v1/") as client:
            client.get_health()
        assert server.requests[0].path == "/v1/health"


class TestHeaders:
    def test_headers_and_key_go_with_every_request(self, kind: str, server: ScriptedServer) -> None:
        server.script(HEALTHY)
        options: dict[str, Any] = {"headers": {"X-Tenant": "a", "user-agent": "mine"}, "api_key": "k"}
        with twin(kind, server.url, **options) as client:
            client.get_health()
        headers = server.requests[0].headers
        assert (headers["x-tenant"], headers["x-api-key"], headers["user-agent"]) == ("a", "k", "mine")

    def test_a_user_in_the_address_is_basic_authentication(self, kind: str, server: ScriptedServer) -> None:
        server.script(HEALTHY)
        with twin(kind, server.url.replace("://", "://Aladdin:open%20sesame@")) as client:
            client.get_health()
        # The example of RFC 7617, section 2.
        assert server.requests[0].headers["authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="

    @pytest.mark.parametrize(
        "headers", [{"A": "x\ny"}, {"A": "ü"}, {"": "x"}, {"A b": "x"}, {"A": 5}, {5: "x"}]
    )
    def test_a_header_that_cannot_be_sent_is_told_without_its_value(self, headers: Any) -> None:
        with pytest.raises(EventStreamerValidationError, match="header"):
            EventStreamer("http://host", "me", headers=headers)
        with pytest.raises(EventStreamerValidationError) as caught:
            EventStreamer("http://host", "me", api_key="secret\r\n")
        assert "secret" not in str(caught.value)


class TestRedirects:
    def test_one_to_the_same_origin_is_followed(self, client: Twin, server: ScriptedServer) -> None:
        server.script(Reply(307, headers={"Location": "/health/?x=1"}), HEALTHY)
        assert client.get_health().status == "healthy"
        assert (server.requests[1].path, server.requests[1].query) == ("/health/", {"x": "1"})

    def test_one_to_another_origin_is_not(self, kind: str, server: ScriptedServer) -> None:
        with scripted_server() as other:
            other.script(HEALTHY)
            server.script(Reply(307, headers={"Location": f"{other.url}/health"}))
            with (
                twin(kind, server.url, api_key="k") as client,
                pytest.raises(EventStreamerConnectionError, match=r"307 .*redirects to another origin"),
            ):
                client.get_health()
            assert not other.requests

    def test_a_loop_ends(self, client: Twin, server: ScriptedServer) -> None:
        server.script(Reply(308, headers={"Location": "/health"}))
        with pytest.raises(EventStreamerConnectionError, match=r"308 .*redirects in a circle"):
            client.get_health()
        assert len(server.requests) == 6

    def test_none_is_followed_that_would_change_the_call(self, client: Twin, server: ScriptedServer) -> None:
        server.script(Reply(302, headers={"Location": "/elsewhere"}))
        with pytest.raises(EventStreamerConnectionError, match=r"302 .*would change the call"):
            client.reset_circuit_breaker("rpc")
        assert len(server.requests) == 1

    @pytest.mark.parametrize("location", ["http://[", "//", "http://host:99999999/", ""])
    def test_a_broken_location_is_an_error(self, location: str, client: Twin, server: ScriptedServer) -> None:
        server.script(Reply(302, headers={"Location": location}))
        with pytest.raises(EventStreamerConnectionError, match="302"):
            client.get_health()


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[ScriptedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with scripted_server(context) as server:
        server.script(HEALTHY)
        yield server


def _resident_bytes() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


class TestTLS:
    def test_a_certificate_that_is_not_trusted_ends_it_at_once(
        self, kind: str, tls_server: ScriptedServer
    ) -> None:
        with (
            twin(kind, tls_server.url, api_key="k", max_retries=5) as client,
            pytest.raises(EventStreamerTLSError, match=r"no trusted connection: .*certificate"),
        ):
            client.get_health()
        assert not tls_server.requests

    def test_a_context_of_the_user_trusts_it(
        self, kind: str, tls_server: ScriptedServer, certificate: Path
    ) -> None:
        context = ssl.create_default_context(cafile=certificate)
        with twin(kind, tls_server.url, verify=context) as client:
            assert client.health_check()

    def test_many_clients_share_one_context(
        self, kind: str, tls_server: ScriptedServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No client makes a context of its own, which would hold the certificates of all authorities."""
        context = ssl.create_default_context(cafile=certificate)
        runner = asyncio.Runner()
        with ExitStack() as open_ones:
            open_ones.enter_context(runner)
            monkeypatch.setattr(ssl, "create_default_context", lambda **_: pytest.fail("another context"))
            first = open_ones.enter_context(twin(kind, tls_server.url, verify=context, runner=runner))
            assert first.health_check()
            before = _resident_bytes()
            more = [
                open_ones.enter_context(twin(kind, tls_server.url, verify=context, runner=runner))
                for _ in range(50)
            ]
            assert all(client.health_check() for client in more)
            each = (_resident_bytes() - before) / len(more)
        # Half of it is the server's, which runs in this process.
        assert each < 500_000, f"{each:,.0f} bytes for each client"

    def test_checking_can_be_switched_off(self, kind: str, tls_server: ScriptedServer) -> None:
        with twin(kind, tls_server.url, verify=False) as client:
            assert client.health_check()


class TestProxies:
    """The scripted server stands for the proxy: a proxied plain request names the whole URL."""

    def test_a_proxy_is_used(self, kind: str, server: ScriptedServer) -> None:
        server.script(HEALTHY)
        with twin(kind, "http://events.invalid", proxy=server.url) as client:
            assert client.health_check()
        assert server.requests[0].headers["host"] == "events.invalid"

    def test_the_environments_proxy_counts(
        self, kind: str, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.script(HEALTHY)
        monkeypatch.setenv("http_proxy", server.url)
        monkeypatch.delenv("no_proxy", raising=False)
        with twin(kind, "http://events.invalid") as client:
            assert client.health_check()
        with twin(kind, "http://events.invalid", trust_env=False, max_retries=0) as client:
            assert not client.health_check()
        assert len(server.requests) == 1


class Counting(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport of a user's own."""

    def __init__(self) -> None:
        self.count = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.count += 1
        return httpx.Response(200, json={"status": "healthy"})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


class TestInjection:
    def test_a_transport_is_used(self, kind: str) -> None:
        transport = Counting()
        with twin(kind, "http://nowhere.invalid", transport=transport) as client:
            assert client.health_check()
        assert transport.count == 1

    def test_a_client_is_used_and_left_open(self, kind: str, server: ScriptedServer) -> None:
        server.script(HEALTHY)
        make: Any = httpx.AsyncClient if kind == "async" else httpx.Client
        own = make(headers={"X-Own": "1"})
        with twin(kind, server.url, http_client=own) as client:
            client.get_health()
            client.close()
            assert not own.is_closed
            client.run(own.aclose() if kind == "async" else own.close())
        assert server.requests[0].headers["x-own"] == "1"

    def test_a_client_excludes_what_it_brings_itself(self) -> None:
        with (
            httpx.Client() as own,
            pytest.raises(EventStreamerValidationError, match="http_client brings its own"),
        ):
            SyncEventStreamer("http://host", "me", http_client=own, proxy="http://proxy")

    def test_the_wrong_kind_of_client_is_told(self) -> None:
        with (
            httpx.Client() as own,
            pytest.raises(EventStreamerValidationError, match=r"takes an httpx\.AsyncClient"),
        ):
            EventStreamer("http://host", "me", http_client=own)
        with pytest.raises(EventStreamerValidationError, match=r"takes an httpx\.Client"):
            SyncEventStreamer("http://host", "me", http_client=object())

    def test_time_outs_may_be_set_one_by_one(self, kind: str, server: ScriptedServer) -> None:
        server.script(HEALTHY)
        for timeout in (httpx.Timeout(5.0, connect=1.0), 2, None):
            with twin(kind, server.url, timeout=timeout) as client:
                assert client.health_check()

    @pytest.mark.parametrize(
        "options",
        [{"timeout": 0}, {"timeout": -1.0}, {"timeout": "5"}, {"max_retries": -1}, {"max_retries": 1.5}],
        ids=str,
    )
    def test_a_wrong_option_is_told(self, options: dict[str, Any]) -> None:
        with pytest.raises(EventStreamerValidationError, match=next(iter(options))):
            EventStreamer("http://host", "me", **options)


class TestLife:
    def test_a_closed_client_refuses_calls_and_says_so(self, client: Twin, server: ScriptedServer) -> None:
        server.script(HEALTHY)
        assert client.health_check()
        client.close()
        client.close()
        with pytest.raises(ClientClosedError, match="this client is closed; make another one"):
            client.get_health()
        assert issubclass(ClientClosedError, RuntimeError)

    def test_a_client_that_is_entered_again_is_open_again(self, server: ScriptedServer) -> None:
        """As one is that a program uses in one event loop after another."""
        server.script(HEALTHY)
        waiting, blocking = EventStreamer(server.url, "me"), SyncEventStreamer(server.url, "me")

        async def main() -> str:
            async with waiting as client:
                return (await client.get_health()).status

        assert [asyncio.run(main()) for _ in range(2)] == ["healthy"] * 2
        for _ in range(2):
            with blocking as client:
                assert client.get_health().status == "healthy"
        with pytest.raises(ClientClosedError):
            blocking.get_health()

    def test_a_stream_of_a_closed_client_ends_at_once(self) -> None:
        client = SyncEventStreamer("http://127.0.0.1:9", "me")
        client.close()
        stream = client.create_streaming_client(1)
        stream.on_all_events(print)
        with pytest.raises(ClientClosedError):
            stream.run()

    def test_a_context_manager_closes(self, server: ScriptedServer) -> None:
        server.script(HEALTHY)

        async def main() -> bool:
            async with EventStreamer(server.url, "me") as client:
                await client.get_health()
                inner = client._http.transport
            return bool(client._http._transport is None and inner._idle._closed)

        assert asyncio.run(main())
        with SyncEventStreamer(server.url, "me") as client:
            client.get_health()
            inner = client._http.transport
        assert client._http._transport is None
        assert inner._idle._closed

    def test_one_client_serves_many_threads(self, server: ScriptedServer) -> None:
        from concurrent.futures import ThreadPoolExecutor

        server.script(HEALTHY)
        with SyncEventStreamer(server.url, "me") as client, ThreadPoolExecutor(8) as pool:
            assert all(pool.map(lambda _: client.health_check(), range(64)))

    def test_a_call_under_way_when_the_client_is_closed_leaves_no_connection(
        self, server: ScriptedServer
    ) -> None:
        arrived, released = threading.Event(), threading.Event()

        def hold(_: Any) -> None:
            arrived.set()
            released.wait(10)

        def ask(asked: SyncEventStreamer) -> None:
            healthy.append(asked.health_check())

        server.script(Reply(200, {"status": "healthy"}, before=hold))
        client = SyncEventStreamer(server.url, "me")
        healthy: list[bool] = []
        call = threading.Thread(target=ask, args=(client,))
        call.start()
        assert arrived.wait(10)
        client.close()
        released.set()
        call.join()
        assert healthy == [True]
        del client, call
        gc.collect()  # a socket that nobody closed would be told here, and fail the test

    def test_importing_the_package_loads_no_http_library(self) -> None:
        code = (
            "import sys, event_streamer_sdk; print(sorted({'httpx', 'attr', 'aiohttp'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"
        code = "import sys; from event_streamer_sdk import EventStreamer; print('httpx' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "False"
