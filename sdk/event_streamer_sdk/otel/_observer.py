"""What OpenTelemetry is told of a client: the tracer, the instruments, and which runs are looked at."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .._core.stream.observing import Run
from .._core.version import __version__
from .._extras import needs
from . import _names as names

needs("opentelemetry.trace")

from opentelemetry import metrics, propagate, trace  # noqa: E402 - where it is missing the line above says so
from opentelemetry.metrics import MeterProvider, NoOpMeterProvider, Observation  # noqa: E402
from opentelemetry.trace import NoOpTracerProvider, Tracer, TracerProvider  # noqa: E402

from ._instruments import SCOPE, instruments_of  # noqa: E402
from ._run import RunTelemetry  # noqa: E402

if TYPE_CHECKING:
    from .._base import BaseClient

NOTHING = NoOpMeterProvider()
"""Where nothing is measured."""


class Telemetry:
    """
    Looks at all runs of a client.

    Args:
        client: The client.
        tracer_provider: Where spans go; `None` for the global one.
        meter_provider: Where metrics go; `None` for the global one.
    """

    def __init__(
        self,
        client: BaseClient,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
    ) -> None:
        self._client = weakref.ref(client)
        self._tracer_provider = tracer_provider
        self._meter_provider = meter_provider
        address = urlsplit(client.service_url)
        self.attributes: dict[str, str | int] = {
            names.MESSAGING_SYSTEM: names.SYSTEM,
            **({} if client.subscriber_id is None else {names.CONSUMER_GROUP: client.subscriber_id}),
            names.SERVER_ADDRESS: address.hostname or "",
            names.SERVER_PORT: address.port or (443 if address.scheme == "https" else 80),
        }

    def run(self, lanes: Run) -> RunTelemetry | None:
        """
        Begin to look at a run.

        Returns:
            What looks at it; `None` where no provider is configured, so that nothing is spent.
        """
        tracer_provider = self._tracer_provider or trace.get_tracer_provider()
        meter_provider = self._meter_provider or metrics.get_meter_provider()
        # Before a program has set one, the global provider is a proxy for the one that may come.
        traces = not isinstance(tracer_provider, trace.ProxyTracerProvider | NoOpTracerProvider)
        counts = not type(meter_provider).__name__.startswith(("NoOp", "_Proxy"))
        if not traces and not counts:
            return None
        tracer: Tracer = tracer_provider.get_tracer(SCOPE, __version__)
        attributes = {
            **self.attributes,
            names.DESTINATION: names.destination(lanes.session.subscription_id),
        }
        # What a proxy makes becomes real with its provider, and would stand in the way of the next run's.
        instruments = instruments_of(meter_provider if counts else NOTHING)
        instruments.behind.add(self)
        return RunTelemetry(lanes, tracer, instruments, attributes)

    def headers(self) -> Mapping[str, str]:
        """Give the headers that carry the context of the moment."""
        headers: dict[str, str] = {}
        propagate.inject(headers)
        return headers

    def blocks_behind(self) -> Iterable[Observation]:
        """Tell how far the client's streams are behind the heads of their chains."""
        client = self._client()
        for stream in () if client is None else tuple(client._streams):
            behind = stream.stats.lag_blocks
            if behind is not None and stream.is_running:
                where = names.destination(stream.subscription_id)
                yield Observation(behind, {**self.attributes, names.DESTINATION: where})
