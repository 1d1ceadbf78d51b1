"""Ports that stay what a test takes them for, also while other tests run beside it."""

import os
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

_FIRST = 20_000
"""Below the ports that Linux, macOS and Windows give to sockets which ask for any (32768 or 49152 on)."""
_EACH = 500
"""How many belong to one process of a run with several."""


@contextmanager
def refusing_port() -> Iterator[int]:
    """
    Hold a port on loopback at which connections are refused.

    It is bound and nobody listens, so that no other socket gets it meanwhile.
    """
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def own_port() -> int:
    """
    Find a free port for a program that must be told which one to take.

    Each process of a run (pytest-xdist's gw0, gw1, …) has ports of its own, and none is among those that
    the system gives to sockets, so that nobody takes it before the program does.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = _FIRST + _EACH * (worker % 20)
    for port in random.sample(range(first, first + _EACH), _EACH):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no free port from {first} on")
