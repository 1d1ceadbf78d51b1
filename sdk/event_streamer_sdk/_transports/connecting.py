"""
Connects to a name, blocking and on the event loop.

A name may have several addresses, and the first may be one that nobody listens on (`localhost` as `::1`) or
that swallows what is sent to it (IPv6 without a route). So they are tried in turn, the next one as soon as
one fails or takes long, and the first that answers is used: "happy eyeballs", RFC 8305. asyncio has it, but
uvloop doesn't, and the blocking world has nothing like it.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import select
import selectors
import socket
import time
from collections.abc import Iterable
from functools import partial
from itertools import zip_longest
from typing import Any

ATTEMPT_DELAY = 0.25
"""Seconds after which the next address is tried beside those before it (RFC 8305, section 5)."""

Address = tuple[Any, ...]
"""What `socket.getaddrinfo` gives for one address: family, kind, protocol, name, place."""

_HAS_POLL = hasattr(select, "poll")
"""select() itself takes no descriptor above 1,023."""

_UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN, errno.EINTR})


def in_turn(addresses: Iterable[Address]) -> list[Address]:
    """
    Put addresses into the order in which they are tried.

    Returns:
        The same with the families by turns, so that one family that is broken costs one delay (RFC 8305,
        section 4).
    """
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    rows = zip_longest(*families.values())
    return [address for row in rows for address in row if address is not None]


def connected(host: str, port: int, timeout: float | None) -> socket.socket:
    """
    Connect, blocking.

    Args:
        host: A name or an address.
        port: The port.
        timeout: Seconds for all addresses together; None for no limit. How long looking the name up takes is
            up to the system.

    Returns:
        A blocking socket.

    Raises:
        OSError: If nobody answers: the last failure, or TimeoutError.
    """
    ends = None if timeout is None else time.monotonic() + timeout
    waiting = in_turn(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    failure: OSError = TimeoutError("no connection in time")
    winner: socket.socket | None = None
    racing: set[socket.socket] = set()
    try:
        with selectors.DefaultSelector() as selector:
            while winner is None and (waiting or racing):
                if waiting:
                    try:
                        opened = _begun(waiting.pop(0))
                    except OSError as error:
                        failure = error
                        continue
                    racing.add(opened)
                    selector.register(opened, selectors.EVENT_WRITE)
                ready = selector.select(_wait(ends, more=bool(waiting)))
                for finished in [key.fileobj for key, _ in ready if isinstance(key.fileobj, socket.socket)]:
                    code = finished.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        winner = finished
                        break
                    failure = OSError(code, os.strerror(code))
                    selector.unregister(finished)
                    racing.remove(finished)
                    finished.close()
        if winner is None:
            raise failure
        winner.setblocking(True)
        return winner
    except BaseException:
        winner = None
        raise
    finally:
        for loser in racing - {winner}:
            loser.close()


def _wait(ends: float | None, *, more: bool) -> float | None:
    """Say how long to wait for those that are under way."""
    left = None if ends is None else ends - time.monotonic()
    if left is not None and left <= 0:
        raise TimeoutError("no connection in time")
    if more:
        return ATTEMPT_DELAY if left is None else min(left, ATTEMPT_DELAY)
    return left


def _begun(address: Address) -> socket.socket:
    family, kind, protocol, _, place = address
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setblocking(False)
        code = opened.connect_ex(place)
        if code and code not in _UNDER_WAY:
            raise OSError(code, os.strerror(code))
    except BaseException:
        opened.close()
        raise
    return opened


async def connected_on_loop(host: str, port: int) -> socket.socket:
    """
    Connect, on the event loop that runs.

    Returns:
        A socket that doesn't block.

    Raises:
        OSError: If nobody answers: the last failure.
    """
    loop = asyncio.get_running_loop()
    waiting = in_turn(await _looked_up(host, port))
    attempts = [loop.create_task(_connected_to(waiting.pop(0)))]
    winner: asyncio.Task[socket.socket] | None = None
    try:
        while winner is None:
            running = [attempt for attempt in attempts if not attempt.done()]
            if running:
                delay = ATTEMPT_DELAY if waiting else None
                await asyncio.wait(running, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
            winner = next(filter(_succeeded, attempts), None)
            if winner is None and waiting:
                attempts.append(loop.create_task(_connected_to(waiting.pop(0))))
            elif winner is None and all(attempt.done() for attempt in attempts):
                attempts[-1].result()  # raises what the last one failed with
        return winner.result()
    finally:
        # Nothing is awaited from here on: cancelled at such an await, we would lose the winner's socket.
        for attempt in attempts:
            if attempt is not winner:
                attempt.cancel()
                attempt.add_done_callback(_close_loser)


async def _looked_up(host: str, port: int) -> list[Address]:
    """Look a name up in a thread, an address at once."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    if _is_address(host):
        return list(look_up())
    try:
        return list(await asyncio.get_running_loop().run_in_executor(None, look_up))
    except RuntimeError as error:  # there are no threads left
        raise OSError(f"{host} can't be looked up: {error}") from error


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _succeeded(attempt: asyncio.Task[socket.socket]) -> bool:
    return attempt.done() and not attempt.cancelled() and attempt.exception() is None


def _close_loser(attempt: asyncio.Task[socket.socket]) -> None:
    if _succeeded(attempt):
        attempt.result().close()


async def _connected_to(address: Address) -> socket.socket:
    family, kind, protocol, _, place = address
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened, place)
    except BaseException:
        opened.close()
        raise
    return opened


def readable(opened: Any) -> bool:
    """
    Say whether reading would not block: bytes are there, or the end.

    Returns:
        Whether it is so; True also where the socket is closed.
    """
    if not _HAS_POLL:
        return opened.fileno() < 0 or bool(select.select([opened], [], [], 0)[0])
    poll = select.poll()
    try:
        poll.register(opened, select.POLLIN)
    except ValueError:  # it is closed
        return True
    return poll.poll(0) != []
