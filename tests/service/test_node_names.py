"""Where the names of nodes lead, however they are spelled; the tests stand in for the name server."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from event_streamer_service import DevChain, LocalService
from support.raw_client import RawClient

ADMIN = "the-admins-own-key-0"
INSIDE = "169.254.169.254"
NAMES = {
    "metadata.example": [INSIDE],
    "metadata.example.": [INSIDE],
    "two.example": ["8.8.8.8", INSIDE],
    "six.example": ["fe80::1%1"],
    "mapped.example": ["::ffff:169.254.169.254"],
    "aws.example": ["fd00:ec2::254"],
    "private.example": ["10.0.0.7"],
    "here.example": ["127.0.0.1"],
    "public.example": ["8.8.8.8", "2606:4700::1111"],
}


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A name server of our own; gives the names it was asked for. The system reads numbers as ever."""
    real, asked = socket.getaddrinfo, []

    def getaddrinfo(host: Any, port: Any, *rest: Any, **options: Any) -> list[Any]:
        if host in NAMES:
            asked.append(host)
            return [
                (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
                for each in NAMES[host]
            ]
        return real(host, port, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.fixture(scope="module", params=[False, True], ids=["public nodes alone", "private nodes too"])
def admin(request: pytest.FixtureRequest) -> Iterator[RawClient]:
    private = request.param
    with (
        LocalService(DevChain(blocks=2), admin_keys=[ADMIN], private_nodes=private) as service,
        RawClient(service.url, key=ADMIN) as client,
    ):
        yield client


def said(client: RawClient, url: str) -> str:
    """What a chain with this node is refused with."""
    body = {"chain_id": 5, "name": "x", "rpc_urls": [url]}
    detail: str = client.post("/api/chains", body, 422)["detail"]
    return detail


@pytest.mark.parametrize(
    "url",
    [
        f"http://{INSIDE}/", "http://2852039166/", "http://0xa9fea9fe/", "http://0251.0376.0251.0376/",
        "http://0xa9.254.43518/", "http://169.254.43518/", "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:a9fe:a9fe::]/",
        "http://[fe80::1%25eth0]/", "http://169。254。169。254/", "http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/",
        f"http://8.8.8.8@{INSIDE}/", f"http://8.8.8.8:80@{INSIDE}/", f"http://8.8.8.8%2f@{INSIDE}/",
        f"http://8.8.8.8\\@{INSIDE}/", f"http://{INSIDE}#@8.8.8.8/", f"http://{INSIDE}?@8.8.8.8/",
        f"http://{INSIDE}:80/", f"HTTP://{INSIDE}/", f"ws://{INSIDE}/", "http://metadata.example/",
        "http://metadata.example./", "http://METADATA.example/", "http://two.example/", "http://six.example/",
        "http://mapped.example/", "http://aws.example/", "http://100.100.100.200/", "http://224.0.0.1/",
    ],
)  # fmt: skip
def test_the_inside_is_refused_however_it_is_spelled(admin: RawClient, names: list[str], url: str) -> None:
    detail = said(admin, url)
    assert any(words in detail for words in ("is refused", "is not a URL", "must match")), detail
    admin.get("/api/chains/5", 404)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/", "http://localhost./", "http://LOCALHOST:1/", "http://127.1/", "http://0/",
        "http://0x7f.1/", "http://017700000001/", "http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/",
        "http://here.example/", "http://private.example/", "http://192.168.0.1/", "http://[fd12::1]/",
    ],
)  # fmt: skip
def test_this_machine_and_private_networks_need_the_setting(
    admin: RawClient, names: list[str], request: pytest.FixtureRequest, url: str
) -> None:
    if "private nodes too" in request.node.name:
        # Not the chain that the others are refused: it is known from now on.
        admin.post("/api/chains", {"chain_id": 6, "name": "x", "rpc_urls": [url]}, 201)
        admin.call("DELETE", "/api/chains/6", 200)
    else:
        detail = said(admin, url)
        assert "private_nodes" in detail or "localhost. can't be resolved" in detail


def test_a_public_name_is_taken(admin: RawClient, names: list[str]) -> None:
    admin.post("/api/chains", {"chain_id": 7, "name": "y", "rpc_urls": ["https://public.example/k"]}, 201)
    assert names == ["public.example"]
    admin.call("DELETE", "/api/chains/7", 200)
