"""`client.fetch`: what comes is what the chain has, value by value, and nothing is left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.exceptions import EventStreamerSDKError, EventStreamerValidationError
from event_streamer_sdk.frames import EventFrame, FetchProgress, FrameTooLargeError
from event_streamer_sdk.sinks import MissingExtraError
from event_streamer_service import DevChain, LocalService
from support.sinks import CHAIN, TRANSFER, row_of_values, rows_of_chain

from .conftest import Fetch

LeftOver = Callable[[], list[int]]


def rows_of(values: Any) -> list[Any]:
    return [row_of_values(row) for row in values]


def test_each_form_of_a_frame_holds_the_logs_of_the_chain(
    fetch: Fetch, chain: DevChain, left_over: LeftOver
) -> None:
    frame = fetch(TRANSFER, start_block=3, end_block=50)
    logs = rows_of_chain(chain, 3, 50)
    assert len(frame) == len(logs) > 100
    assert rows_of(frame) == logs
    assert rows_of(frame.to_arrow().to_pylist()) == logs
    assert rows_of(frame.to_pandas().to_dict("records")) == logs
    assert rows_of(frame.to_polars().to_dicts()) == logs
    assert {event["chain_id"] for event in frame} == {CHAIN}
    assert left_over() == []


def test_a_range_without_events_is_a_frame_with_columns_and_no_rows(fetch: Fetch) -> None:
    frame = fetch("event Nothing(uint256 a, address[] b, (int8 c, uint128 d) e)")
    assert len(frame) == 0
    assert list(frame) == []
    assert frame.columns[-3:] == ("a", "b", "e")
    assert list(frame.to_pandas().columns) == frame.to_polars().columns == list(frame.columns)
    assert frame.to_arrow(integers="decimal").num_rows == 0


def test_columns_and_conditions_choose(fetch: Fetch, chain: DevChain) -> None:
    frame = fetch(TRANSFER, columns=["value"], where="value > 10**18")
    assert frame.columns[-1] == "value"
    assert "from" not in frame.columns
    wanted = [row[-1] for row in rows_of_chain(chain, 0, 59) if row[-1] > 10**18]
    assert frame.column("value") == wanted != []


def test_progress_is_told_up_to_the_last_block(fetch: Fetch) -> None:
    told: list[FetchProgress] = []
    frame = fetch("Nothing(uint256 a)", start_block=10, end_block=40, progress=told.append)
    assert told[0].block is None
    assert told[0].share == 0
    assert told[-1].block == 40
    assert told[-1].share == 1
    frame = fetch(TRANSFER, progress=told.append)
    assert told[-1].events == len(frame)
    assert len(set(map(str, told))) == len(told)


def test_progress_is_one_line_on_a_terminal(
    fetch: Fetch, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    frame = fetch(TRANSFER, progress=True)
    written = capsys.readouterr()
    assert written.err.endswith(f"\rblock 59 of 59 (100%), {len(frame):,} events\n")
    assert written.err.count("\n") == 1
    assert written.out == ""


def test_progress_in_a_file_is_whole_lines(fetch: Fetch, capsys: pytest.CaptureFixture[str]) -> None:
    frame = fetch(TRANSFER, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == f"block 59 of 59 (100%), {len(frame):,} events"
    assert all(line.startswith("block ") and line.endswith(" events") for line in lines)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"end_block": None}, "needs an end_block"),
        ({"end_block": 1000}, "end_block 1,000 is not there yet: chain 31337 is at block 59"),
        ({"end_block": 5, "start_block": 9}, "end_block"),
        ({"chain_id": 4711}, "4711"),
        ({"columns": ["valeu"]}, "no column valeu; its parameters are from, to, value"),
        ({"where": "valeu > 1"}, "valeu"),
        ({"progress": 3}, "progress must be"),
        ({"max_events": 0}, "max_events must be"),
        ({"max_events": True}, "max_events must be"),
        ({"addresses": "0x12"}, "addresses"),
        ({"stop_timeuot": 1}, "fetch() has no argument 'stop_timeuot'; did you mean stop_timeout?"),
        ({"from_block": 1}, "did you mean start_block?"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_and_nothing_is_left(
    fetch: Fetch, left_over: LeftOver, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(EventStreamerSDKError) as caught:
        fetch(TRANSFER, **wrong)
    assert says in str(caught.value)
    assert left_over() == []


def test_an_unknown_event_is_named_with_those_that_there_are(fetch: Fetch) -> None:
    with pytest.raises(EventStreamerValidationError, match=r"Transfr.*Transfer"):
        fetch([TRANSFER], "Transfr")


def test_more_events_than_wanted_end_the_fetch(fetch: Fetch, left_over: LeftOver, chain: DevChain) -> None:
    size = len(rows_of_chain(chain, 0, 59))
    assert len(fetch(TRANSFER, max_events=size)) == size
    with pytest.raises(FrameTooLargeError, match=f"more than {size - 1:,} events"):
        fetch(TRANSFER, max_events=size - 1)
    assert left_over() == []


def test_a_missing_library_is_named_before_anything_is_made(
    fetch: Fetch, left_over: LeftOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = fetch(TRANSFER, end_block=3)
    for module, extra in (("pandas", "pandas"), ("polars", "polars"), ("pyarrow", "arrow")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(MissingExtraError, match=rf"pip install 'event-streamer-sdk\[{extra}\]>=1'"):
            {"pandas": frame.to_pandas, "polars": frame.to_polars}.get(module, lambda: fetch(TRANSFER))()
    assert left_over() == []


def test_blocks_that_come_later_are_waited_for_when_asked(
    fetch: Fetch, chain: DevChain, left_over: LeftOver
) -> None:
    found: list[EventFrame] = []
    thread = threading.Thread(target=lambda: found.append(fetch(TRANSFER, end_block=62, wait=True)))
    thread.start()
    deadline = time.monotonic() + 20
    while not left_over() and time.monotonic() < deadline:
        time.sleep(0.02)
    chain.mine(5)
    thread.join(30)
    assert rows_of(found[0]) == rows_of_chain(chain, 0, 62)


def test_events_of_replaced_blocks_are_not_in_the_frame(
    fetch: Fetch, chain: DevChain, service: LocalService
) -> None:
    begun = threading.Event()
    found: list[EventFrame] = []

    def tell(progress: FetchProgress) -> None:
        if progress.block is not None and progress.block >= 59:
            begun.set()

    thread = threading.Thread(
        target=lambda: found.append(fetch(TRANSFER, end_block=64, wait=True, progress=tell))
    )
    thread.start()
    assert begun.wait(20)
    before = rows_of_chain(chain, 55, 59)
    chain.reorg(4)
    chain.mine(10)
    thread.join(30)
    assert rows_of(found[0]) == rows_of_chain(chain, 0, 64)
    assert rows_of_chain(chain, 55, 59) != before


PROGRAM = """
import sys
from event_streamer_sdk import EventStreamer, SyncEventStreamer
import asyncio

