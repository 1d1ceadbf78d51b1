"""
One client against one row of the fault matrix, in a process of its own; prints what happened as JSON.

Usage: runner.py published|async|sync URL OPTIONS

Runs in the published client's environment, too, so it uses nothing but the documented interface there.
"""

import asyncio
import json
import sys
import time
from typing import Any

kind, url, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
handled: list[int] = []
attempts: list[int] = []
errors: list[str] = []
unknown: list[str] = []
gaps: list[str] = []
began = time.monotonic()
settings: dict[str, Any] = {"resume_token": options.get("resume_token")}
client_settings: dict[str, Any] = {"headers": options["headers"]} if "headers" in options else {}
if kind != "published":
    from event_streamer_sdk import Reconnect

    settings["reconnect"] = Reconnect(initial=0.05, maximum=0.2)
    settings["handler_retry_delay"] = 0.05
    settings |= options.get("ours", {})
    settings["batch_ack_interval"] = 0.1
settings["client_metadata"] = {"version": "1"}


def before(number: int) -> float:
    """Do to a batch what the row says; give the seconds that its handler hangs."""
    attempts.append(number)
    print("handling", number, file=sys.stderr, flush=True)
    if number == options.get("fail_once") and attempts.count(number) == 1:
        raise RuntimeError("once")
    if number == options.get("fail_always"):
        raise RuntimeError("always")
    if number == options.get("block"):
        time.sleep(options["seconds"])
    return float(options["seconds"]) if number == options.get("hang") else 0.0


def tell(stream: Any, outcome: str) -> None:
    get = getattr(stream, "get_current_resume_token", None)
    print(
        json.dumps(
            {
                "handled": handled,
                "attempts": attempts,
                "errors": errors,
                "unknown": unknown,
                "gaps": gaps,
                "token": get() if get else None,
                "running": stream.is_running,
                "outcome": outcome,
                "seconds": time.monotonic() - began,
            }
        ),
        file=sys.__stdout__,
        flush=True,
    )


def listen(stream: Any, on_events: Any, wrap: Any) -> None:
    stream.on_event("Transfer")(on_events)

    def on_error(error: Any) -> None:
        errors.append(error.error_code)

    stream.on_error(wrap(on_error))
    if kind != "published":
        stream.on_unknown(wrap(lambda message: unknown.append(message.get("type", ""))))
        stream.on_gap(wrap(lambda gap: gaps.append(str(gap.kind))))


async def run_async() -> None:
    from event_streamer_sdk import EventStreamer

    async def on_events(events: list[dict[str, Any]]) -> None:
        for event in events:
            number = event["block_number"] - 100
            await asyncio.sleep(before(number))
            handled.append(number)

    def wrap(function: Any) -> Any:
        async def call(argument: Any) -> None:
            function(argument)

        return call

    async with EventStreamer(url, "tester", **client_settings) as client:
        stream = client.create_streaming_client(1, **settings)
        stream._batch_ack_interval = 0.1  # the published client takes it here alone
        listen(stream, on_events, wrap)
        await stream.start_streaming()
        until = time.monotonic() + options["limit"]
        while stream.is_running and time.monotonic() < until:  # noqa: ASYNC110 - as the document shows it
            await asyncio.sleep(0.02)
        outcome = "ended" if not stream.is_running else "running"
        if options.get("then_stop"):
            await stream.disconnect()
        tell(stream, outcome)
        # The process ends here: a client that hangs in its own clean-up would hide what it did.
        sys.stdout.flush()
        sys.__stdout__.flush()
        import os

        os._exit(0)


def run_sync() -> None:
    from event_streamer_sdk import SyncEventStreamer

    def on_events(events: list[dict[str, Any]]) -> None:
        for event in events:
            number = event["block_number"] - 100
            time.sleep(before(number))
            handled.append(number)

    with SyncEventStreamer(url, "tester", **client_settings) as client:
        stream = client.create_streaming_client(1, **settings)
        listen(stream, on_events, lambda function: function)
        stream.start_streaming()
        until = time.monotonic() + options["limit"]
        while stream.is_running and time.monotonic() < until:
            time.sleep(0.02)
        outcome = "ended" if not stream.is_running else "running"
        if options.get("then_stop"):
            stream.disconnect()
        tell(stream, outcome)
        import os

        os._exit(0)


if __name__ == "__main__":
    sys.stdout = sys.stderr  # the published client prints what it does
    if kind == "sync":
        run_sync()
    else:
        asyncio.run(run_async())
