"""REST calls one after another with our blocking client; the published one has no such client."""

from __future__ import annotations

import sys

from meter import Meter

from event_streamer_sdk import SyncEventStreamer

WARM = 50


def main(url: str, calls: int, meter: Meter) -> None:
    with SyncEventStreamer(service_url=url, subscriber_id="bench") as client:
        for _ in range(WARM):
            client.get_subscription(1)
        meter.start()
        for _ in range(calls):
            answer = client.get_subscription(1)
            assert answer.id == 1
        meter.stop()


if __name__ == "__main__":
    meter = Meter()
    main(sys.argv[1], int(sys.argv[2]), meter)
    meter.report(events=int(sys.argv[2]))
