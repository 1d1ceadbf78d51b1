"""A place that stops for a while: it is said, memory stays bounded, and afterwards nothing is missing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import confluent_kafka
import nats
import psycopg
import pytest
import redis

from event_streamer_service import DevChain, LocalService
from support import postgres
from support.brokers import kafka_process, nats_server, redis_server
from support.services import wait_until
from support.sinks import rows_of_chain, stream_into, subscribe

PROGRAM = Path(__file__).parents[1] / "support" / "sink_programs.py"
BLOCKS = 1_000
GROWTH = 24 * 1024 * 1024
"""Bytes that a client may grow by while its sink stands still: its queue, and the answers on their way."""


class Stopped:
    """
    A place that can be stopped.

    Attributes:
        url: For `--to`.
        send: Sends a signal to all of its processes.
        count: Counts the events in it.
        has_any: Says whether it has an event; must be quick, or all is over when it answers.
    """

    def __init__(
        self,
        url: str,
        send: Callable[[int], None],
        count: Callable[[], int],
        has_any: Callable[[], bool] | None = None,
    ) -> None:
        self.url = url
        self.send = send
        self.count = count
        self.has_any = has_any or (lambda: count() > 0)


@contextmanager
def on_redis() -> Iterator[Stopped]:
    with redis_server() as server, redis.Redis.from_url(server.url) as client:
        yield Stopped(f"{server.url}?stream=t", server.send, lambda: int(client.xlen("t")))


@contextmanager
def on_postgresql() -> Iterator[Stopped]:
    with postgres.cluster() as url:

        def count() -> int:
            with psycopg.connect(f"{url}/postgres") as connection:
                if connection.execute("SELECT to_regclass('t')").fetchone() == (None,):
                    return 0
                ((found,),) = connection.execute("SELECT count(*) FROM t")
                return int(found)

        def send(number: int) -> None:
            """To those who serve the sink."""
            if number == signal.SIGSTOP:
                with psycopg.connect(f"{url}/postgres") as connection:
                    served.extend(
                        pid
                        for (pid,) in connection.execute(
                            "SELECT pid FROM pg_stat_activity WHERE application_name = 'event-streamer'"
                        )
                    )
            for pid in served:
                os.kill(pid, number)

        served: list[int] = []
        yield Stopped(f"{url}/postgres?table=t", send, count)


@contextmanager
def on_nats() -> Iterator[Stopped]:
    import asyncio

    with nats_server() as server:

        async def ask() -> int:
            connection = await nats.connect(server.url)
            try:
                return int((await connection.jetstream().stream_info("t")).state.messages)
            except nats.js.errors.NotFoundError:
                return 0
            finally:
                await connection.close()

        yield Stopped(f"{server.url}/t", server.send, lambda: asyncio.run(ask()))


@contextmanager
def on_kafka() -> Iterator[Stopped]:
    """With room for fewer messages than a write has, so that the sender's own queue is full as well."""
    with kafka_process("event_streamer_positions", "t") as cluster:
        consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": cluster.brokers, "group.id": "tests", "enable.partition.eof": True}
        )

        def count() -> int:
            partitions = set(consumer.list_topics("t", timeout=20).topics["t"].partitions)
            consumer.assign([confluent_kafka.TopicPartition("t", each, 0) for each in partitions])
            found = 0
            while partitions:
                message = consumer.poll(20)
                assert message is not None, "no answer"
                if message.error() is None:
                    found += 1
                else:
                    partitions.discard(message.partition())
            return found

        def has_any() -> bool:
            partitions = consumer.list_topics("t", timeout=20).topics["t"].partitions
            places = (confluent_kafka.TopicPartition("t", each) for each in partitions)
            return any(consumer.get_watermark_offsets(place, timeout=20)[1] > 0 for place in places)

        small = "queue.buffering.max.messages=1000"
        yield Stopped(f"kafka://{cluster.brokers}/t?{small}", cluster.process.send_signal, count, has_any)
        consumer.close()


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "client"),
    [
        (on_redis, "async"),
        (on_nats, "sync"),
        (on_kafka, "async"),
        pytest.param(on_postgresql, "sync", marks=pytest.mark.postgres),
    ],
)
def test_memory_stays_bounded_while_a_place_stands_still_and_nothing_is_lost(place: Any, client: str) -> None:
    chain = DevChain(blocks=BLOCKS, logs_per_block=40)
    try:
        with place() as stopped, LocalService(chain) as service:
            number = subscribe(service, BLOCKS - 1)
            running = subprocess.Popen(
                [sys.executable, PROGRAM, client, service.url, str(number), stopped.url, "write_rows=2000"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            wait_until(lambda: stopped.has_any() or running.poll() is not None, seconds=30)
            assert running.poll() is None, running.communicate()
            stopped.send(signal.SIGSTOP)
            try:
                time.sleep(2)
                before = resident(running.pid)
                time.sleep(4)
                after = resident(running.pid)
            finally:
                stopped.send(signal.SIGCONT)
            out, err = running.communicate(timeout=90)
            assert running.returncode == 0, err
            events = int(out.split()[2])
            assert stopped.count() == events > 10_000
            assert after - before < GROWTH, f"grew by {(after - before) / 1e6:.1f} MB"
    except postgres.Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize(
    ("place", "client"),
    [
        (on_redis, "sync"),
        pytest.param(on_postgresql, "sync", marks=pytest.mark.postgres),
        pytest.param(on_postgresql, "async", marks=pytest.mark.postgres),
    ],
)
def test_a_stop_does_not_wait_for_a_place_that_stands_still_and_the_next_run_goes_on(
    place: Any, client: str
) -> None:
    """A server that is stopped still acknowledges what is sent to it: no time limit of TCP helps."""

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, PROGRAM, client, service.url, str(number), stopped.url, "write_rows=200"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    chain = DevChain(blocks=200, logs_per_block=20)
    try:
        with place() as stopped, LocalService(chain) as service:
            number = subscribe(service, 199)
            running = start()
            wait_until(lambda: stopped.has_any() or running.poll() is not None, seconds=60)
            stopped.send(signal.SIGSTOP)
            try:
                running.send_signal(signal.SIGTERM)
                _, err = running.communicate(timeout=60)
            finally:
                running.kill()
                stopped.send(signal.SIGCONT)
            assert "the write is broken off" in err
            out, err = start().communicate(timeout=90)
            assert out.startswith("ended finished"), err
            assert stopped.count() == len(rows_of_chain(chain, 0, 199))
    except postgres.Missing as missing:
        pytest.skip(str(missing))


def test_a_call_that_waits_for_its_place_is_told(
    service: LocalService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("event_streamer_sdk.sinks._writer.SLOW_SECONDS", 0.1)

    class Slow:
        def open(self, source: Any) -> None:
            pass

        def write(self, batch: Any) -> None:
            time.sleep(0.35)

        def undo(self, reorg: Any) -> None:
            pass

        def close(self) -> None:
            pass

    number = subscribe(service, 20)
    stream_into("sync", service.url, number, Slow())
    assert f"subscription {number}: a write has been waiting for its place for 0 s" in caplog.text
    assert not [thread for thread in threading.enumerate() if thread.name == "slow-sink"]


def test_a_kafka_that_hangs_is_waited_for_and_one_that_is_gone_ends_the_stream_in_one_line(
    service: LocalService, chain: DevChain, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from event_streamer_sdk.sinks import KafkaSink, SinkUnavailableError

    monkeypatch.setattr("event_streamer_sdk.sinks.kafka.TIMEOUT", 2.0)
    with kafka_process("event_streamer_positions", "t", "u") as cluster:

        def hold(stream: Any) -> None:
            @stream.on_event("Transfer")
            def look(_: Any) -> None:
                if not stream.stats.batches:
                    cluster.process.send_signal(signal.SIGSTOP)
                    threading.Timer(3.0, cluster.process.send_signal, [signal.SIGCONT]).start()

        sink = KafkaSink(f"kafka://{cluster.brokers}/t")
        report = stream_into("sync", service.url, subscribe(service, 250), sink, prepare=hold)
        assert report.events
        assert "topic t of Kafka can't be written" in caplog.text
        assert "trying again in" in caplog.text

        def end(stream: Any) -> None:
            stream.on_event("Transfer")(lambda _: cluster.process.kill())

        sink = KafkaSink(f"kafka://{cluster.brokers}/u", patience=1.0)
        with pytest.raises(SinkUnavailableError, match=r"Kafka can't be|topic u of Kafka can't be"):
            stream_into("sync", service.url, subscribe(service, 250), sink, prepare=end)
