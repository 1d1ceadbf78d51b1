"""A backup is taken while the service runs, and clients go on from it: with a token where they were."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from event_streamer_service import DevChain, LocalService
from support.raw_client import RawClient


def test_a_copy_taken_in_use_is_restored_and_tokens_are_still_good(tmp_path: Path) -> None:
    live, copy = tmp_path / "live.db", tmp_path / "copy.db"
    with running_on(live) as client:
        number = client.subscribe(end_block=99)
        with client.stream(number) as stream:
            first, second = stream.next("event_batch"), stream.next("event_batch")
            stream.acknowledge(first)
            with closing(sqlite3.connect(live)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            stream.acknowledge(second)
    with running_on(copy) as client:
        with client.stream(number) as stream:
            again = stream.next("event_batch")
        assert again["events"] == second["events"], "what was acknowledged since the copy comes again"
        with client.stream(number, second["resume_token"]) as stream:
            assert stream.next("event_batch")["first_block"] >= second["last_block"]


@contextmanager
def running_on(file: Path) -> Iterator[RawClient]:
    service = LocalService(DevChain(blocks=100), database=f"sqlite:///{file}", max_batch_events=20)
    with service, RawClient(service.url) as client:
        yield client
