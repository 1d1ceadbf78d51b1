"""How the faults that tests ask for look on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from event_streamer_service.delivery.writer import Writer
from event_streamer_service.testing.faults import Fault

_DRIBBLES_A_SECOND = 10
_SLOW_SECONDS = 2.0
"""How long a slow line takes where no speed is given: noticed by a test, and not waited for by its author."""


class Damage:
    """
    What happens to a batch.

    Args:
        faults: The faults that strike it.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults

    @property
    def kinds(self) -> list[str]:
        """The faults, by name."""
        return [fault.kind for fault in self._faults]

    async def write(self, writer: Writer, line: bytes) -> bool:
        """
        Write a batch's line as its faults have it.

        Returns:
            Whether the stream is over.
        """
        for fault in self._faults:
            match fault.kind:
                case "drop":
                    writer.close()
                    return True
                case "end":
                    await writer.finish()
                    return True
                case "reset":
                    await writer.write(line[: len(line) // 2])
                    # Give the half line a moment to leave: RST drops what is still in our buffer.
                    await asyncio.sleep(0.05)
                    writer.reset()
                    return True
                case "truncate":
                    line = line[: len(line) // 2] + b"\n"
                case "corrupt":
                    middle = len(line) // 2
                    line = line[:middle] + b"\xff\xfe" + line[middle + 2 :]
                case "duplicate":
                    line += line
                case "slow":
                    await _dribble(writer, line, fault.bytes_per_second)
                    line = b""
        if line:
            await writer.write(line)
        return False


async def _dribble(writer: Writer, data: bytes, bytes_per_second: float | None) -> None:
    if bytes_per_second is None:
        bytes_per_second = max(1.0, len(data) / _SLOW_SECONDS)
    step = max(1, int(bytes_per_second / _DRIBBLES_A_SECOND))
    for start in range(0, len(data), step):
        await writer.write(data[start : start + step])
        await asyncio.sleep(step / bytes_per_second)
