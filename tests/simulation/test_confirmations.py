"""How deep a batch lies is told by the chain that there is now, and not by one that was replaced."""

import json
from typing import Any

import pytest

from event_streamer_sdk._core.stream import commands as do
from event_streamer_sdk._core.stream.lines import whole_line
from support.virtual import lanes_for


def batch(block: int, head: int) -> dict[str, Any]:
    events = {"Transfer": [{"block_number": block, "log_index": 0}]}
    return {
        "type": "event_batch", "batch_id": f"b{block}-{head}", "resume_token": "t", "events": events,
        "batch_size": 1, "first_block": block, "last_block": block, "head_block": head,
    }  # fmt: skip


@pytest.mark.quick
def test_the_head_of_a_replaced_branch_confirms_nothing() -> None:
    reorg = {
        "type": "reorg",
        "batch_id": "r",
        "resume_token": "t",
        "common_ancestor": 92,
        "removed_blocks": [],
    }
    lanes, _ = lanes_for(confirmations=10)
    handled: list[int] = []
    lanes.session.registry.add_event("Transfer", lambda events: handled.append(events[0]["block_number"]))
    lanes.session.registry.take_unchecked_names()
    lanes.session.link.opened("c", 30.0)
    steps = lanes.deliverer.steps()

    def deliver(message: dict[str, Any]) -> None:
        lanes.queue.put(1, whole_line(json.dumps(message).encode()))
        command = steps.send(None)
        while not isinstance(command, do.Wait):
            assert isinstance(command, do.Call)
            command = steps.send(command.function(command.argument))

    next(steps)
    deliver(batch(100, head=105))
    deliver(reorg)  # back to 92, and with it goes the event of block 100
    deliver(batch(93, head=102))  # the first batch, now of blocks up to 92, is 10 deep; this one is 9
    assert (handled, lanes.deliverer.held_batches) == ([], 1)
    deliver({"type": "heartbeat", "head_block": 103})
    assert (handled, lanes.deliverer.held_batches) == ([93], 0)
    assert lanes.session.counters.head_block == 103
    steps.close()