url, kind, event = sys.argv[1:]
wanted = dict(chain_id=31337, start_block=0, end_block=10**6, wait=True)
told = lambda progress: print(progress, flush=True)
if kind == "sync":
    with SyncEventStreamer(url, "frames") as client:
        client.fetch(event, progress=told, **wanted)
else:
    async def main():
        async with EventStreamer(url, "frames") as client:
            await client.fetch(event, progress=told, **wanted)
    asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_ctrl_c_ends_a_fetch_and_removes_its_subscription(
    kind: str, service: LocalService, left_over: LeftOver
) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, service.url, kind, TRANSFER],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert program.stdout is not None
    while "block 59 of" not in program.stdout.readline():
        assert program.poll() is None
    assert len(left_over()) == 1
    os.kill(program.pid, signal.SIGINT)
    _, errors = program.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    assert left_over() == []


def test_a_subscription_that_stands_is_left_alone(fetch: Fetch, service: LocalService) -> None:
    """A fetch reads all events, also where an equal subscription has been read before."""
    with SyncEventStreamer(service.url, "frames") as client:
        standing = client.subscribe(TRANSFER, chain_id=CHAIN, start_block=0, end_block=59)
        assert len(fetch(TRANSFER)) == len(fetch(TRANSFER)) > 0
        assert [each.id for each in client.iter_subscriptions()] == [standing.id]
        assert client.get_subscription(standing.id).events_delivered == 0
