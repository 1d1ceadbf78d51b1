"""
Traces and metrics of streams with OpenTelemetry (extra `[otel]`).

    >>> from event_streamer_sdk import otel
    >>> otel.instrument(client)

From then on each stream that the client starts tells what it does, by the semantic conventions for messaging:

    receive   a batch, from the moment its line was read to its first handler
    process   its handlers; the span is the current one while they run, so spans of yours lie in it
    commit    storing the position, where there is a checkpoint store
    ack       acknowledging batches, linked with their processing
    connect   opening the stream

Like the instrumentations of OpenTelemetry's own project it is switched on for a client, and takes the global
providers unless it is given others. A run that finds no provider configured when it starts is not looked at,
and costs nothing.

Only `opentelemetry-api` is needed. The SDK and its exporters are your program's choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from .._base import BaseClient

__all__ = ["instrument", "uninstrument"]


def instrument(
    client: BaseClient,
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
) -> None:
    """
    Tell OpenTelemetry of all streams that a client starts from now on.

    The client's requests carry the context of the moment (`traceparent`, or what the global propagator
    writes), so that the service's spans belong to the same traces. Called again it changes the providers.

    Args:
        client: An `EventStreamer` or a `SyncEventStreamer`.
        tracer_provider: Where spans go; by default the global one.
        meter_provider: Where metrics go; by default the global one.

    Raises:
        MissingExtraError: opentelemetry-api isn't installed.

    Example:
        >>> client = EventStreamer("http://localhost:8000", "my-app")
        >>> instrument(client, tracer_provider=provider)
    """
    from ._observer import Telemetry

    uninstrument(client)
    client._observers.append(Telemetry(client, tracer_provider, meter_provider))


def uninstrument(client: BaseClient) -> None:
    """
    Tell OpenTelemetry of no further streams; those that run go on to be told of.

    Args:
        client: The client.

    Example:
        >>> uninstrument(client)
    """
    client._observers[:] = [each for each in client._observers if not _is_ours(each)]


def _is_ours(observer: Any) -> bool:
    return type(observer).__module__ == f"{__name__}._observer"
