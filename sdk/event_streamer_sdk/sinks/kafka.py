"""Events in a topic of Kafka: messages and position in one transaction."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import frozen

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_api.models import StreamingReorg

from .._extras import needs
from ._pieces import begins
from ._text import JSONRows, cell_columns, json_rows
from ._urls import name_in, parsed
from .columns import EventTable
from .protocol import SinkBatch, SinkError, SinkUnavailableError, Source

__all__ = ["KafkaSink"]

logger: logging.Logger = logging.getLogger(__name__)

POSITIONS = "event_streamer_positions"
"""The compacted topic that holds each topic's position, under the topic's name."""

TIMEOUT = 20.0
"""Seconds that the cluster may take for an answer."""
PAUSE = 0.2
"""Seconds between two questions for what a cluster doesn't know yet."""

REORG = [("type", b"reorg")]
"""The header of a notice, which tells it from events."""


EARLY_EVENTS = 1_000
"""With fewer events at a time it isn't worth a transaction's beginning."""

TRANSACTION_TIMEOUT = 60.0
"""Seconds after which the cluster aborts a transaction, unless `transaction.timeout.ms` says otherwise."""

CLOSE_TIMEOUT = 2.0
"""Seconds that aborting may take at the end: the cluster does it later by itself."""


@frozen
class Messages:
    """
    Some messages; its `len` is their number.

    Values are written when they are sent, and forgotten: what is sent anew is written anew.
    """

    keys: Sequence[str]
    values: JSONRows

    def __len__(self) -> int:
        return len(self.values)


