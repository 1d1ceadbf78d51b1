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
    "events": ("events", "Events in batches that were handled."),
    "batches": ("batches", "Batches that were handled."),
    "acknowledged_batches": ("acks", "Batches whose acknowledgement the service took."),
    "acknowledgement_failures": ("ack_failures", "Batches whose acknowledgement was given up."),
    "handler_errors": ("handler_errors", "Calls of handlers that failed."),
    "skipped": ("skipped", "Batches and lines that were passed over."),
    "dead_letters": ("dead_letters", "Batches and lines that were written down as not handled."),
    "duplicates": ("duplicates", "Events that de-duplication held back."),
}
"""Name of a counter → the figure of `Stats`, and what it says."""
STATES = {
    "running": ("is_running", "1 while handlers may be called."),
    "connected": ("is_connected", "1 while a connection to the service is open."),
}
"""Name of a gauge → the property of a streaming client, and what it says."""
GAUGES = {
    "last_processed_block": ("last_processed_block", "Last block that is handled."),
    "head_block": ("head_block", "Newest block of the chain, as the service told it."),
    "blocks_behind": ("lag_blocks", "Blocks between the last one that is handled and the head."),
    "lag_seconds": ("lag_seconds", "Age of the newest event that was handled."),
    "queued_batches": ("queued_batches", "Lines that are read and not handled yet."),
    "queued_bytes": ("queued_bytes", "Size of the lines that are read and not handled yet."),
    "pending_acknowledgements": ("pending_acks", "Batches that are handled and not acknowledged yet."),
    "silent_seconds": ("seconds_since_last_byte", "Seconds since the last sign of life of the service."),
}
"""Name of a gauge → the figure of `Stats`, and what it says."""


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
            stats = stream.stats
            for name, (figure, _) in COUNTS.items():
                counts[name, number] = counts.get((name, number), 0) + getattr(stats, figure)
            for owner, table in ((stream, STATES), (stats, GAUGES)):
                for name, (figure, _) in table.items():
                    if (value := getattr(owner, figure)) is not None:
                        gauges[name, number] = float(value)
            for reason, times in stats.reconnects.items():
                reconnects[number, reason] += times
        for name, (_, text) in COUNTS.items():
            yield _family(core.CounterMetricFamily, name, text, counts)
        for name, (_, text) in [*STATES.items(), *GAUGES.items()]:
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


def _family(kind: Any, name: str, text: str, values: dict[tuple[str, int], float]) -> Any:
    family = kind(PREFIX + name, text, labels=["subscription_id"])
    for (which, number), value in sorted(values.items()):
        if which == name:
            family.add_metric([str(number)], value)
    return family
