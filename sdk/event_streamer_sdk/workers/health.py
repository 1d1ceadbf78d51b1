"""Health and metrics of a worker over HTTP, for Kubernetes and Prometheus."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from .._extras import needs
from ..metrics import StreamCollector

if TYPE_CHECKING:
    from .worker import SyncWorker, Worker

SECONDS = 10.0
"""How long a request may take to arrive, seconds."""


class WorkerCollector:
    """
    Gives a worker's figures to Prometheus, and those of its streams as `metrics.StreamCollector` does.

    Args:
        worker: The worker.

    Example:
        >>> prometheus_client.REGISTRY.register(WorkerCollector(worker))
    """

    def __init__(self, worker: Worker | SyncWorker) -> None:
        self._worker = worker
        self._streams = StreamCollector(worker.client)

    def collect(self) -> Iterator[Any]:
        """Make the figures of the moment."""
        core = needs("prometheus_client.core")
        streams = self._worker.streams
        gauge = core.GaugeMetricFamily
        yield gauge(
            "event_streamer_worker_healthy",
            "1 while the worker's database answers within the time of a lease",
            value=int(self._worker.is_healthy),
        )
        states = gauge(
            "event_streamer_worker_subscriptions", "Subscriptions that this worker has", labels=["state"]
        )
        for state in sorted({stream["state"] for stream in streams.values()}):
            number = sum(1 for stream in streams.values() if stream["state"] == state)
            states.add_metric([state], number)
        yield states
        leases = gauge(
            "event_streamer_worker_lease_seconds",
            "Seconds until a lease runs out",
            labels=["subscription_id"],
        )
        for number, stream in streams.items():
            leases.add_metric([str(number)], stream["seconds_left"])
        yield leases
        yield from self._streams.collect()


@contextmanager
def health_endpoint(worker: Worker | SyncWorker, host: str, port: int) -> Iterator[int]:
    """
    Answer `GET /health` (200, or 503 where the worker is unwell) and `GET /metrics`, in a thread.

    `/health` asks nothing of the service: a worker whose service is away is well, and waits for it.

    Args:
        worker: The worker.
        host: The address to listen on.
        port: The port; 0 takes a free one.

    Yields:
        The port.

    Raises:
        MissingExtraError: prometheus-client isn't installed.
        OSError: The port is taken.

    Example:
        >>> with health_endpoint(worker, "0.0.0.0", 8080):
        ...     worker.run()
    """
    prometheus = needs("prometheus_client")
    registry = prometheus.CollectorRegistry()
    registry.register(WorkerCollector(worker))

    class Answer(BaseHTTPRequestHandler):
        """One request."""

        timeout = SECONDS

        def do_GET(self) -> None:
            """Answer."""
            if self.path == "/metrics":
                self._answer(200, prometheus.CONTENT_TYPE_LATEST, prometheus.generate_latest(registry))
            elif self.path == "/health":
                well = worker.is_healthy
                said = {
                    "status": "ok" if well else "unwell",
                    "worker": worker.name,
                    "streams": worker.streams,
                }
                self._answer(200 if well else 503, "application/json", json.dumps(said).encode())
            else:
                self._answer(404, "text/plain", b"there are /health and /metrics\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Write no line for each request."""

    server = ThreadingHTTPServer((host, port), Answer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="worker-health", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
