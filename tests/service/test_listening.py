"""Where the service listens: on all addresses of its host's name, as clients may use any of them."""

import errno
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from event_streamer_service import DevChain, LocalService
from event_streamer_service.errors import StartupError
from event_streamer_service.listening import bind
from support.ports import own_port

V4, OTHER_V4, V6 = "127.0.0.1", "127.0.0.5", "::1"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="of 127/8 others have 127.0.0.1 alone")


def has_ipv6() -> bool:
    try:
        socket.create_server((V6, 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let names have these addresses, in this order, as /etc/hosts could."""
    look_up = socket.getaddrinfo

    def found(host: str, port: Any, *more: Any, **options: Any) -> list[Any]:
        if host not in {"localhost", "streamer.test"}:
            return look_up(host, port, *more, **options)
        return [one for address in addresses for one in look_up(address, port, *more, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@contextmanager
def taken(address: str, port: int) -> Iterator[None]:
    with socket.create_server((address, port)):
        yield


@pytest.mark.parametrize("first", [V6, V4, OTHER_V4])
def test_all_addresses_of_a_name_are_served_whichever_comes_first(
    monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    if first == V6 and not has_ipv6():
        pytest.skip("no IPv6 here")
    wanted = sorted({first, V4, OTHER_V4}, key=lambda address: address != first)
    resolve_to(monkeypatch, *wanted)
    with LocalService(DevChain(blocks=1), host="localhost") as service:
        port = service.url.rpartition(":")[2]
        shown = {address: f"[{address}]" if ":" in address else address for address in wanted}
        assert service.url == f"http://{shown[first]}:{port}"
        for address in wanted:
            assert httpx.get(f"http://{shown[address]}:{port}/health").status_code == 200
        service.restart()
        for address in wanted:
            assert httpx.get(f"http://{shown[address]}:{port}/health").status_code == 200


def test_an_address_that_the_machine_lacks_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in containers where IPv6 is off and /etc/hosts still says that localhost is ::1, too."""
    make = socket.socket.__init__

    def without_ipv6(self: socket.socket, family: int = -1, *more: Any, **options: Any) -> None:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        make(self, family, *more, **options)

    resolve_to(monkeypatch, V6, V4)
    monkeypatch.setattr(socket.socket, "__init__", without_ipv6)
    listener = bind("localhost", 0)
    assert listener.url == f"http://127.0.0.1:{listener.port}"
    listener.close()
    resolve_to(monkeypatch, V6)
    with pytest.raises(StartupError, match="Address family not supported"):
        bind("localhost", 0)


def test_a_port_taken_on_one_address_is_refused_and_the_others_are_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve_to(monkeypatch, V4, OTHER_V4)
    port = own_port()
    with (
        taken(OTHER_V4, port),
        pytest.raises(StartupError, match=f"localhost:{port}: Address already"),
    ):
        bind("localhost", port)
    with taken(V4, port):
        pass


def test_a_free_port_is_free_on_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address gives the port, which another program may have on the second one."""
    listen, tried = socket.socket.bind, []

    def refuse_twice(self: socket.socket, address: Any) -> None:
        if address[0] == OTHER_V4:
            tried.append(address[1])
            if len(tried) <= 2:
                raise OSError(errno.EADDRINUSE, "Address already in use")
        listen(self, address)

    resolve_to(monkeypatch, V4, OTHER_V4)
    monkeypatch.setattr(socket.socket, "bind", refuse_twice)
    listener = bind("localhost", 0)
    assert len({each.getsockname()[1] for each in listener.sockets}) == 1
    listener.close()
    assert len(tried) == 3


def test_localhost_that_is_not_loopback_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without keys it would be open to a network; the name alone is no proof."""
    resolve_to(monkeypatch, V4, "192.0.2.7")
    with pytest.raises(StartupError, match=r"localhost should be loopback, .* it is 192\.0\.2\.7"):
        bind("localhost", 0)


def test_the_command_says_where_it_listens(tmp_path: Any) -> None:
    program = (
        "import socket, sys\n"
        "real = socket.getaddrinfo\n"
        "socket.getaddrinfo = lambda host, *a, **k: real('127.0.0.1', *a, **k) + real('127.0.0.5', *a, **k)\n"
        "from event_streamer_service.commands.serve import main\n"
        "sys.argv = ['serve', '--host', 'localhost', '--port', '0']\n"
        "main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    port = url.rpartition(":")[2]
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert url == f"http://127.0.0.1:{port}"
    assert f'"listens":"127.0.0.1:{port}, 127.0.0.5:{port}"' in err
    assert process.returncode == 0
