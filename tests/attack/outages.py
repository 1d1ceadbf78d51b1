"""What operators do and networks do: restarts, and databases that are slow or silent."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from attack.pace import until_end
from attack.restarts import restart_under_streams
from attack.victim import KEY, Victim
from support.raw_client import RawClient
from support.raw_sockets import connected, status
from support.slow_link import Link

TRIP = 0.2
"""Seconds for a round trip to a slow database."""


def slow_database(service: Victim, link: Link) -> bool:
    """A hundred clients connect again and again and give up after a second; then all is well at once."""
    with RawClient(service.url, key=KEY) as client:
        number = client.subscribe(subscriber_id="attacker")
    link.delay = TRIP
    going = until_end()
    ask = f"GET /subscriptions/{number}/stream HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\n\r\n".encode()

    def connect(_: int) -> int:
        seen = 0
        while going():
            with suppress(OSError), connected(service.url, timeout=1) as raw:
                raw.sendall(ask)
                seen = max(seen, status(raw.recv(4096)))
        return seen

    with ThreadPoolExecutor(100) as pool:
        seen = set(pool.map(connect, range(100)))
    began = time.monotonic()
    with RawClient(service.url, key=KEY) as client:
        client.subscription(number)
    soon = time.monotonic() - began
    link.delay = 0
    return soon < 3 and seen <= {0, 200, 429, 503}


def silent_database(service: Victim, link: Link) -> bool:
    """Nothing comes back: callers are told in time, one line is logged, and SIGTERM still stops it."""
    with RawClient(service.url, key=KEY) as client:
        number = client.subscribe(subscriber_id="attacker")
        link.silent = True
        seen = {client.http.get(f"/subscriptions/{number}").status_code for _ in range(3)}
        began = time.monotonic()
        code = service.end(signal.SIGTERM)
    stopped = time.monotonic() - began
    link.silent = False
    told = len([line for line in service.log if "can't be used" in line])
    service.start()
    return (seen, code, told) == ({503}, 0, 1) and stopped < 6


def restart(service: Victim) -> bool:
    """Two hundred streams come back after kill -9: within 10 s, and never at twice the mean rate."""
    back = restart_under_streams(service, signal.SIGKILL)
    print(f"back in {back.seconds:.1f} s, {back.mean:.0f} a second, {back.busiest} in the busiest one")
    return back.seconds <= 10 and back.busiest <= 2 * back.mean
