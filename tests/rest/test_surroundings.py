"""What is wrong on this machine is told by its name at once: certificates, proxies, missing packages."""

import importlib.util
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from event_streamer_sdk import Reconnect
from event_streamer_sdk._transports.errors import ConnectionBrokenError
from event_streamer_sdk._transports.limits import limits_of
from event_streamer_sdk._transports.proxies import excepted, proxy_of
from event_streamer_sdk._transports.sockets_on_threads import HTTPConnection, encrypted
from event_streamer_sdk._transports.tls import refusal
from event_streamer_sdk.exceptions import (
    EventStreamerConnectionError,
    EventStreamerResponseError,
    EventStreamerSDKError,
    EventStreamerTLSError,
    EventStreamerValidationError,
)
from support.listener import Listener
from support.scripted_server import Reply, ScriptedServer, scripted_server
from support.stream_server import Wire, stream_server
from support.twins import twin

pytestmark = pytest.mark.quick

HEALTHY = Reply(200, {"status": "healthy"})
PATIENT = {"reconnect": Reconnect(initial=0.01, maximum=0.01)}
"""A stream that would go on for ever: that it ends is what the tests show."""


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


def refused_at_once(kind: str, url: str, said: str, **options: Any) -> None:
    """A call and a stream both end with one error that says so, and nothing is tried again."""
    began = time.monotonic()
    with (
        twin(kind, url, max_retries=50, **options) as client,
        pytest.raises(EventStreamerValidationError, match=said),
    ):
        client.get_health()
    listener = Listener(kind, url, client=options, **PATIENT)
    with pytest.raises(EventStreamerValidationError, match=said):
        listener.run()
    assert listener.delays == []
    assert time.monotonic() - began < 5


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[ScriptedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with scripted_server(context) as server:
        server.script(HEALTHY)
        yield server


class TestCertificates:
    @pytest.mark.parametrize(
        ("variable", "content", "said"),
        [
            ("SSL_CERT_FILE", None, "SSL_CERT_FILE is '.*missing'.*No such file"),
            ("SSL_CERT_FILE", "nothing in PEM", "SSL_CERT_FILE is .*no certificate or key in PEM form"),
            ("SSL_CERT_FILE", "", "SSL_CERT_FILE is .*no certificate or key in PEM form"),
            ("SSL_CERT_DIR", None, "SSL_CERT_DIR is '.*missing'.*no such folder"),
            ("SSL_CERT_DIR", "folder", r"SSL_CERT_DIR is .*`openssl rehash`"),
            ("SSLKEYLOGFILE", None, "SSLKEYLOGFILE is '.*missing"),
        ],
    )
    def test_a_variable_that_is_wrong_is_named(
        self,
        kind: str,
        variable: str,
        content: str | None,
        said: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        place = tmp_path / "missing"
        if content == "folder":
            place.mkdir()
        elif content is not None:
            place.write_text(content)
        elif variable == "SSLKEYLOGFILE":
            place = place / "keys"
        monkeypatch.setenv(variable, str(place))
        refused_at_once(kind, "https://127.0.0.1:1", said)

    def test_a_variable_that_is_wrong_does_not_matter_without_tls(
        self, kind: str, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
        server.script(HEALTHY)
        with twin(kind, server.url) as client:
            assert client.health_check()
        with twin(kind, "http://events.invalid", proxy=server.url) as client:
            assert client.health_check()

    @pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
    def test_a_variable_that_is_right_is_used(
        self,
        kind: str,
        variable: str,
        tls_server: ScriptedServer,
        certificate: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        place = certificate.with_suffix(".crt")
        if variable == "SSL_CERT_DIR":
            name = ssl_hash(place)
            (tmp_path / f"{name}.0").write_bytes(place.read_bytes())
            place = tmp_path
        monkeypatch.setenv(variable, str(place))
        with twin(kind, tls_server.url) as client:
            assert client.get_health().status == "healthy"
        with twin(kind, tls_server.url, trust_env=False) as client, pytest.raises(EventStreamerTLSError):
            client.get_health()

    def test_an_untrusted_certificate_names_the_variable(
        self, kind: str, tls_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import certifi

        monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
        with (
            twin(kind, tls_server.url) as client,
            pytest.raises(EventStreamerTLSError, match="come from SSL_CERT_FILE"),
        ):
            client.get_health()

    @pytest.mark.parametrize(
        ("options", "said"),
        [({"verify": "/nowhere"}, "verify is '/nowhere'"), ({"cert": "/nowhere"}, "cert is '/nowhere'")],
        ids=["verify", "cert"],
    )
    def test_an_option_that_is_wrong_is_named(self, kind: str, options: dict[str, Any], said: str) -> None:
        refused_at_once(kind, "https://127.0.0.1:1", said, **options)

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_a_client_certificate_is_asked_for(
        self, kind: str, version: ssl.TLSVersion, certificate: Path
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.load_verify_locations(certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = context.maximum_version = version
        with scripted_server(context) as server:
            server.script(HEALTHY)
            with (
                twin(kind, server.url, verify=False, max_retries=5) as client,
                pytest.raises(EventStreamerTLSError, match=r"client certificate.* cert="),
            ):
                client.get_health()
            with twin(kind, server.url, verify=False, cert=str(certificate)) as client:
                assert client.get_health().status == "healthy"

    def test_an_alert_behind_a_failed_write_is_the_cause_and_not_its_own_cause(
        self, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever follows the causes of an error that causes itself never comes to an end."""
        alert = ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] certificate required")

        def receive(connection: HTTPConnection, timeout: float | None) -> None:
            raise ConnectionBrokenError(str(alert)) from alert

        monkeypatch.setattr(HTTPConnection, "receive", receive)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(b"an alert")
            connection = HTTPConnection(ours, ("https", "127.0.0.1", 1))
            broken = ConnectionBrokenError("broken pipe")
            with pytest.raises(ConnectionBrokenError) as told:
                connection._receive_early_answer(broken, OSError(), limits_of(1))
        assert told.value.__cause__ is alert

    def test_causes_that_lead_in_a_circle_come_to_an_end(self, kind: str) -> None:
        one, other = OSError("one"), OSError("other")
        one.__cause__, other.__cause__ = other, one
        assert refusal(one, connecting=True) is None

    def test_what_speaks_no_tls_is_said_to(self, kind: str, server: ScriptedServer) -> None:
        url = server.url.replace("http:", "https:")
        with (
            twin(kind, url, max_retries=5) as client,
            pytest.raises(EventStreamerTLSError, match="is the address http://"),
        ):
            client.get_health()


def ssl_hash(path: Path) -> str:
    import subprocess

    command = ["openssl", "x509", "-hash", "-noout", "-in", str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("way", ["closed", "reset"])
def test_a_handshake_that_is_broken_off_is_made_again(kind: str, way: str, certificate: Path) -> None:
    """A balancer that restarts does it; the second attempt is answered."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    attempts = []

    def serve() -> None:
        for number in range(2):
            connection, _ = listener.accept()
            attempts.append(number)
            with connection:
                if number == 0:
                    if way == "reset":
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    else:
                        connection.recv(65536)
                    continue
                with context.wrap_socket(connection, server_side=True) as encrypted:
                    encrypted.recv(65536)
                    body = b'{"status":"healthy"}'
                    encrypted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with twin(kind, url, verify=False, max_retries=1) as client:
            assert client.get_health().status == "healthy"
        assert attempts == [0, 1]
    finally:
        thread.join(10)
        listener.close()


def test_a_connection_that_was_reset_before_the_handshake_is_closed() -> None:
    """Python before 3.13 left it to the garbage collector, which warns of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        client.connect(listener.getsockname())
        peer, _ = listener.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        descriptor = client.fileno()
        with pytest.raises(ConnectionResetError) as held:  # and with it all frames, so that nothing is freed
            encrypted(client, ssl.create_default_context(), "localhost")
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
        del held


class TestProxies:
    @pytest.mark.parametrize(
        ("variable", "value", "said"),
        [
            ("ALL_PROXY", "socks4://127.0.0.1:1080", "ALL_PROXY is 'socks4://127.0.0.1:1080'.*socks5://host"),
            ("all_proxy", "ftp://127.0.0.1", "all_proxy is 'ftp://127.0.0.1'"),
            ("HTTP_PROXY", "http://127.0.0.1:99999", "HTTP_PROXY is 'http://127.0.0.1:99999'"),
            ("http_proxy", "http://", "http_proxy is 'http://'.*no host"),
            ("http_proxy", "http://[::1", "http_proxy is"),
            ("http_proxy", "127.0.0.1:port", "http_proxy is"),
            ("ALL_PROXY", "http://user:secret@127.0.0.1:port", "ALL_PROXY is 'http://127.0.0.1:port'"),
        ],
    )
    def test_a_variable_that_is_wrong_is_named(
        self, kind: str, variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, value)
        refused_at_once(kind, "http://events.invalid", said)

    def test_an_option_that_is_wrong_is_named(self, kind: str) -> None:
        refused_at_once(kind, "http://events.invalid", "proxy is 'gopher://x'", proxy="gopher://x")

    @pytest.mark.skipif(importlib.util.find_spec("socksio") is not None, reason="socksio is installed")
    def test_a_missing_package_is_named(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
        refused_at_once(
            kind,
            "http://events.invalid",
            r"ALL_PROXY is .*needs the package socksio; pip install 'httpx\[socks\]'",
        )

    def test_a_proxy_that_does_not_answer_is_named(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        monkeypatch.setenv("HTTP_PROXY", f"http://user:secret@127.0.0.1:{port}")
        with (
            twin(kind, "http://events.invalid", max_retries=0) as client,
            pytest.raises(
                EventStreamerConnectionError, match=rf"the proxy http://127\.0\.0\.1:{port} of HTTP_PROXY"
            ) as caught,
        ):
            client.get_health()
        assert "secret" not in str(caught.value)

    def test_a_proxy_that_wants_a_password_ends_it(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with scripted_server() as proxy:
            proxy.script(Reply(407))
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with (
                twin(kind, "https://events.invalid", max_retries=5) as client,
                pytest.raises(EventStreamerSDKError, match=r"of HTTPS_PROXY: 407 Proxy Auth"),
            ):
                client.get_health()
            assert len(proxy.requests) == 1

    @pytest.mark.parametrize("no_proxy", ["127.0.0.0/8", "[::1],127.0.0.1", "*", " , 127.0.0.1:{port}"])
    def test_no_proxy_keeps_the_service_out_of_it(
        self, kind: str, no_proxy: str, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.script(HEALTHY)
        monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", no_proxy.format(port=server.url.rpartition(":")[2]))
        with twin(kind, server.url, max_retries=0) as client:
            assert client.health_check()
            assert "Llhttp" in type(client.client._http.transport).__name__, "our own adapter"


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "covered"),
    [
        ("", "a.test", 80, False),
        ("*", "a.test", 80, True),
        ("b.test,a.test", "a.test", 80, True),
        ("b.test a.test", "a.test", 80, True),
        ("a.test", "x.a.test", 80, True),
        ("a.test", "xa.test", 80, False),
        (".a.test", "x.a.test", 80, True),
        (".a.test", "a.test", 80, True),
        ("*.a.test", "x.y.a.test", 80, True),
        ("A.Test.", "a.test", 80, True),
        ("a.test:8000", "a.test", 8000, True),
        ("a.test:8000", "a.test", 80, False),
        ("localhost", "localhost", 8000, True),
        ("127.0.0.1", "127.0.0.1", 8000, True),
        ("127.0.0.1", "127.0.0.11", 8000, False),
        ("10.0.0.0/8", "10.9.8.7", 80, True),
        ("10.0.0.0/8", "11.9.8.7", 80, False),
        ("10.0.0.1/8", "10.9.8.7", 80, True),
        ("10.*", "10.9.8.7", 80, True),
        ("192.168.0.0/16:8000", "192.168.1.1", 8000, True),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[::1]:8000", "::1", 8000, True),
        ("[::1]:8000", "::1", 80, False),
        ("0:0:0:0:0:0:0:1", "::1", 80, True),
        ("fd00::/8", "fd12::1", 80, True),
        ("[fd00::]/8", "fd12::1", 80, True),
        ("[fd00::/8]", "fd12::1", 80, True),
        ("10.0.0.0/99", "10.0.0.1", 80, False),
        ("[", "a.test", 80, False),
        (":8000", "a.test", 8000, False),
        ("0.0.0.0/0", "a.test", 80, False),
        ("0.0.0.0/0", "::1", 80, False),
    ],
)
def test_what_no_proxy_covers(no_proxy: str, host: str, port: int, covered: bool) -> None:
    assert excepted(host, port, no_proxy) is covered


def test_the_proxy_of_the_scheme_comes_before_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "secure.test:3128")
    monkeypatch.setenv("ALL_PROXY", "http://any.test")
    for url, name, host in (
        ("https://a.test", "https_proxy", "secure.test"),
        ("http://a.test", "ALL_PROXY", "any.test"),
    ):
        found = proxy_of(url, None, True)
        assert found is not None
        assert (found.name, found.proxy.url.host) == (name, host)
    assert proxy_of("https://a.test", None, False) is None
    given = httpx.Proxy("http://mine.test")
    chosen = proxy_of("https://a.test", given, True)
    assert chosen is not None
    assert (chosen.name, chosen.proxy) == ("proxy", given)


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress"])
def test_a_compression_that_nobody_asked_for_is_said_and_not_tried_again(
    kind: str, encoding: str, server: ScriptedServer
) -> None:
    server.script(Reply(200, body=b"\x28\xb5\x2f\xfd", headers={"Content-Encoding": encoding}))
    with (
        twin(kind, server.url, max_retries=5) as client,
        pytest.raises(EventStreamerResponseError, match=f"Content-Encoding '{encoding}'"),
    ):
        client.get_health()
    assert len(server.requests) == 1

    def compressed(wire: Wire) -> None:
        wire.begin(Content_Encoding=encoding)
        wire.send(b"\x28\xb5\x2f\xfd")

    with stream_server(compressed, compressed, compressed) as service:
        listener = Listener(kind, service.url, **PATIENT)
        with pytest.raises(EventStreamerSDKError, match=f"Content-Encoding '{encoding}'"):
            listener.run()
        assert listener.delays == []
