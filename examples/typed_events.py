"""
Handle events as instances of classes: your editor knows their attributes, mypy checks them, amounts are int.

`token_events.py` was written by `event-streamer abi codegen token.json -o token_events.py`.
Needs a service (`event-streamer serve`); Ctrl-C ends it. EVENT_STREAMER_URL names another service.
"""

import os

from token_events import Transfer

from event_streamer_sdk import SyncEventStreamer

URL = os.environ.get("EVENT_STREAMER_URL", "http://localhost:8000")
CHAIN = 31337  # the development chain's id


def main() -> None:
    with SyncEventStreamer(URL, "typed-example") as client:
        subscription = client.subscribe(Transfer.__abi_event__, chain_id=CHAIN, start_block=0)
        stream = client.create_streaming_client(subscription.id)
        total = 0

        @stream.on_event(Transfer)
        def add(transfers: list[Transfer]) -> None:
            nonlocal total
            total += sum(transfer.value for transfer in transfers)
            print(f"block {transfers[-1].block_number}: {total / 10**18:.3f} tokens so far", flush=True)

        stream.run()
        print(f"{total} in all")


if __name__ == "__main__":
    main()
