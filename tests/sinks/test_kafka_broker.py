"""Kafka's transactions on a broker that isn't librdkafka's, read by a client that isn't either."""

import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from event_streamer_sdk.sinks import KafkaSink, SinkBatch, SinkError
from event_streamer_service import DevChain, LocalService
from support.brokers import Server
from support.kafka_broker import committed_rows, kafka_broker
from support.sink_kills import kill_again_and_again
from support.sinks import rows_of_chain, stream_into, subscribe

COUNTER = iter(range(1_000_000))


@pytest.fixture(scope="module")
def broker() -> Iterator[Server]:
    with kafka_broker() as running:
        yield running


@pytest.fixture
def topic() -> str:
    return f"transfers{next(COUNTER)}"


def test_another_client_reads_each_event_once(
    service: LocalService, chain: DevChain, kind: str, broker: Server, topic: str
) -> None:
    number = subscribe(service, 250)
    for _ in range(2):
        stream_into(kind, service.url, number, KafkaSink(f"kafka://{broker.url}/{topic}", write_rows=300))
        assert committed_rows(broker.url, topic) == sorted(rows_of_chain(chain, 0, 250))


def test_killed_at_random_instants_another_client_sees_no_event_twice(broker: Server, topic: str) -> None:
    place = f"kafka://{broker.url}/{topic}"
    kill_again_and_again(
        lambda: committed_rows(broker.url, topic), "--to", place, seed="kafka broker", small_writes=place
    )


def test_what_was_sent_for_a_transaction_that_is_never_committed_is_not_seen(
    service: LocalService, chain: DevChain, broker: Server, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = KafkaSink(f"kafka://{broker.url}/{topic}", write_rows=100)
    commits = []
    call = sink._call

    def die(function: Any, *arguments: Any) -> Any:
        if function == getattr(sink._producer, "commit_transaction", None):
            commits.append(function)
            if len(commits) >= 3:
                sink._producer.flush(20)  # all of it is with the broker
                raise SinkError("as if the process had died")
        return call(function, *arguments)

    monkeypatch.setattr(sink, "_call", die)
    number = subscribe(service, 250)
    with pytest.raises(SinkError, match="as if"):
        stream_into("sync", service.url, number, sink, handler_retries=0)
    every = sorted(rows_of_chain(chain, 0, 250))
    seen = committed_rows(broker.url, topic)
    assert 0 < len(seen) < len(every)
    stream_into("sync", service.url, number, KafkaSink(f"kafka://{broker.url}/{topic}"))
    assert committed_rows(broker.url, topic) == every


def test_a_second_writer_takes_the_topic_over_and_the_first_one_ends(
    service: LocalService, chain: DevChain, kind: str, broker: Server, topic: str
) -> None:
    number = subscribe(service, 250)
    place = f"kafka://{broker.url}/{topic}"

    def succeed(stream: Any) -> None:
        @stream.on_event("Transfer")
        def look(_: Any) -> None:
            if stream.stats.batches == 1:
                other = threading.Thread(
                    target=stream_into, args=["sync", service.url, number, KafkaSink(place)]
                )
                other.start()
                other.join(60)

    with pytest.raises(SinkError, match=f"another process writes into topic {topic} of Kafka"):
        stream_into(
            kind, service.url, number, KafkaSink(place, write_rows=100), prepare=succeed, handler_retries=0
        )
    assert committed_rows(broker.url, topic) == sorted(rows_of_chain(chain, 0, 250))


def test_a_broker_that_is_stopped_and_started_again_is_waited_for(
    service: LocalService, chain: DevChain, kind: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kafka_broker() as broker:
        sink = KafkaSink(f"kafka://{broker.url}/{topic}", write_rows=100)
        write, starting = sink.write, threading.Timer(0.5, broker.start)

        def restart(batch: SinkBatch) -> None:
            if sink._position is not None and starting.ident is None:  # between two commits
                broker.stop(signal.SIGTERM)
                starting.start()
            write(batch)

        monkeypatch.setattr(sink, "write", restart)
        stream_into(kind, service.url, subscribe(service, 250), sink)
        starting.join()
        assert starting.ident is not None
        assert committed_rows(broker.url, topic) == sorted(rows_of_chain(chain, 0, 250))
