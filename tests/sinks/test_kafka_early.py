"""Messages that Kafka gets before their transaction is due: it works on them while more are made."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import confluent_kafka
import pytest

from event_streamer_sdk.abi import extract_abi_event
from event_streamer_sdk.models import StreamingReorg
from event_streamer_sdk.models.subscriptions import SubscriptionResponse
from event_streamer_sdk.sinks import KafkaSink, SinkBatch, SinkError, SinkUnavailableError, Source, kafka
from event_streamer_sdk.sinks.kafka import EARLY_EVENTS
from support.brokers import Server
from support.event_objects import METADATA
from support.kafka_broker import committed_rows, kafka_broker
from support.sinks import TRANSFER as SIGNATURE

COUNTER = iter(range(1_000))


@pytest.fixture(scope="module")
def broker() -> Iterator[Server]:
    with kafka_broker() as running:
        yield running


@pytest.fixture
def topic() -> str:
    return f"early{next(COUNTER)}"


def opened(broker: Server, topic: str) -> tuple[KafkaSink, str | None]:
    about: dict[str, Any] = {"topic0": "0x", "addresses": [], "start_block": 0, "chain_id": 1}
    event = extract_abi_event(SIGNATURE, "Transfer")
    subscription = SubscriptionResponse(id=1, subscriber_id="x", event_signature=event, **about)
    sink = KafkaSink(f"kafka://{broker.url}/{topic}")
    return sink, sink.open(Source(subscription))


def events_of(block: int, count: int = EARLY_EVENTS) -> list[dict[str, Any]]:
    account = "0x" + "11" * 20
    parameters = {"from": account, "to": account, "value": "5"}
    return [METADATA | parameters | {"block_number": block, "log_index": each} for each in range(count)]


def batch(prepared: list[Any], block: int, token: str) -> SinkBatch:
    return SinkBatch((), prepared, sum(map(len, prepared)), token, block, block)


def seen(broker: Server, topic: str) -> dict[int, int]:
    """Block → how many of its events count."""
    return dict(Counter(row[0] for row in committed_rows(broker.url, topic)))


def fence(broker: Server, topic: str) -> None:
    """Take a topic's transactional id: what another process does, and the cluster after a time-out."""
    conf = {"bootstrap.servers": broker.url, "transactional.id": f"event-streamer-{topic}"}
    confluent_kafka.Producer(conf).init_transactions(20)


def test_the_broker_has_messages_that_are_not_due_yet_and_nobody_sees_them(
    broker: Server, topic: str
) -> None:
    sink, _ = opened(broker, topic)
    first = sink.prepare(events_of(1))
    assert sink._producer.flush(20) == 0
    assert seen(broker, topic) == {}
    rest = sink.prepare(events_of(2, 3))
    sink.write(batch([first, rest], 2, "token"))
    assert seen(broker, topic) == {1: EARLY_EVENTS, 2: 3}
    sink.close()
    again, token = opened(broker, topic)
    again.close()
    assert token == "token"


def test_what_was_sent_for_replaced_blocks_or_too_early_is_sent_again_when_it_is_due(
    broker: Server, topic: str
) -> None:
    sink, _ = opened(broker, topic)
    first, later = sink.prepare(events_of(1)), sink.prepare(events_of(2))
    sink.write(batch([first], 1, "one"))
    sink.prepare(events_of(3))
    sink.undo(
        StreamingReorg(chain_id=1, common_ancestor=1, removed_blocks=[], batch_id="b", resume_token="two")
    )
    sink.write(batch([later], 2, "three"))
    sink.prepare(events_of(3))
    sink.close()
    assert seen(broker, topic) == {1: EARLY_EVENTS, 2: EARLY_EVENTS}


def test_a_transaction_that_the_cluster_has_ended_is_made_again(
    broker: Server, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "TRANSACTION_TIMEOUT", 0.0)  # as if the process had stood still so long
    sink, _ = opened(broker, topic)
    sink.write(batch([sink.prepare(events_of(1, 3))], 1, "one"))
    due = batch([sink.prepare(events_of(2))], 2, "two")
    fence(broker, topic)
    with pytest.raises(SinkUnavailableError, match="a transaction was open for too long"):
        sink.write(due)
    sink.write(due)
    sink.close()
    assert seen(broker, topic) == {1: 3, 2: EARLY_EVENTS}


def test_a_second_process_ends_one_that_has_sent_what_is_not_due(broker: Server, topic: str) -> None:
    sink, _ = opened(broker, topic)
    due = batch([sink.prepare(events_of(1))], 1, "one")
    fence(broker, topic)
    with pytest.raises(SinkError, match=f"another process writes into topic {topic} of Kafka"):
        sink.write(due)
    sink.close()
    assert seen(broker, topic) == {}


def test_a_process_that_stood_still_finds_out_that_another_one_has_written(
    broker: Server, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "TRANSACTION_TIMEOUT", 0.0)
    sink, _ = opened(broker, topic)
    due = batch([sink.prepare(events_of(1))], 1, "one")
    other, _ = opened(broker, topic)
    other.write(batch([other.prepare(events_of(1))], 1, "another"))
    other.close()
    with pytest.raises(SinkUnavailableError):
        sink.write(due)
    with pytest.raises(SinkError, match=f"another process writes into topic {topic} of Kafka"):
        sink.write(due)
    sink.close()
    assert seen(broker, topic) == {1: EARLY_EVENTS}
