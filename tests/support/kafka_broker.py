"""
A broker of Kafka's protocol that is not librdkafka's: noida-db, one program in a wheel.

It leaves aborted transactions out for consumers with `read_committed`, ends a producer whose transactional id
another one has taken, and keeps its topics when it is stopped and started again. It is held to one version,
since it is a young project; it listens on loopback alone, and calls nobody.
"""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from support.brokers import Server, server
from support.sinks import still


@contextmanager
def kafka_broker() -> Iterator[Server]:
    found = find_spec("noida_db")
    program = None if found is None or found.origin is None else Path(found.origin).with_name("noida-db")
    if program is None or not program.exists():
        pytest.skip("noida-db is not installed, or not for this system")
    program.chmod(program.stat().st_mode | 0o111)  # a wheel doesn't keep it

    def command(port: int, folder: Path) -> list[str]:
        place = ["--data-dir", str(folder), "--host", "127.0.0.1"]
        return [str(program), "start", *place, "--only", "kafka", "--kafka-port", str(port)]

    with server(command, "127.0.0.1:{port}") as made:
        yield made


def committed_rows(brokers: str, topic: str) -> list[Any]:
    """Read a topic with kafka-python, which shares nothing with librdkafka: the events that hold, sorted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, of the way in which it reads its files
        from kafka import KafkaConsumer, TopicPartition

        consumer = KafkaConsumer(
            bootstrap_servers=brokers,
            isolation_level="read_committed",
            enable_auto_commit=False,
            group_id=None,
        )
        try:
            places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(places)
            consumer.seek_to_beginning()
            parts: dict[Any, list[Any]] = {place: [] for place in places}
            ends = consumer.end_offsets(places)
            while any(consumer.position(place) < ends[place] for place in places):
                for place, messages in consumer.poll(timeout_ms=1_000).items():
                    parts[place] += [json.loads(message.value) for message in messages]
        finally:
            consumer.close()
    return sorted(row for part in parts.values() for row in still(part))
