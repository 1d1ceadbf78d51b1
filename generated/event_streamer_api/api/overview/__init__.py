"""The calls of one tag of openapi.yaml."""

from .get_activity import get_activity
from .get_overview import get_overview
from .read_abi_events import read_abi_events

__all__ = (
    "get_activity",
    "get_overview",
    "read_abi_events",
)
