"""The fast path does nothing that the general one would not: both over the same streams and faults."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_sdk._core.stream import commands as do
from event_streamer_sdk._core.stream import delivering
from event_streamer_sdk._core.stream.fast_path import applies
from event_streamer_sdk._core.stream.handlers import current_batch
from event_streamer_sdk._core.stream.lines import LineBuffer
from event_streamer_sdk._core.stream.options import CheckedOptions
from event_streamer_sdk._core.stream.reports import EndReason
from support.virtual import lanes_for

PLAIN = st.fixed_dictionaries(
    {"kind": st.just("plain"), "block": st.integers(0, 40), "events": st.integers(1, 3)},
)
ODD = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(
            [
                "empty",
                "empty with bounds",
                "two names",
                "unheard",
                "twice heard",
                "lies",
                "no id",
                "blank id",
                "no token",
                "no block",
                "bounds",
                "head",
                "heartbeat",
                "error",
                "unknown",
                "no JSON",
                "blank",
            ]
        ),
        "block": st.integers(0, 40),
        "events": st.integers(1, 3),
    },
)
STREAMS = st.lists(st.one_of(PLAIN, PLAIN, PLAIN, ODD), max_size=30)
OUTCOMES = st.lists(st.sampled_from([None, None, None, "fails", "stop", "drop"]), min_size=1, max_size=40)


def line_of(number: int, said: dict[str, Any]) -> bytes:
    """Write one line of the stream."""
    kind, block = said["kind"], said["block"]
    events = [
        {"block_number": block, "log_index": index, "timestamp": "t"} for index in range(said["events"])
    ]
    message: dict[str, Any] = {
        "type": "event_batch",
        "response_id": f"r{number}",
        "batch_id": f"b{number}",
        "resume_token": f"t{number}",
        "events": {"Transfer": events},
        "batch_size": len(events),
    }
    match kind:
        case "empty":
            message |= {"events": {"Transfer": []}, "batch_size": 0}
        case "empty with bounds":
            message |= {"events": {"Transfer": []}, "batch_size": 0}
            message |= {"first_block": block, "last_block": block + 1}
        case "two names":
            message |= {"events": {"Transfer": events, "Approval": events}, "batch_size": 2 * len(events)}
        case "unheard":
            message["events"] = {"Burn": events}
        case "twice heard":
            message["events"] = {"Mint": events}
        case "lies":
            message["batch_size"] = 17
        case "no id":
            del message["batch_id"]
        case "blank id":
            message["batch_id"] = ""
        case "no token":
            del message["resume_token"]
        case "no block":
            message["events"] = {"Transfer": [{"x": 1} for _ in events]}
        case "bounds":
            message |= {"first_block": max(0, block - 1), "last_block": block + 1, "head_block": block + 9}
        case "head":
            message["head_block"] = block + 3
        case "heartbeat":
            message = {"type": "heartbeat", "head_block": block}
        case "error":
            message = {"type": "error", "error_code": "RATE_LIMITED", "error_message": "slow down"}
        case "unknown":
            message = {"type": "news", "number": number}
        case "no JSON":
            return b"{not JSON\n"
        case "blank":
            return b"\n"
    return json.dumps(message).encode() + b"\n"


def play(
    stream: list[dict[str, Any]], outcomes: list[str | None], settings: dict[str, Any], *, fast: bool
) -> dict[str, Any]:
    """Run the deliver lane over a stream, and tell all that can be seen of it."""
    lanes, clock = lanes_for(handler_retry_delay=0.1, handler_retries=1, **settings)
    session, committer = lanes.session, lanes.committer
    heard: list[Any] = []
    names = {}

    def handler(name: str) -> Any:
        def handle(argument: Any) -> None:
            """Never called: the test is the shell."""

        names[handle] = name
        return handle

    for name in ("Transfer", "Approval", "Mint", "Mint"):
        session.registry.add_event(name, handler(name))
    for kind in ("heartbeat", "error", "gap", "unknown"):
        session.registry.add_notice(kind, handler(kind))
    session.link.opened("c", 30.0)
    lines = LineBuffer(2**20)
    for item in lines.feed(b"".join(line_of(number, said) for number, said in enumerate(stream))):
        lanes.queue.put(session.link.epoch, item)

    with pytest.MonkeyPatch.context() as patch:
        if not fast:
            patch.setattr(delivering, "applies", lambda settings, **run: False)
        steps, outcome = lanes.deliverer.steps(), None
        calls = 0
        while True:
            try:
                command = steps.send(outcome)
            except StopIteration:
                break
            outcome = None
            if isinstance(command, do.Wait):
                if command.seconds is None:
                    session.stop(EndReason.STOPPED)
                else:
                    clock.now += command.seconds
            elif isinstance(command, do.AskForSubscription):
                outcome = do.Failed(OSError("no answer"))
            elif isinstance(command, do.Call):
                batch = current_batch()
                assert batch is lanes.in_hand.batch
                told = (batch.batch_id, batch.size, batch.resume_token) if batch is not None else None
                call = (names[command.function], repr(command.argument), command.timeout)
                heard.append((*call, told, committer.progress.token))
                said = outcomes[calls % len(outcomes)]
                calls += 1
                if said == "fails":
                    outcome = ValueError("the handler fails")
                elif said == "stop" and calls > 3:
                    session.stop(EndReason.STOPPED)
                elif said == "drop" and calls > 3:
                    session.link.drop(session.link.epoch, do.Failed(OSError("gone")), "gone")
            else:
                heard.append(type(command).__name__)
                outcome = do.Acknowledged() if isinstance(command, do.Acknowledge) else None
    return {
        "heard": heard,
        "token": committer.progress.token,
        "block": committer.progress.block,
        "commits": committer.progress.commits,
        "seen": lanes.deliverer._blocks.seen,
        "acks": lanes.acks.next_chunk(),
        "counters": session.counters,
        "time": session.counters.handled_time,
        "end": (session.end.reason, repr(session.end.error)) if session.end else None,
        "queue": (lanes.queue.batches, lanes.queue.bytes),
        "current": (lanes.in_hand.batch, current_batch(), lanes.in_hand.since),
    }


@pytest.mark.quick
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"on_handler_error": "skip"},
        {"has_store": True, "checkpoint_interval": 0.0},
        {"has_store": True, "checkpoint_interval": 60.0},
        {"handler_timeout": 5.0},
        {"auto_acknowledge": False},
    ],
)
@given(stream=STREAMS, outcomes=OUTCOMES)
def test_the_fast_path_and_the_general_one_do_the_same(
    settings: dict[str, Any], stream: list[dict[str, Any]], outcomes: list[str | None]
) -> None:
    quick = play(stream, outcomes, settings, fast=True)
    slow = play(stream, outcomes, settings, fast=False)
    assert quick == slow


def test_the_fast_path_is_taken() -> None:
    assert applies(CheckedOptions(), iterating=False, dedupes=False)
    assert not applies(CheckedOptions(), iterating=True, dedupes=False)
    assert not applies(CheckedOptions(), iterating=False, dedupes=True)
    for options in ({"auto_acknowledge": False}, {"typed": True}, {"confirmations": 3}):
        assert not applies(CheckedOptions(**options), iterating=False, dedupes=False)
