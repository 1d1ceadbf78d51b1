"""
Traces of the service, where a program has set up OpenTelemetry: by `opentelemetry-instrument`, or in code.

    <METHOD> <route>   a request; of a stream until it is open
    eth_getLogs        a read of a chain: a range of blocks, or single ones by their hashes
    send               the delivery of a batch, from its encoding until its reader has taken it

A delivery begins a trace of its own, as the conventions for messaging want it: a stream lasts for weeks. It
is linked with the request that opened the stream. A client that sent a `traceparent` with that request gets
the delivery's own in each batch, and links its spans with it.

OpenTelemetry is imported by nobody but `spans.py`, and that only where a tracer provider is at hand.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from event_streamer_service.spans import Tracing


def tracing_by(provider: TracerProvider | None) -> Tracing | None:
    """
    Return what makes the service's spans.

    Args:
        provider: Where they go; `None` for the global provider.

    Returns:
        It; `None` where there is no provider. Then nothing is imported, and nothing spent.
    """
    # Whoever has set a global provider has imported this: then it costs nothing to ask.
    if provider is None and "opentelemetry.trace" not in sys.modules:
        return None
    from event_streamer_service.spans import Tracing, configured

    found = configured(provider)
    return None if found is None else Tracing(found)
