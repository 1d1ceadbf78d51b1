"""
Events in an object store by `s3://`, on moto's server, which answers as S3 does.

It can't show what Amazon's own does under load, how long a listing may lag, or what its permissions refuse.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from event_streamer_sdk.sinks import FileSink, SinkError, SinkUnavailableError
from event_streamer_service import DevChain, LocalService
from support.brokers import answers
from support.environments import environment
from support.ports import own_port
from support.services import wait_until
from support.sinks import Row, row_of_values, rows_of_chain, stream_into, subscribe

s3fs = pytest.importorskip("s3fs")
pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]  # the first one installs moto
MOTO = "moto[server]==5.2.5"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A store with one bucket, `bucket`."""
    program = environment("moto", MOTO).parent / "moto_server"
    port = own_port()
    with (tmp_path / "moto.log").open("wb") as log:
        running = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(port), seconds=60)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir("bucket")
        yield running
    finally:
        running.kill()
        running.wait(20)
        s3fs.S3FileSystem.clear_instance_cache()


def rows_at(place: str) -> list[Row]:
    system = s3fs.S3FileSystem()
    system.invalidate_cache()
    rows: list[Row] = []
    for name in sorted(system.glob(f"{place}*.parquet")):
        with system.open(name) as file:
            rows += map(row_of_values, pq.read_table(file).to_pylist())
    return rows


def test_folders_and_files_of_s3_hold_the_logs_of_the_chain(
    store: Any, service: LocalService, chain: DevChain
) -> None:
    number = subscribe(service, 304)

    def change(stream: Any) -> None:
        @stream.on_heartbeat
        def look(_: Any) -> None:
            if chain.head_number < 305:
                chain.reorg(3)
                chain.mine(12)

    stream_into("sync", service.url, number, FileSink("s3://bucket/all", part_seconds=0.01), prepare=change)
    assert rows_at("bucket/all/") == rows_of_chain(chain, 0, 304)
    stream_into("sync", service.url, subscribe(service, 250), FileSink("s3://bucket/one.parquet"))
    assert rows_at("bucket/one") == rows_of_chain(chain, 0, 250)
    assert s3fs.S3FileSystem().ls("bucket", refresh=True) == ["bucket/all", "bucket/one.parquet"]


def test_a_bucket_that_is_not_there_is_not_made(store: Any, service: LocalService) -> None:
    with pytest.raises(SinkError, match="s3://buckets/x can't be used: The specified bucket does not exist"):
        stream_into("sync", service.url, subscribe(service, 10), FileSink("s3://buckets/x"))
    assert s3fs.S3FileSystem().ls("", refresh=True) == ["bucket"]


def test_a_store_that_goes_away_is_told_of_in_one_line_and_nothing_counts(
    store: Any, service: LocalService, caplog: pytest.LogCaptureFixture
) -> None:
    def end(stream: Any) -> None:
        stream.on_event("Transfer")(lambda _: store.send_signal(signal.SIGKILL))

    with pytest.raises(SinkUnavailableError, match="s3://bucket/all can't be written: Could not connect"):
        stream_into(
            "sync",
            service.url,
            subscribe(service, 250),
            FileSink("s3://bucket/all", patience=0.5),
            prepare=end,
        )
    assert "trying again in" in caplog.text
    assert service.journal.acknowledged() == []


class Overloaded(BaseHTTPRequestHandler):
    """In front of the store: answers what is put there with 503 SlowDown a few times, and takes its time."""

    protocol_version = "HTTP/1.1"
    store = ""
    refusals = 0

    def relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command == "PUT" and Overloaded.refusals:
            Overloaded.refusals -= 1
            content = (
                b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
            )
            self.answer(503, {"Content-Type": "application/xml"}, content)
            return
        time.sleep(0.05)
        connection = HTTPConnection(self.store)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        self.answer(answer.status, dict(answer.headers), content)
        connection.close()

    def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        left_out = {"transfer-encoding", "connection", *(["content-length"] if content else [])}
        for name, value in headers.items():
            if name.lower() not in left_out:
                self.send_header(name, value)
        if content or "content-length" not in map(str.lower, headers):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = relay  # noqa: N815 - http.server's names

    def log_message(self, *_: Any) -> None:
        pass


def test_a_store_that_is_overloaded_is_waited_for_and_nothing_is_lost(
    store: Any,
    service: LocalService,
    chain: DevChain,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    front = ThreadingHTTPServer(("127.0.0.1", 0), Overloaded)
    Overloaded.store = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
    thread = threading.Thread(target=front.serve_forever, args=(0.05,))
    thread.start()
    try:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{front.server_port}")
        s3fs.S3FileSystem.clear_instance_cache()
        sink = FileSink("s3://bucket/all", part_rows=300)

        def overload(stream: Any) -> None:
            @stream.on_event("Transfer")
            def look(_: Any) -> None:
                if stream.stats.batches == 1:
                    Overloaded.refusals = 12  # more than s3fs tries by itself

        stream_into("sync", service.url, subscribe(service, 250), sink, prepare=overload)
        assert rows_at("bucket/all/") == rows_of_chain(chain, 0, 250)
    finally:
        front.shutdown()
        thread.join()
        front.server_close()
    assert (
        "s3://bucket/all can't be written: Please reduce your request rate.; trying again in" in caplog.text
    )
