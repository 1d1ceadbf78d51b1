"""Libraries that only some sinks need: imported when used, and named in one sentence when missing."""

from __future__ import annotations

import importlib
from typing import Any

from ._core.words import install_hint
from .exceptions import MissingExtraError

__all__ = ["EXTRAS", "MissingExtraError", "needs"]

EXTRAS = {
    "confluent_kafka": ("confluent-kafka", "kafka"),
    "fsspec": ("fsspec", "files"),
    "matplotlib": ("matplotlib", "plot"),
    "nats": ("nats-py", "nats"),
    "opentelemetry": ("opentelemetry-api", "otel"),
    "pandas": ("pandas", "pandas"),
    "polars": ("polars", "polars"),
    "prometheus_client": ("prometheus-client", "metrics"),
    "psycopg": ("psycopg", "sql"),
    "pyarrow": ("pyarrow", "arrow"),
    "redis": ("redis", "redis"),
    "sqlalchemy": ("SQLAlchemy", "sql"),
}
"""Module → the distribution that holds it, and the extra that brings it."""


def needs(module: str) -> Any:
    """
    Import a library that an extra brings.

    Raises:
        MissingExtraError: It isn't installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        distribution, extra = EXTRAS[module.partition(".")[0]]
        raise MissingExtraError(
            f"{distribution} is needed for this ({missing}): {install_hint(extra)}"
        ) from missing
