"""
Events of a range of blocks as a frame, and as a picture.

::

    frame = client.fetch(
        "Transfer(address indexed from, address indexed to, uint256 value)",
        chain_id=1, start_block=19_000_000, end_block=19_000_100,
    )
    frame.to_pandas()
    frame.plot("sum", of="value", decimals=18).save("transfers.png")

A frame is held in memory, as Arrow; it needs pyarrow, extra `[arrow]`, and `[pandas]`, `[polars]` or `[plot]`
for what these libraries do. What is too large for memory, or goes on with the chain, belongs into a sink
(`event_streamer_sdk.sinks`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .frame import EventFrame
from .progress import FetchProgress

if TYPE_CHECKING:
    from .fetching import FrameTooLargeError

__all__ = ["EventFrame", "FetchProgress", "FrameTooLargeError"]

_HOMES = {"FrameTooLargeError": ".fetching"}


def __getattr__(name: str) -> Any:
    """Import what reaches farther when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
