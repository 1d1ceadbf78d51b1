"""Dead letters handed to handlers once more, for asyncio."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import httpx

from ..._async.client import EventStreamer
from ..._core.stream.reports import EndReason
from ..._runs.answers_on_loop import settled
from ..letters import DeadLetter
from ..replaying import Memory, Replayed, by_subscription

URL = "http://dead-letters"


async def replay_async(
    letters: Iterable[DeadLetter], app: Callable[[Any], Any], replayed: Replayed, *, name: str
) -> None:
    """
    Hand dead letters to handlers.

    Args:
        letters: The dead letters.
        app: Registers handlers with the `StreamingClient` that it gets, one for each subscription.
        replayed: Told how it goes. What was not handled before a signal ended it is in none of its lists.
        name: The subscriber's id, as handlers see it.
    """
    for number, part in by_subscription(letters, replayed):
        memory = Memory(part)
        try:
            async with EventStreamer(URL, name, transport=httpx.MockTransport(memory.answer)) as client:
                stream = client.create_streaming_client(number, **memory.options)
                await settled(app(stream), app)
                report = await stream.run()
        finally:
            memory.settle(replayed)
        if report.reason is not EndReason.FINISHED:
            replayed.signal = report.signal
            break
