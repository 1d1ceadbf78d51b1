"""A blocking stream where the system gives no more threads."""

import threading
import time
from typing import Any

import pytest

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.exceptions import EventStreamerSDKError
from support.stream_server import stream_server

OURS = ("stream-", "event-streamer-")
"""How the names of our threads begin: two of a stream, and those that all streams share."""


def test_a_start_without_threads_left_says_so_and_leaves_none_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    start, allowed = threading.Thread.start, [0]

    def limited(thread: threading.Thread) -> None:
        if thread.name.startswith(OURS):
            if not allowed[0]:
                raise RuntimeError("can't start new thread")
            allowed[0] -= 1
        start(thread)

    def living() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith(OURS)]

    monkeypatch.setattr(threading.Thread, "start", limited)
    with stream_server() as server, SyncEventStreamer(server.url, "tester") as client:
        stream = client.create_streaming_client(1)
        handled: list[Any] = []
        stream.on_event("Transfer")(handled.extend)
        for number in range(3):
            allowed[0] = number
            with pytest.raises(
                EventStreamerSDKError, match="it takes 2 threads, and the system gives no more"
            ):
                stream.start_streaming()
            end = time.monotonic() + 5
            while living() and time.monotonic() < end:
                time.sleep(0.01)
            assert living() == []
            assert not stream.is_running
        allowed[0] = 100
        stream.start_streaming()
        stream.wait(10)
        # At least once: a start that came to nothing may have handled some, too.
        assert len({repr(event) for event in handled}) == 5
