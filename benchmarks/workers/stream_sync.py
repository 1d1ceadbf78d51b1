"""Our blocking client; the published one has no such client."""

from __future__ import annotations

import sys
import threading

from meter import WARM, WARM_EVENTS, Meter, rss

from event_streamer_sdk import SyncEventStreamer


def main(url: str, subscription_id: int, events: int, sample_every: int) -> tuple[int, list[int]]:
    seen = 0
    samples: list[int] = []
    done = threading.Event()
    with SyncEventStreamer(service_url=url, subscriber_id="bench") as client:
        stream = client.create_streaming_client(subscription_id=subscription_id)

        @stream.on_event("Transfer")
        def handle(batch: list[dict[str, object]]) -> None:
            nonlocal seen
            seen += len(batch)
            if sample_every and seen % sample_every == 0:
                samples.append(rss())
            if seen >= events:
                done.set()

        stream.start_streaming()
        done.wait()
        stream.disconnect()
    return seen, samples


if __name__ == "__main__":
    meter = Meter()
    main(sys.argv[1], int(WARM), WARM_EVENTS, 0)
    meter.start()
    seen, samples = main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int([*sys.argv, "0"][4]))
    meter.stop()
    meter.report(events=seen, samples=samples)
