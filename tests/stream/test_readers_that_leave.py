"""`python program.py | head`: a program ends when nobody reads what its handlers print."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from support.listener import KINDS, Listener
from support.stream_server import stream_server

kinds = pytest.mark.parametrize("kind", KINDS)

PROGRAM = """
import asyncio, sys
from event_streamer_sdk import EventStreamer, SyncEventStreamer

kind, url, place, options = sys.argv[1], sys.argv[2], sys.argv[3], eval(sys.argv[4])


def show(events):
    print("x" * 100_000, flush=True)  # more than a pipe takes


async def main():
    async with EventStreamer(url, "me") as client:
        stream = client.create_streaming_client(1, checkpoint=place, **options)
        stream.on_event("Transfer")(show)
        await stream.run()

if kind == "async":
    asyncio.run(main())
else:
    with SyncEventStreamer(url, "me") as client:
        stream = client.create_streaming_client(1, checkpoint=place, **options)
        stream.on_event("Transfer")(show)
        stream.run()
print("after the run")
"""


@pytest.mark.parametrize(
    "policy", [{}, {"on_handler_error": "skip"}, {"handler_timeout": 20}], ids=["", "skip", "limited"]
)
@kinds
def test_a_program_ends_quietly_when_its_reader_has_seen_enough(
    kind: str, policy: dict[str, object], tmp_path: Path
) -> None:
    place = tmp_path / "place.json"
    with stream_server() as server:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, kind, server.url, str(place), repr(policy)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        with process:
            assert process.stdout is not None
            assert process.stdout.read(10) == b"x" * 10
            process.stdout.close()
            assert process.stderr is not None
            told = process.stderr.read()
    assert (process.returncode, told) == (1, b"")
    assert not place.exists()  # the batch that nobody saw comes again


@kinds
def test_another_broken_pipe_is_tried_again(kind: str) -> None:
    tries = []

    def handler(number: int) -> None:
        tries.append(number)
        if len(tries) == 1:
            raise BrokenPipeError(errno.EPIPE, "the database has gone away")

    with stream_server() as server:
        listener = Listener(kind, server.url, handler=handler)
        listener.run()
    assert tries == [0, 0, 1, 2, 3, 4]
