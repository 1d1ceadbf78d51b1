"""The time that ``import event_streamer_sdk`` takes."""

from __future__ import annotations

import sys

from meter import Meter

if __name__ == "__main__":
    meter = Meter()
    meter.start()
    import event_streamer_sdk

    assert event_streamer_sdk.EventStreamer
    meter.stop()
    meter.report(events=1, modules=len(sys.modules))
