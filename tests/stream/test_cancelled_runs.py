"""No cancellation of an asyncio run is counted twice."""

import asyncio
from collections.abc import AsyncIterator

import httpx

from event_streamer_sdk import EventStreamer
from support.listener import QUICK


class Silent(httpx.AsyncByteStream):
    """
    Never sends anything.

    Args:
        hides: Whether it takes a cancellation for a failure of the network.
    """

    def __init__(self, *, hides: bool) -> None:
        self._hides = hides

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if not self._hides:
                raise
            raise httpx.ReadError("interrupted") from None
        yield b""


class Masking(httpx.AsyncBaseTransport):
    """A transport of the user's whose streams stay silent; the first one hides that it was broken off."""

    connects = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/stream"):
            return httpx.Response(200, json={})
        self.connects += 1
        return httpx.Response(
            200, headers={"X-Heartbeat-Interval": "0.01"}, stream=Silent(hides=self.connects == 1)
        )


def test_a_transport_that_hides_a_cancellation_does_not_make_the_next_one_end_the_run() -> None:
    transport = Masking()

    async def scenario() -> None:
        async with EventStreamer("http://test", "tester", transport=transport) as client:
            stream = client.create_streaming_client(1, reconnect=QUICK)
            stream.on_all_events(lambda events: None)
            await stream.start_streaming()
            async with asyncio.timeout(10):
                while transport.connects < 4 and stream.is_running:  # noqa: ASYNC110 - either may end it
                    await asyncio.sleep(0.01)
            assert stream.is_running
            await stream.stop_streaming()

    asyncio.run(scenario())
    assert transport.connects >= 4
