"""The files of deploy/, run with Debian's nginx, HAProxy and Caddy in front of a real service."""

import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme

from event_streamer_sdk import SyncEventStreamer
from event_streamer_service import DevChain, LocalService
from support.ports import own_port
from support.raw_client import RawClient, definition

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
KEY = "a-key-that-is-long-enough"
EVENT = "event Transfer(address indexed from, address indexed to, uint256 value)"
ALICE, BOB = "0x" + "aa" * 20, "0x" + "bb" * 20


def nginx(folder: Path, port: int, service: str) -> list[str]:
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl").replace("127.0.0.1:8000", service)
    text = text.replace("/etc/ssl/streamer/", f"{folder}/")
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    head = f"daemon off; pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; {paths}"
    (folder / "all.conf").write_text(f"{head}\n{text}\n}}")
    return ["nginx", "-p", str(folder), "-c", str(folder / "all.conf")]


def haproxy(folder: Path, port: int, service: str) -> list[str]:
    text = (DEPLOY / "haproxy.cfg").read_text("utf-8")
    text = text.replace("bind :443", f"bind 127.0.0.1:{port}").replace("127.0.0.1:8000", service)
    text = text.replace("/etc/ssl/streamer/", f"{folder}/").replace("maxconn 10000", "maxconn 100")
    (folder / "haproxy.cfg").write_text(text)
    return ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]


def caddy(folder: Path, port: int, service: str) -> list[str]:
    text = (DEPLOY / "Caddyfile").read_text("utf-8").replace("127.0.0.1:8000", service)
    site = f"https://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {folder}/fullchain.pem {folder}/key.pem"
    text = text.replace("streamer.example {", site)
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"
    (folder / "Caddyfile").write_text(options + text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextmanager
def proxy(make: object, folder: Path, service: LocalService) -> Iterator[tuple[str, ssl.SSLContext]]:
    """Run a proxy in front of a service; gives its URL, and what trusts its certificate."""
    name = make.__name__  # type: ignore[attr-defined]
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed (Debian and Ubuntu: apt install {name})")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    (folder / "fullchain.pem").write_bytes(chain)
    (folder / "bundle.pem").write_bytes(chain + issued.private_key_pem.bytes())
    port = own_port()
    command = make(folder, port, service.url.removeprefix("http://"))  # type: ignore[operator]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
        try:
            context = ssl.create_default_context()
            authority.configure_trust(context)
            _wait(f"https://localhost:{port}", context, folder, process)
            yield f"https://localhost:{port}", context
        finally:
            process.terminate()
            process.wait(10)


def _wait(url: str, context: ssl.SSLContext, folder: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            httpx.get(f"{url}/health", verify=context)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError((folder / "log").read_text("utf-8", "replace")[-2000:])


@pytest.mark.parametrize("make", [nginx, haproxy, caddy])
def test_streams_go_through_a_proxy_as_they_come(make: object, tmp_path: Path) -> None:
    chain = DevChain(blocks=3, logs_per_block=0)
    with (
        LocalService(
            chain, api_keys={KEY: "me"}, heartbeat_interval=0.5, trusted_proxies=["127.0.0.1"]
        ) as service,
        proxy(make, tmp_path, service) as (url, context),
    ):
        with SyncEventStreamer(url, "me", api_key=KEY, verify=context) as client:
            subscription = client.subscribe(EVENT, chain_id=31337, start_block=0)
            seen: list[float] = []
            stream = client.create_streaming_client(subscription.id, batch_ack_interval=0.1)

            @stream.on_event("Transfer")
            def note(_: object) -> None:
                seen.append(time.monotonic())

            stream.start_streaming()
            time.sleep(2.5)  # some heartbeats long nothing happens
            for number in range(3):
                began = time.monotonic()
                chain.transfer(ALICE, BOB, number, mine=True)
                while len(seen) <= number and time.monotonic() - began < 10:
                    time.sleep(0.01)
                assert seen[number] - began < 3, "a line is not held back"
            time.sleep(0.5)
            assert not stream.stats.reconnects
            stream.stop_streaming()
            assert client.get_subscription(subscription.id).events_delivered == 3
        assert httpx.get(f"{url}/metrics", verify=context, headers={"x-api-key": KEY}).status_code == 403
        _callers_are_counted_by_their_own_address(url, context, service)


def _callers_are_counted_by_their_own_address(
    url: str, context: ssl.SSLContext, service: LocalService
) -> None:
    """What a caller writes into X-Forwarded-For is not believed: the proxy sets it anew."""
    with httpx.Client(verify=context) as http:
        for number in range(3):
            http.get(f"{url}/subscriptions", headers={"x-forwarded-for": f"192.0.2.{number}"})
    known = [name for name in service.service.rate_limit._buckets if name.startswith("stranger:")]
    assert not [name for name in known if "192.0.2" in name]


def test_only_a_trusted_proxy_names_other_addresses() -> None:
    for trusted, expected in ([], "stranger:127.0.0.1"), (["127.0.0.1"], "stranger:192.0.2.7"):
        with LocalService(
            DevChain(blocks=2), api_keys={KEY: "me"}, requests_per_second=100.0, trusted_proxies=trusted
        ) as service:
            with RawClient(service.url) as client:
                client.post("/subscriptions", definition(), 401, headers={"x-forwarded-for": "192.0.2.7"})
            assert expected in service.service.rate_limit._buckets
