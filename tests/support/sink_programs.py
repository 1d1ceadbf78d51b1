"""
A user's program that streams into a sink, run as a process of its own by the tests of sudden death.

Usage: sink_programs.py KIND URL SUBSCRIPTION PLACE [OPTION=VALUE ...], where KIND is sync or async. Options
go to the sink; numbers are read as such. It ends when the subscription does.
"""

import asyncio
import logging
import sys
from typing import Any

from event_streamer_sdk import EventStreamer, Reconnect, SyncEventStreamer
from event_streamer_sdk.sinks import sink_for

SETTINGS: dict[str, Any] = {"reconnect": Reconnect(initial=0.01, maximum=0.1), "batch_ack_interval": 0.05}


def main() -> None:
    kind, url, subscription, place = sys.argv[1:5]
    options: dict[str, Any] = {}
    for option in sys.argv[5:]:
        name, _, value = option.partition("=")
        options[name] = float(value) if value.replace(".", "").isdigit() else value
        if value.isdigit():
            options[name] = int(value)
    logging.basicConfig(level=logging.WARNING)
    sink = sink_for(place, **options)
    if kind == "sync":
        with SyncEventStreamer(url, "sinks") as client:
            report = client.create_streaming_client(int(subscription), **SETTINGS).run(into=sink)
    else:

        async def run() -> Any:
            async with EventStreamer(url, "sinks") as client:
                return await client.create_streaming_client(int(subscription), **SETTINGS).run(into=sink)

        report = asyncio.run(run())
    print("ended", report.reason, report.events, flush=True)


if __name__ == "__main__":
    main()
