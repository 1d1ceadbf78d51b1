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

from ..exceptions import FrameTooLargeError
from .frame import EventFrame
from .progress import FetchProgress

__all__ = ["EventFrame", "FetchProgress", "FrameTooLargeError"]
