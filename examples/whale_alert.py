"""
Tell when an account receives far more within an hour than the usual transfer: an alert with a rolling window.

The window is in the chain's time (the blocks' timestamps), so history gives the same alerts as live events.
Needs a service (`event-streamer serve`); Ctrl-C ends it. EVENT_STREAMER_URL names another service.
"""

import os
from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Any

from event_streamer_sdk import SyncEventStreamer

URL = os.environ.get("EVENT_STREAMER_URL", "http://localhost:8000")
CHAIN = 31337  # the development chain's id
TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
WINDOW = timedelta(hours=1)
THRESHOLD = 50 * 10**18
"""What an account receives within the window, in the token's smallest unit: 50 tokens of 18 decimals."""


class RollingSum:
    """What was received within a window of time, up to the newest event."""

    def __init__(self, window: timedelta) -> None:
        self._window = window
        self._events: deque[tuple[datetime, int]] = deque()
        self.total = 0

    def add(self, when: datetime, value: int) -> int:
        """Count an event, forget those that have left the window, and give the sum."""
        self._events.append((when, value))
        self.total += value
        while self._events[0][0] <= when - self._window:
            self.total -= self._events.popleft()[1]
        return self.total


def main() -> None:
    received: defaultdict[tuple[str, str], RollingSum] = defaultdict(lambda: RollingSum(WINDOW))
    told: dict[tuple[str, str], datetime] = {}

    with SyncEventStreamer(URL, "whale-alert") as client:
        subscription = client.subscribe(TRANSFER, chain_id=CHAIN, start_block=0)
        stream = client.create_streaming_client(subscription.id, typed=True)

        @stream.on_event("Transfer")
        def watch(transfers: list[dict[str, Any]]) -> None:
            for transfer in transfers:
                key = transfer["address"], transfer["to"]
                when = transfer["timestamp"]
                total = received[key].add(when, transfer["value"])
                # Once for each account and window, however many transfers are above the threshold.
                if (
                    total >= THRESHOLD
                    and when - told.get(key, datetime.min.replace(tzinfo=when.tzinfo)) > WINDOW
                ):
                    told[key] = when
                    block = transfer["block_number"]
                    print(
                        f"block {block}: {key[1]} received {total / 10**18:.1f} tokens within {WINDOW}",
                        flush=True,
                    )

        report = stream.run()
        print(f"{report.events} transfers, {len(told)} accounts were told of")


if __name__ == "__main__":
    main()
