"""What is measured of clients' streams, once for each provider."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.metrics import CallbackOptions, Histogram, MeterProvider, Observation

from .._core.version import __version__
from . import _names as names

SCOPE = "event_streamer_sdk"
"""The instrumentation scope: who the spans and metrics are by."""


class Tally:
    """
    A count that is added to for each batch, and read when metrics are collected.

    A counter of OpenTelemetry's would clean, hash and look up its attributes for each batch, which takes more
    than the client takes for the batch.
    """

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        self.attributes = attributes
        self.total = 0
        self._lock = threading.Lock()

    def add(self, number: int) -> None:
        """Add to it."""
        with self._lock:
            self.total += number


class Instruments:
    """
    What is measured for one provider, of all clients that tell it.

    Args:
        provider: Where it goes.

    Attributes:
        process: How long handlers take for a batch.
        operation: How long connecting, committing and acknowledging take.
        behind: Who knows how far streams are behind: a provider asks the first callback of a name only.
    """

    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter(SCOPE, __version__)
        self._tallies: dict[tuple[tuple[str, Any], ...], Tally] = {}
        self.behind: weakref.WeakSet[Any] = weakref.WeakSet()
        self.process: Histogram = meter.create_histogram(
            names.PROCESS_DURATION,
            "s",
            "Duration of processing operation.",
            explicit_bucket_boundaries_advisory=names.BUCKETS,
        )
        self.operation: Histogram = meter.create_histogram(
            names.OPERATION_DURATION,
            "s",
            "Duration of messaging operation initiated by a producer or consumer client.",
            explicit_bucket_boundaries_advisory=names.BUCKETS,
        )
        meter.create_observable_counter(
            names.CONSUMED_MESSAGES,
            [self._consumed],
            "{message}",
            "Number of messages that were delivered to the application.",
        )
        meter.create_observable_gauge(
            names.BLOCKS_BEHIND,
            [self._blocks_behind],
            "{block}",
            "Blocks between the newest handled one and the head of the chain.",
        )

    def consumed(self, attributes: Mapping[str, Any]) -> Tally:
        """Give the count of events that were delivered to handlers."""
        return self._tallies.setdefault(tuple(sorted(attributes.items())), Tally(attributes))

    def _consumed(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation(each.total, each.attributes) for each in tuple(self._tallies.values())]

    def _blocks_behind(self, _: CallbackOptions) -> Iterable[Observation]:
        return [found for each in tuple(self.behind) for found in each.blocks_behind()]


_made: weakref.WeakKeyDictionary[MeterProvider, Instruments] = weakref.WeakKeyDictionary()
_making = threading.Lock()


def instruments_of(provider: MeterProvider) -> Instruments:
    """Make a provider's instruments, once: of two with one name it would ask the first one only."""
    with _making:
        found = _made.get(provider)
        if found is None:
            found = _made[provider] = Instruments(provider)
        return found
