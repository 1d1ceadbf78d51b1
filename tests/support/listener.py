"""Both streaming clients behind one blocking face: a listener that notes all it is told."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from event_streamer_sdk import EventStreamer, Reconnect, Report, SyncEventStreamer
from support.stream_server import FIRST_BLOCK

KINDS = ("async", "sync")
QUICK = Reconnect(initial=0.01, maximum=0.05)


class Listener:
    """
    Runs one of the two clients, and notes what handlers were given.

    Args:
        kind: `async` or `sync`.
        url: Where the service is.
        client: Options of the client.
        handler: Called with the number of each batch, before it is noted; may raise.
        resume_token: Where to begin.
        client_metadata: As the streaming client takes it.
        auto_acknowledge: As the streaming client takes it.
        batch_ack_interval: As the streaming client takes it.
        **options: Options of the streaming client; quick reconnects unless they say something else.
    """

    def __init__(
        self,
        kind: str,
        url: str,
        *,
        client: dict[str, Any] | None = None,
        handler: Callable[[int], Any] | None = None,
        resume_token: str | None = None,
        client_metadata: dict[str, Any] | None = None,
        auto_acknowledge: bool = True,
        batch_ack_interval: float = 0.02,
        **options: Any,
    ) -> None:
        self.kind = kind
        self.url = url
        self.handler = handler
        self.client_options = client or {}
        self.options = {
            "reconnect": QUICK,
            "handler_retry_delay": 0.01,
            "resume_token": resume_token,
            "client_metadata": client_metadata,
            "auto_acknowledge": auto_acknowledge,
            "batch_ack_interval": batch_ack_interval,
            **options,
        }
        self.handled: list[int] = []
        self.attempts: list[int] = []
        self.statuses: list[Any] = []
        self.errors: list[Any] = []
        self.gaps: list[Any] = []
        self.unknown: list[Any] = []
        self.heartbeats: list[Any] = []
        self.reorgs: list[Any] = []
        self.on_status: Callable[[Any], None] = lambda status: None
        self.stream: Any = None
        self.report: Report | None = None

    # --- running -------------------------------------------------------------------------------

    def run(self, seconds: float = 20.0) -> Report:
        """
        Stream to the end.

        Args:
            seconds: After so long the test has failed.

        Returns:
            The report; what ended the stream badly is raised.
        """
        try:
            if self.kind == "async":
                return asyncio.run(self._run_async(seconds))
            with self.sync_client() as client:
                self.listen(client)
                self.stream.start_streaming()
                try:
                    return self.stream.wait(seconds)  # type: ignore[no-any-return]
                finally:
                    self.stream.disconnect()
        finally:
            self.report = self.stream.report if self.stream is not None else None

    async def _run_async(self, seconds: float) -> Report:
        async with self.async_client() as client:
            self.listen(client)
            await self.stream.start_streaming()
            try:
                async with asyncio.timeout(seconds):
                    return await self.stream.wait()  # type: ignore[no-any-return]
            finally:
                await self.stream.disconnect()

    def async_client(self) -> EventStreamer:
        return EventStreamer(self.url, "tester", max_retries=0, **self.client_options)

    def sync_client(self) -> SyncEventStreamer:
        return SyncEventStreamer(self.url, "tester", max_retries=0, **self.client_options)

    def stop_from_within(self) -> None:
        """Stop from a handler or a notice, whichever client it is."""
        if self.kind == "async":
            asyncio.get_running_loop().create_task(self.stream.stop_streaming())
        else:
            self.stream._run.request_stop()

    # --- what it notes -------------------------------------------------------------------------

    def listen(self, client: Any) -> Any:
        """Make the streaming client and register what notes everything."""
        stream = self.stream = client.create_streaming_client(1, **self.options)

        def note(events: list[dict[str, Any]]) -> None:
            for event in events:
                number = event["block_number"] - FIRST_BLOCK
                self.attempts.append(number)
                if self.handler is not None:
                    self.handler(number)
                self.handled.append(number)

        async def note_later(events: list[dict[str, Any]]) -> None:
            for event in events:
                number = event["block_number"] - FIRST_BLOCK
                self.attempts.append(number)
                result = self.handler(number) if self.handler is not None else None
                if result is not None:
                    await result
                self.handled.append(number)

        stream.on_event("Transfer")(note_later if self.kind == "async" else note)
        stream.on_error(self.errors.append)
        stream.on_gap(self.gaps.append)
        stream.on_unknown(self.unknown.append)
        stream.on_heartbeat(self.heartbeats.append)
        stream.on_reorg(self.reorgs.append)

        def status(told: Any) -> None:
            self.statuses.append(told)
            self.on_status(told)

        stream.on_status(status)
        return stream

    @property
    def delays(self) -> list[float]:
        return [status.delay for status in self.statuses if status.delay is not None]

    @property
    def reconnects(self) -> dict[str, int]:
        return dict(self.stream.stats.reconnects)


def both(kind: str, listener: Listener, scenario: Any) -> Any:
    """Run a scenario, a coroutine function that gets the stream and `call`, with either client."""

    async def call(result: Any) -> Any:
        return await result if asyncio.iscoroutine(result) else result

    async def run() -> Any:
        if kind == "async":
            async with listener.async_client() as client:
                return await scenario(listener.listen(client), call)
        with listener.sync_client() as sync_client:
            return await scenario(listener.listen(sync_client), call)

    return asyncio.run(run())


def passing_over(stream: Any) -> Any:
    """Give a stream a handler that does nothing: without one it would not start."""
    stream.on_all_events(lambda events: None)
    return stream


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.01)