class KafkaSink:
    """
    Sends events to a topic of Kafka.

    A message is a JSON object with all columns. The messages of a write and the position, in the compacted
    topic `event_streamer_positions`, go into one transaction of an idempotent producer: consumers with
    `isolation.level=read_committed` see each event once. Messages of replaced blocks stay; a message with the
    header `type: reorg` in every partition says that they are void. Events have no headers: these cost as
    much as sending does.

    The transactional id is that of the topic, so a second process that writes into it takes over: the first
    one ends with an error.

    Args:
        url: `kafka://host:9092,host2:9092/transfers`; a user and a password are SASL's. `?key=` as below, and
            further options are the producer's own, as `security.protocol=SASL_SSL`.
        topic: The topic; as in the URL, else the event's name in lower case.
        key: The column that messages are keyed by: those of one value stay in order, in one partition.
        columns: The parameters that are wanted; all where not given.
        where: A condition for rows, such as `value > 10**24`.
        write_rows: Events in a transaction, at most about so many.
        patience: Seconds that the cluster may be away before the stream ends.

    Raises:
        EventStreamerValidationError: The URL can't be used.
        MissingExtraError: confluent-kafka isn't installed.

    Example:
        >>> streaming_client.run(into=KafkaSink("kafka://localhost:9092/transfers?key=from"))
    """

    def __init__(
        self,
        url: str,
        *,
        topic: str | None = None,
        key: str | None = None,
        columns: Iterable[str] | None = None,
        where: str | None = None,
        write_rows: int = 50_000,
        patience: float = 60.0,
    ) -> None:
        self._kafka = needs("confluent_kafka")
        left, options = parsed(url, "key")
        parts = urlsplit(left)
        hosts = parts.netloc.rpartition("@")[2]
        if not hosts:
            raise EventStreamerValidationError("the URL of Kafka names no host: kafka://host:9092/topic")
        self._topic = topic or parts.path.strip("/")
        self._key = key or options.get("key") or "address"
        self._conf: dict[str, Any] = {"bootstrap.servers": hosts, **dict(parse_qsl(parts.query))}
        if parts.username:
            self._conf |= {
                "sasl.username": unquote(parts.username),
                "sasl.password": unquote(parts.password or ""),
            }
        self._columns = None if columns is None else tuple(columns)
        self._where = where
        self.write_rows = write_rows
        self.patience = patience
        self._producer: Any = None
        self._source: Source | None = None
        self._table: EventTable | None = None
        self._position: str | None = None
        self._since = 0.0
        """When the transaction that is open began (Unix time)."""
        self._early: list[Messages] | None = None
        """What was sent before it was due, in a transaction that is open."""

    @property
    def _name(self) -> str:
        return f"topic {self._topic} of Kafka"

    # --- the sink ------------------------------------------------------------------------------

    def open(self, source: Source) -> str | None:
        """
        Take the topic over from whoever wrote into it, and read the position.

        Args:
            source: The subscription.

        Returns:
            The token of the position.

        Raises:
            SinkUnavailableError: The cluster can't be reached.
            SinkError: It refuses, or the topic belongs to another subscription.
        """
        self._source = source = source.narrowed(columns=self._columns, where=self._where)
        self._topic = self._topic or name_in(source.event)
        self._table = EventTable(source.event, source.chain_id, only=self._columns, where=self._where)
        if self._key not in self._table.names:
            raise SinkError(f"there is no column {self._key} to key by: {', '.join(self._table.names)}")
        self._make_topics()
        self._begin()
        self._position = self._read()
        return source.token_in(self._position, self._name)

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> Any:
        """
        Make messages of events.

        Args:
            events: Event objects.

        Returns:
            Their keys and values.
        """
        table = self._table
        assert table is not None, "open comes first"
        columns = table.take(events, wide_text=True)
        number = table.names.index(self._key)
        keys, kind = columns[number], table.columns[number].type.kind
        if kind not in ("hex", "text"):
            keys = list(map(str, keys if kind == "integer" else cell_columns(table, columns)[number]))
        messages = Messages(keys, json_rows(table, columns))
        if len(events) >= EARLY_EVENTS and self._producer is not None:
            self._send_early(messages)
        return messages

    def write(self, batch: SinkBatch) -> None:
        """
        Send messages and the position in one transaction.

        Args:
            batch: The events.

        Raises:
            SinkUnavailableError: The cluster is away or full.
            SinkError: It refuses, or another process has taken over.
        """
        due = batch.prepared
        if self._early is not None and begins(self._early, due):
            due = due[len(self._early) :]
        else:
            self._give_up_early()

        def send() -> None:
            for messages in due:
                self._send_all(messages)

        self._move(self._opened().position(batch.resume_token), send)

    def undo(self, reorg: StreamingReorg) -> None:
        """
        Send a notice that blocks are replaced to every partition, and the position, in one transaction.

        Args:
            reorg: The replaced blocks.

        Raises:
            SinkUnavailableError: The cluster is away or full.
            SinkError: It refuses, or another process has taken over.
        """
        self._give_up_early()
        notice = {
            "chain_id": self._opened().chain_id,
            "common_ancestor": reorg.common_ancestor,
            "removed_blocks": [block.to_dict() for block in reorg.removed_blocks],
        }
        value = json.dumps(notice).encode()

        def send() -> None:
            for partition in self._partitions():
                self._send(self._topic, value, partition=partition, headers=REORG)

        self._move(self._opened().position(reorg.resume_token), send)

    def finish(self) -> None:
        """
        Note that the subscription has no further events.

        Raises:
            SinkUnavailableError: The cluster is away.
        """
        self._give_up_early()
        source = self._opened()
        token = source.token_in(self._position, self._name)
        self._move(source.position(token, finished=True), lambda: None)

    def close(self) -> None:
        """Let go of the connections, and abort what is not due; if we can't, the cluster does so later."""
        self._give_up_early(CLOSE_TIMEOUT)
        self._producer = None

    # --- messages that are sent before they are due ------------------------------------------------

    def _send_early(self, messages: Messages) -> None:
        """Send messages while more are made: the library's threads work on them, and nobody sees them yet."""
        try:
            if self._early is None:
                self._begin_transaction()
                self._early = []
            self._send_all(messages)
            self._early.append(messages)
            self._producer.poll(0)  # lets go of what the cluster has
        except SinkUnavailableError:
            self._let_go()  # write() sends all, and says what is wrong
        except BaseException:
            self._let_go()
            raise

    def _give_up_early(self, timeout: float = TIMEOUT) -> None:
        """Abort what was sent, where something else comes before it: it is sent again when it is due."""
        if self._early is None:
            return
        self._early = None
        try:
            self._producer.abort_transaction(timeout)
        except self._kafka.KafkaException:
            self._let_go()  # the next producer has the cluster do it

    def _let_go(self) -> None:
        self._producer = self._early = None

    # --- transactions --------------------------------------------------------------------------

    def _opened(self) -> Source:
        assert self._source is not None, "open comes first"
        return self._source

    def _begin(self) -> None:
        """Make a producer. What another one of this topic has left open is aborted."""
        conf = {
            "transactional.id": f"event-streamer-{self._topic}",
            "linger.ms": 5,
            "compression.type": "lz4",
            "message.max.bytes": 8_000_000,
            **self._conf,
        }
        try:
            producer = self._kafka.Producer(conf, logger=logger)
        except (self._kafka.KafkaException, ValueError, TypeError) as problem:
            raise SinkError(f"Kafka's producer can't be made: {_reason(problem)}") from problem
        self._call(producer.init_transactions, TIMEOUT)
        self._producer = producer

    def _move(self, position: str, send: Callable[[], None]) -> None:
        is_open, self._early = self._early is not None, None
        if self._producer is None:
            self._begin()
            # The transaction before may have been committed, with only the answer lost.
            found = self._read()
            if found == position:
                self._position = position
                return
            if found != self._position:
                raise SinkError(f"another process writes into {self._name}: end it, or name another topic")
        try:
            if not is_open:
                self._begin_transaction()
            self._call(send)
            self._call(self._send, POSITIONS, position.encode(), self._topic)
            # It waits for all messages, and fails where one could not be delivered.
            self._call(self._producer.commit_transaction, TIMEOUT)
        except BaseException:
            # The next one begins anew: what is under way is aborted by the cluster then.
            self._let_go()
            raise
        self._position = position

    def _begin_transaction(self) -> None:
        self._call(self._producer.begin_transaction)
        self._since = time.time()

    def _has_expired(self) -> bool:
        """Whether the cluster may have aborted the transaction, and takes no more from this producer."""
        timeout = self._conf.get("transaction.timeout.ms")
        return time.time() - self._since >= (float(timeout) / 1_000 if timeout else TRANSACTION_TIMEOUT)

    def _send_all(self, messages: Messages) -> None:
        produce, topic = self._producer.produce, self._topic
        for key, value in zip(messages.keys, messages.values, strict=True):
            try:
                produce(topic, value, key)
            except BufferError:
                self._send_patiently(topic, value, key, {})

    def _send(self, topic: str, value: str | bytes, key: str | None = None, **about: Any) -> None:
        try:
            self._producer.produce(topic, value, key, **about)
        except BufferError:
            self._send_patiently(topic, value, key, about)

    def _send_patiently(self, topic: str, value: str | bytes, key: str | None, about: dict[str, Any]) -> None:
        """Send when the producer has room again."""
        until = time.monotonic() + TIMEOUT
        while time.monotonic() < until:
            self._producer.poll(0.1)
            with suppress(BufferError):
                self._producer.produce(topic, value, key, **about)
                return
        raise SinkUnavailableError(f"{self._name} has accepted no messages for {TIMEOUT:g} s")

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except self._kafka.KafkaException as problem:
            error = problem.args[0]
            is_fenced = error.code() in (
                self._kafka.KafkaError._FENCED,
                self._kafka.KafkaError.PRODUCER_FENCED,
            )
            if is_fenced or error.fatal():
                if self._has_expired():
                    # Where another one has written since, its position says so when this one begins anew.
                    raise SinkUnavailableError(
                        f"{self._name}: a transaction was open for too long, and the cluster has aborted it"
                    ) from problem
                if is_fenced:
                    raise SinkError(f"another process writes into {self._name} now") from problem
            if error.retriable() or error.txn_requires_abort() or error.code() in self._away():
                raise SinkUnavailableError(f"{self._name} can't be written: {error.str()}") from problem
            raise SinkError(f"{self._name} can't be written: {error.str()}") from problem

    def _away(self) -> tuple[int, ...]:
        codes = self._kafka.KafkaError
        return codes._TIMED_OUT, codes._TRANSPORT, codes._ALL_BROKERS_DOWN, codes._RESOLVE, codes._STATE

    # --- topics --------------------------------------------------------------------------------

    def _make_topics(self) -> None:
        """Make the topics where they aren't there; a cluster that doesn't let us must have them."""
        admin_module = needs("confluent_kafka.admin")
        try:
            admin = admin_module.AdminClient(self._conf, logger=logger)
        except (self._kafka.KafkaException, ValueError, TypeError) as problem:
            raise SinkError(f"Kafka's client can't be made: {_reason(problem)}") from problem
        try:
            there = admin.list_topics(timeout=TIMEOUT).topics
        except self._kafka.KafkaException as problem:
            raise SinkUnavailableError(f"Kafka can't be reached: {_reason(problem)}") from problem
        wanted = [
            admin_module.NewTopic(self._topic, num_partitions=-1, replication_factor=-1),
            admin_module.NewTopic(
                POSITIONS, num_partitions=1, replication_factor=-1, config={"cleanup.policy": "compact"}
            ),
        ]
        missing = [topic for topic in wanted if topic.topic not in there]
        if not missing:
            return
        for topic, made in admin.create_topics(missing, request_timeout=TIMEOUT).items():
            try:
                made.result()
            except self._kafka.KafkaException as problem:
                if problem.args[0].code() != self._kafka.KafkaError.TOPIC_ALREADY_EXISTS:
                    logger.warning("topic %s can't be made: %s", topic, _reason(problem))

    def _partitions(self) -> list[int]:
        found = self._call(lambda: self._producer.list_topics(self._topic, timeout=TIMEOUT))
        return sorted(found.topics[self._topic].partitions)

    def _partitions_of_positions(self, consumer: Any) -> set[int]:
        """Name the partitions of the topic of positions; none where there is no such topic."""
        until = time.monotonic() + TIMEOUT
        while time.monotonic() < until:
            found = self._call(lambda: consumer.list_topics(POSITIONS, timeout=TIMEOUT)).topics[POSITIONS]
            is_unknown = found.error is not None and found.error.code() in self._unknown()
            if found.partitions or is_unknown:
                return set(found.partitions)
            # The cluster doesn't know them yet, as when a broker has just come back: a position may be there.
            time.sleep(PAUSE)
        raise SinkUnavailableError(
            f"the position of {self._name} can't be read: the cluster names no partition of {POSITIONS}"
        )

    def _unknown(self) -> tuple[int, ...]:
        errors = self._kafka.KafkaError
        return errors.UNKNOWN_TOPIC_OR_PART, errors._UNKNOWN_PARTITION, errors._UNKNOWN_TOPIC

    def _read(self) -> str | None:
        """Read the topic of positions to its end, and find ours."""
        consumer = self._kafka.Consumer(
            {
                **self._conf,
                "group.id": f"event-streamer-{self._topic}",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            },
            logger=logger,
        )
        try:
            waiting = self._partitions_of_positions(consumer)
            consumer.assign([self._kafka.TopicPartition(POSITIONS, number, 0) for number in waiting])
            position, until = None, time.monotonic() + TIMEOUT
            while waiting:
                if time.monotonic() > until:
                    raise SinkUnavailableError(f"the position of {self._name} can't be read: no answer")
                message = consumer.poll(0.5)
                if message is None:
                    continue
                error = message.error()
                if error is None:
                    position = message.value() if message.key() == self._topic.encode() else position
                elif error.code() == self._kafka.KafkaError._PARTITION_EOF:
                    waiting.discard(message.partition())
                elif error.code() in self._unknown():
                    break
                elif not error.retriable() and error.code() not in self._away():
                    raise SinkError(f"the position of {self._name} can't be read: {error.str()}")
            return None if position is None else position.decode()
        finally:
            consumer.close()


def _reason(problem: BaseException) -> str:
    error = problem.args[0] if problem.args else problem
    return str(error.str()) if hasattr(error, "str") else str(error)
