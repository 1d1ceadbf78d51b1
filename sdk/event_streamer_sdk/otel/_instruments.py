"""What is measured of a client's streams."""

from __future__ import annotations

from attrs import frozen
from opentelemetry.metrics import Counter, Histogram, Meter

from . import _names as names


@frozen
class Instruments:
    """
    What is measured.

    Attributes:
        consumed: Events that were delivered to handlers.
        process: How long handlers take for a batch.
        operation: How long connecting, committing and acknowledging take.
    """

    consumed: Counter
    process: Histogram
    operation: Histogram


def instruments(meter: Meter) -> Instruments:
    """
    Make the instruments.

    Args:
        meter: Whose they are.
    """
    return Instruments(
        consumed=meter.create_counter(
            names.CONSUMED_MESSAGES, "{message}", "Number of messages that were delivered to the application."
        ),
        process=meter.create_histogram(
            names.PROCESS_DURATION,
            "s",
            "Duration of processing operation.",
            explicit_bucket_boundaries_advisory=names.BUCKETS,
        ),
        operation=meter.create_histogram(
            names.OPERATION_DURATION,
            "s",
            "Duration of messaging operation initiated by a producer or consumer client.",
            explicit_bucket_boundaries_advisory=names.BUCKETS,
        ),
    )
