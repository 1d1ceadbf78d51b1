"""A restart under two hundred streams: how soon they are back, and how evenly they come."""

import asyncio
import json
import time
from collections import Counter
from datetime import datetime

from attrs import frozen

from attack.victim import KEY, Victim
from event_streamer_sdk import EventStreamer
from support.services import wait_until

EVENT = "event Transfer(address indexed from, address indexed to, uint256 value)"
STREAMS = 200


@frozen
class Return:
    """
    How the streams came back after a restart.

    Attributes:
        streams: How many came.
        seconds: From the first answer of the new process to the last stream.
        down: Seconds from the signal until the new process answered.
        by_tenth: Streams that came in each tenth of a second.
    """

    streams: int
    seconds: float
    down: float
    by_tenth: Counter[int]

    @property
    def mean(self) -> float:
        """Streams a second, on the average."""
        return self.streams / self.seconds

    @property
    def busiest(self) -> int:
        """Streams of the busiest second, wherever it begins."""
        last = max(self.by_tenth)
        return max(sum(self.by_tenth[at + n] for n in range(10)) for at in range(last + 1))

    @property
    def busiest_tenth(self) -> int:
        """Streams of the busiest tenth of a second."""
        return max(self.by_tenth.values())


def restart_under_streams(service: Victim, number: int, *, streams: int = STREAMS) -> Return:
    """
    End a service with a signal while clients stream, start it again, and wait until all are back.

    Args:
        service: It has to log its streams.
        number: The signal.
        streams: How many.
    """

    def opened() -> list[str]:
        return [line for line in list(service.log) if '"Stream opened"' in line]

    async def run() -> float:
        async with EventStreamer(service.url, "attacker", api_key=KEY) as client:
            subscription = await client.subscribe(EVENT, chain_id=31_337, start_block=0)
            clients = [client.create_streaming_client(subscription.id) for _ in range(streams)]
            for one in clients:
                one.on_all_events(lambda events: None)
                await one.start_streaming()
            await asyncio.to_thread(wait_until, lambda: all(one.stats.batches for one in clients), seconds=90)
            began = time.monotonic()
            await asyncio.to_thread(service.end, number)
            await asyncio.to_thread(service.start)
            down = time.monotonic() - began
            await asyncio.to_thread(wait_until, lambda: len(opened()) >= streams, seconds=60)
            for one in clients:
                await one.disconnect()
        return down

    down = asyncio.run(run())
    started = next(_time(line) for line in service.log if '"Started"' in line)
    came = sorted(_time(line) - started for line in opened())
    return Return(len(came), came[-1], down, Counter(int(at * 10) for at in came))


def _time(line: str) -> float:
    return datetime.fromisoformat(json.loads(line)["time"]).timestamp()
