"""What Prometheus may ask: counters and gauges of one service, in a registry of its own."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterator

from attrs import frozen
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The text format's media type (https://prometheus.io/docs/instrumenting/exposition_formats/)."""


class _Refusals(Collector):
    """The server's own counts, read when somebody asks."""

    def __init__(self, refused: Counts[str]) -> None:
        self._refused = refused

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Return the counts as a metric."""
        family = CounterMetricFamily(
            "event_streamer_refused_connections",
            "Connections that were refused before a request was handed on, by reason.",
            labels=["reason"],
        )
        for reason, count in self._refused.items():
            family.add_metric([reason], count)
        yield family


@frozen(kw_only=True)
class Deliveries:
    """The counters of what is delivered of one chain: a stream looks them up once, and not for each batch."""

    batches: Counter
    events: Counter
    bytes: Counter
    undecodable: Counter


class Metrics:
    """The service's figures. One instance a service, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"event_streamer_{name}", text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"event_streamer_{name}", text, labels, registry=self.registry)

        self.requests = counter("requests", "Requests, by route and status.", "method", "route", "status")
        self.request_seconds = Histogram(
            "event_streamer_request_seconds",
            "Time to answer a request; streams are not in it.",
            ["method", "route"],
            registry=self.registry,
        )
        self.streams = gauge("streams", "Open streams.", "chain_id")
        self.streams_closed = counter("streams_closed", "Streams that ended, by reason.", "reason")
        self.batches = counter("batches", "Batches that were written.", "chain_id")
        self.events = counter("events", "Events that were written, repeated ones too.", "chain_id")
        self.bytes = counter("stream_bytes", "Bytes of streams that were written.", "chain_id")
        self.acknowledged = counter("acknowledged_batches", "Batches that were acknowledged.", "chain_id")
        self.reorgs = counter("reorg_messages", "Notices of reorgs that were written.", "chain_id")
        self.undecodable = counter(
            "undecodable_logs", "Logs with the right topic0 that are not the event asked for.", "chain_id"
        )
        self.progress_saves = counter("progress_saves", "Transactions that saved progress.")
        self.head_block = gauge("head_block", "Newest block that is known.", "chain_id")
        self.last_processed_block = gauge(
            "last_processed_block",
            "Last block whose every event was acknowledged, of subscriptions that are streamed.",
            "chain_id",
            "subscription_id",
        )
        self.blocks_behind = gauge(
            "blocks_behind",
            "Blocks between a streamed subscription's progress and the head, or its end block.",
            "chain_id",
            "subscription_id",
        )
        self.breaker_state = gauge(
            "circuit_breaker_state", "0 closed, 1 half open, 2 open.", "chain_id", "name"
        )
        self.replicas = gauge("replicas", "Processes that share the database, as this one sees it.")
        self.handed_over = counter(
            "handed_over", "Calls that were handed over to another replica, by outcome.", "outcome"
        )
        self.subscriptions = gauge("subscriptions", "Subscriptions in the database.")

    def of_chain(self, chain_id: int) -> Deliveries:
        """Return the counters of what is delivered of a chain."""
        return Deliveries(
            batches=self.batches.labels(chain_id),
            events=self.events.labels(chain_id),
            bytes=self.bytes.labels(chain_id),
            undecodable=self.undecodable.labels(chain_id),
        )

    def watch_refusals(self, refused: Counts[str]) -> None:
        """Show what connections are refused for, as the server counts it."""
        self.registry.register(_Refusals(refused))

    def render(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self.registry)
