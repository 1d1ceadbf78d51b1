"""After a restart two hundred streams come back within ten seconds, and not all at once."""

import asyncio
import heapq
import random
import time
from collections import Counter
from functools import partial
from itertools import pairwise

import pytest

from event_streamer_sdk import EventStreamer, Reconnect
from event_streamer_sdk._core.backoff import Backoff
from event_streamer_service import DevChain, LocalService, ManualClock, Settings
from event_streamer_service.admission import Admission
from event_streamer_service.errors import Unavailable
from support.services import wait_until

EVENT = "event Transfer(address indexed from, address indexed to, uint256 value)"
STREAMS = 200


def test_two_hundred_at_once_are_let_in_one_after_the_other() -> None:
    admission = Admission(26, lasts=30, now=ManualClock(0).time)
    turns = [admission.admit() for _ in range(STREAMS)]
    gaps = {round(later - earlier, 6) for earlier, later in pairwise(turns)}
    assert turns[0] == 0
    assert gaps == {round(1 / 26, 6)}
    assert turns[-1] < 8


def test_those_for_whom_it_would_take_too_long_come_again_when_there_is_room() -> None:
    clock = ManualClock(0)
    admission = Admission(26, lasts=60, now=clock.time)
    waiting = Counter({0: 3 * STREAMS})
    let_in: list[float] = []
    for second in range(40):
        for _ in range(waiting[second]):
            try:
                let_in.append(clock.time() + admission.admit())
            except Unavailable as refused:
                waiting[second + round(refused.retry_after or 0)] += 1
        clock.advance(1)
    assert len(let_in) == 3 * STREAMS
    assert max(let_in) < 3 * STREAMS / 26 + 8
    assert max(Counter(map(int, let_in)).values()) <= 27


def test_it_limits_nothing_once_the_start_is_over() -> None:
    clock = ManualClock(0)
    admission = Admission(1, lasts=30, now=clock.time)
    assert [admission.admit() for _ in range(3)] == [0, 1, 2]
    clock.advance(31)
    assert {admission.admit() for _ in range(1000)} == {0}


@pytest.mark.parametrize("down", [1.0, 3.0, 6.0])
def test_clients_as_they_are_by_default_are_back_within_ten_seconds(down: float) -> None:
    """Their own pauses, drawn while the service was down, are no longer than the outage was."""
    clock, draw = ManualClock(0), random.Random(f"restart {down}").random
    pauses = [Backoff(Reconnect(), draw, by_time=True) for _ in range(STREAMS)]
    tries = [(pause.next_delay(), number) for number, pause in enumerate(pauses)]
    heapq.heapify(tries)
    admission: Admission | None = None
    came: list[float] = []
    while tries:
        at, number = heapq.heappop(tries)
        clock.advance(at - clock.time())
        if at < down:
            heapq.heappush(tries, (at + pauses[number].next_delay(), number))
            continue
        admission = admission or Admission(Settings().resumed_streams_per_second, lasts=30, now=clock.time)
        try:
            came.append(at + admission.admit() - down)
        except Unavailable as refused:
            heapq.heappush(tries, (at + pauses[number].next_delay(refused.retry_after), number))
    mean = STREAMS / max(came)
    assert max(came) < 8
    assert max(Counter(map(int, came)).values()) <= 1.5 * mean


@pytest.mark.slow
def test_two_hundred_streams_come_back_after_a_restart(sqlite_database: str) -> None:
    chain = DevChain(blocks=30)
    with LocalService(chain, database=sqlite_database) as service:

        async def run() -> tuple[float, list[float]]:
            async with EventStreamer(service.url, "tests") as client:
                subscription = await client.subscribe(EVENT, chain_id=31337, start_block=0)
                # What one acknowledges is done, and those that begin later would get nothing.
                quiet = partial(client.create_streaming_client, subscription.id, batch_ack_interval=60)
                streams = [quiet() for _ in range(STREAMS)]
                for stream in streams:
                    stream.on_all_events(lambda events: None)
                    await stream.start_streaming()
                await asyncio.to_thread(wait_until, lambda: _all_have(streams, 1), seconds=60)
                before = time.time()
                await asyncio.to_thread(service.restart)
                await asyncio.to_thread(wait_until, lambda: _open(service) == STREAMS, seconds=90)
                entries = service.journal.entries("connect")
                for stream in streams:
                    await stream.disconnect()
            return before, sorted(entry.time for entry in entries)

        before, times = asyncio.run(run())
    assert len(times) == STREAMS
    # A busy machine may hold some up, who then come together with the next; none comes before its turn.
    pace = service.settings.resumed_streams_per_second
    early = [number for number, came in enumerate(times) if came < before + number / pace - 1]
    assert not early


def _all_have(streams: list[object], batches: int) -> bool:
    return all(stream.stats.batches >= batches for stream in streams)  # type: ignore[attr-defined]


def _open(service: LocalService) -> int:
    return sum(connection.is_open for connection in list(service.service.hub._connections.values()))
