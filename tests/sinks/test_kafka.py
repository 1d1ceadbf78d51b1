"""
Events in a topic of Kafka, in one transaction with the position.

On librdkafka's mock cluster, which can't show two things: that consumers leave aborted transactions out, so
that nothing is killed here, and that a second producer with the same transactional id ends the first one.
test_kafka_broker.py shows them.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import confluent_kafka
import pytest

from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_sdk.sinks import KafkaSink, SinkError, SinkUnavailableError
from event_streamer_service import DevChain, LocalService
from support.brokers import kafka_cluster
from support.sinks import rows_of_chain, still, stream_into, subscribe

COUNTER = iter(range(1_000_000))


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    with kafka_cluster("event_streamer_positions", *(f"transfers{number}" for number in range(20))) as found:
        yield found


@pytest.fixture
def topic() -> str:
    return f"transfers{next(COUNTER)}"


def messages(brokers: str, topic: str) -> dict[int, list[tuple[bytes | None, dict[str, Any]]]]:
    """Partition → its messages, key and value, in order."""
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "tests",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )
    partitions = set(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
    found: dict[int, list[tuple[bytes | None, dict[str, Any]]]] = {number: [] for number in partitions}
    consumer.assign([confluent_kafka.TopicPartition(topic, number, 0) for number in partitions])
    give_up = time.monotonic() + 20
    while partitions:
        assert time.monotonic() < give_up
        message = consumer.poll(0.5)
        if message is None:
            continue
        if message.error() is not None:
            partitions.discard(message.partition())
            continue
        value = json.loads(message.value())
        is_notice = message.headers() == [("type", b"reorg")]
        assert is_notice == ("log_index" not in value), "the header alone tells notices from events"
        found[message.partition()].append((message.key(), value))
    consumer.close()
    return found


def rows(brokers: str, topic: str) -> list[Any]:
    parts = [still([value for _, value in part]) for part in messages(brokers, topic).values()]
    return sorted(row for part in parts for row in part)


def test_a_topic_holds_the_logs_of_the_chain(
    service: LocalService, chain: DevChain, kind: str, brokers: str, topic: str
) -> None:
    number = subscribe(service, 250)
    for _ in range(2):
        stream_into(kind, service.url, number, KafkaSink(f"kafka://{brokers}/{topic}", write_rows=300))
        assert rows(brokers, topic) == sorted(rows_of_chain(chain, 0, 250))


@pytest.mark.parametrize("depth", [1, 6])
def test_a_notice_in_each_partition_says_which_messages_are_void(
    service: LocalService, chain: DevChain, brokers: str, topic: str, depth: int
) -> None:
    number = subscribe(service, chain.head_number + 5)

    def change(stream: Any) -> None:
        @stream.on_heartbeat
        def look(_: Any) -> None:
            if chain.head_number < 305:
                chain.reorg(depth)
                chain.mine(12)

    sink = KafkaSink(f"kafka://{brokers}/{topic}?key=from")
    stream_into("sync", service.url, number, sink, prepare=change)
    assert rows(brokers, topic) == sorted(rows_of_chain(chain, 0, 304))
    found = messages(brokers, topic)
    assert len(found) > 1
    assert all(sum("log_index" not in value for _, value in part) == 1 for part in found.values())


def test_messages_are_keyed_by_the_column_that_is_asked_for(
    service: LocalService, brokers: str, topic: str
) -> None:
    stream_into("sync", service.url, subscribe(service, 50), KafkaSink(f"kafka://{brokers}/{topic}?key=to"))
    found = messages(brokers, topic)
    homes: dict[bytes | None, int] = {}
    for number, part in found.items():
        for key, value in part:
            assert key == value["to"].encode()
            assert homes.setdefault(key, number) == number


def test_what_can_not_be_used_is_refused_in_one_line(
    service: LocalService, brokers: str, topic: str, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("event_streamer_sdk.sinks.kafka.TIMEOUT", 1.0)
    number = subscribe(service, 10)
    with pytest.raises(SinkError, match="there is no column nobody to key by"):
        stream_into("sync", service.url, number, KafkaSink(f"kafka://{brokers}/{topic}?key=nobody"))
    with pytest.raises(SinkUnavailableError, match="Kafka can't be reached"):
        stream_into("sync", service.url, number, KafkaSink(f"kafka://127.0.0.1:{free_port}/{topic}"))
    with pytest.raises(SinkError, match=r"Kafka's .* can't be made"):
        stream_into("sync", service.url, number, KafkaSink(f"kafka://{brokers}/{topic}?no.such.option=1"))
    with pytest.raises(EventStreamerValidationError, match="names no host"):
        KafkaSink("kafka:///x")


def test_a_position_whose_partitions_the_cluster_does_not_know_yet_is_waited_for(
    service: LocalService, chain: DevChain, brokers: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a broker has just come back: the stream would begin anew, and its events come twice."""
    number = subscribe(service, 250)
    stream_into("sync", service.url, number, KafkaSink(f"kafka://{brokers}/{topic}"))
    asked: list[str] = []

    class Consumer(confluent_kafka.Consumer):
        def list_topics(self, name: str, timeout: float) -> Any:
            found = super().list_topics(name, timeout=timeout)
            if len(asked) < 2:
                found.topics[name].partitions = {}
            asked.append(name)
            return found

    monkeypatch.setattr(confluent_kafka, "Consumer", Consumer)
    stream_into("sync", service.url, number, KafkaSink(f"kafka://{brokers}/{topic}"))
    monkeypatch.undo()
    assert asked == ["event_streamer_positions"] * 3
    assert rows(brokers, topic) == sorted(rows_of_chain(chain, 0, 250))
