"""
Figures of streams for Prometheus (extra `[metrics]`).

    >>> from prometheus_client import REGISTRY
    >>> from event_streamer_sdk.metrics import StreamCollector
    >>> REGISTRY.register(StreamCollector(client))

Names are the service's own with `client` in them: `event_streamer_client_blocks_behind` of a program and
`event_streamer_blocks_behind` of the service tell the same lag from both ends. What is counted is counted
since the client was made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ._extras import needs
from ._handler_timer import HandlerTimer

if TYPE_CHECKING:
    from ._base import BaseClient

__all__ = ["StreamCollector"]

PREFIX = "event_streamer_client_"

COUNTS = {
    "events": "Events in batches that were handled.",
    "batches": "Batches that were handled.",
    "acknowledged_batches": "Batches whose acknowledgement the service took.",
    "acknowledgement_failures": "Batches whose acknowledgement was given up.",
    "handler_errors": "Calls of handlers that failed.",
    "skipped": "Batches and lines that were passed over.",
    "dead_letters": "Batches and lines that were written down as not handled.",
    "duplicates": "Events that de-duplication held back.",
}
GAUGES = {
    "running": "1 while handlers may be called.",
    "connected": "1 while a connection to the service is open.",
    "last_processed_block": "Last block that is handled.",
    "head_block": "Newest block of the chain, as the service told it.",
    "blocks_behind": "Blocks between the last one that is handled and the head.",
    "lag_seconds": "Age of the newest event that was handled.",
    "queued_batches": "Lines that are read and not handled yet.",
    "queued_bytes": "Size of the lines that are read and not handled yet.",
    "pending_acknowledgements": "Batches that are handled and not acknowledged yet.",
    "silent_seconds": "Seconds since the last sign of life of the service.",
}


class StreamCollector:
    """
    Gives the figures of all streams of a client to Prometheus, each with its `subscription_id`.

    Register it with a registry of yours before the streams start: handlers are timed from the next start on.

    Args:
        client: An `EventStreamer` or a `SyncEventStreamer`.

    Raises:
        MissingExtraError: prometheus-client isn't installed.

    Example:
        >>> REGISTRY.register(StreamCollector(client))
        >>> prometheus_client.start_http_server(9464)
    """

    def __init__(self, client: BaseClient) -> None:
        self._families = needs("prometheus_client.core")
        self._client = client
        self._timer = HandlerTimer()
        client._observers.append(self._timer)

    def describe(self) -> Sequence[Any]:
        """Name no figures ahead: there are none of a client without streams."""
        return ()

    def collect(self) -> Iterator[Any]:
        """
        Make the figures of the moment.

        Yields:
            Metrics of `prometheus_client`.
        """
        core = self._families
        counts: dict[tuple[str, int], float] = {}
        gauges: dict[tuple[str, int], float] = {}
        reconnects: Counter[tuple[int, str]] = Counter()
        # Where a subscription has had several clients, they are one to who looks: what runs comes last.
        for stream in sorted(self._client._streams, key=lambda each: bool(each.is_running)):
            number = stream.subscription_id
            for name, value in _counts(stream.stats).items():
                counts[name, number] = counts.get((name, number), 0) + value
            for name, figure in _gauges(stream).items():
                if figure is not None:
                    gauges[name, number] = float(figure)
            for reason, value in stream.stats.reconnects.items():
                reconnects[number, reason] += value
        for name, text in COUNTS.items():
            yield _family(core.CounterMetricFamily, name, text, counts)
        for name, text in GAUGES.items():
            yield _family(core.GaugeMetricFamily, name, text, gauges)
        lost = core.CounterMetricFamily(
            f"{PREFIX}reconnects",
            "Connections after the first one, by the reason of the loss.",
            labels=["subscription_id", "reason"],
        )
        for (number, reason), value in sorted(reconnects.items()):
            lost.add_metric([str(number), reason], value)
        yield lost
        took = core.SummaryMetricFamily(
            f"{PREFIX}handler_seconds", "Time that calls of handlers took.", labels=["subscription_id"]
        )
        for number, (calls, seconds) in sorted(self._timer.took.items()):
            took.add_metric([str(number)], count_value=calls, sum_value=seconds)
        yield took


def _counts(stats: Any) -> dict[str, int]:
    return {
        "events": stats.events,
        "batches": stats.batches,
        "acknowledged_batches": stats.acks,
        "acknowledgement_failures": stats.ack_failures,
        "handler_errors": stats.handler_errors,
        "skipped": stats.skipped,
        "dead_letters": stats.dead_letters,
        "duplicates": stats.duplicates,
    }


def _gauges(stream: Any) -> dict[str, float | None]:
    stats = stream.stats
    return {
        "running": bool(stream.is_running),
        "connected": bool(stream.is_connected),
        "last_processed_block": stats.last_processed_block,
        "head_block": stats.head_block,
        "blocks_behind": stats.lag_blocks,
        "lag_seconds": stats.lag_seconds,
        "queued_batches": stats.queued_batches,
        "queued_bytes": stats.queued_bytes,
        "pending_acknowledgements": stats.pending_acks,
        "silent_seconds": stats.seconds_since_last_byte,
    }


def _family(kind: Any, name: str, text: str, values: dict[tuple[str, int], float]) -> Any:
    family = kind(PREFIX + name, text, labels=["subscription_id"])
    for (which, number), value in sorted(values.items()):
        if which == name:
            family.add_metric([str(number)], value)
    return family
