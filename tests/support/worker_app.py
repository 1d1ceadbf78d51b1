"""The app of workers that tests start as processes: it writes down what it handles, in a file of its own."""

import asyncio
import os
from typing import Any


def app(stream: Any) -> None:
    folder = os.environ["WORKER_FOLDER"]
    file = os.open(f"{folder}/handled-{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @stream.on_event("Transfer")
    async def handle(events: list[dict[str, Any]]) -> None:
        await asyncio.sleep(0.002)
        places = [(each["block_number"], each["log_index"], each["transaction_hash"]) for each in events]
        lines = [f"{stream.subscription_id} {block} {index} {hash_}\n" for block, index, hash_ in places]
        os.write(file, "".join(lines).encode())
