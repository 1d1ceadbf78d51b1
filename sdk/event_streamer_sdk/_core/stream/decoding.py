"""
Whole lines → JSON values, a block at a time.

Decoding is most of what a client costs, so it is done by `msgspec` where that is installed (extra `fast`).
`orjson` was measured too: it is slower here, and turns integers above 64 bits into floats. Decoding many
lines in one call saves less than it costs to make sure that each held one value. What the fast way can't read
is read again by Python's own decoder, which says what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NoReturn

from event_streamer_sdk.exceptions import StreamLineError

from .lines import Block

Decoded = dict[str, Any] | list[Any] | str | int | float | bool | StreamLineError | None
"""A decoded line: any JSON value, or why it could not be decoded."""

TOGETHER = 64 * 1024
"""
Bytes of short lines that are decoded before they are handled: more than some 100 batches at once fall out of
the processor's cache before they are handled, which costs 1 µs for each batch.
"""

LONG_LINE = 4096
"""
Bytes from which on a line is handled before the next one is decoded.

The events of many such lines (a MB and more) would be alive at once: Python would take their memory from the
system and give it back again and again, which costs 10 % with 100 events a batch.
"""


def decode_block(block: Block) -> Iterator[list[Decoded]]:
    """
    Decode whole lines, as they are asked for.

    Yields:
        Decoded values, one for each line, blank lines left out; a `StreamLineError` stands in the place of a
        line that is not JSON. Short lines come many together, long ones one by one.
    """
    data, start = block.data, block.start
    view = memoryview(data)
    together = start + TOGETHER
    # Nothing here holds a value but the list, which whoever handles it empties before the next one: then
    # Python puts the next one where this one was, and the processor has that place at hand.
    values: list[Decoded] = []
    for end in block.ends:
        try:
            values.append(_decode(view[start : end - 1]))
        except (ValueError, RecursionError):  # msgspec.DecodeError and UnicodeDecodeError are both the first
            line = data[start : end - 1]
            if line and not line.isspace():
                values.append(decode_line(line))
        if end >= together or end - start >= LONG_LINE:
            yield values
            values = []
            together = end + TOGETHER
        start = end
    if values:
        yield values


def decode_line(line: bytes) -> Decoded:
    """Decode one line, strictly: UTF-8, and JSON without NaN and infinities (RFC 8259)."""
    try:
        value: Decoded = _STRICT.decode(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return StreamLineError(f"a line is not UTF-8 (byte {error.start} of {len(line)})", line)
    except RecursionError:
        return StreamLineError(f"a line of {len(line)} bytes is nested too deeply", line)
    except ValueError as error:
        return StreamLineError(f"a line of {len(line)} bytes is not JSON ({error})", line)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant)


_begin_to_read = _STRICT.raw_decode


def _decode_stdlib(line: memoryview) -> Decoded:
    text = str(line, "utf-8")
    value: Decoded
    value, end = _begin_to_read(text)
    if end != len(text):  # blanks, or what may not stand there: seldom, so not looked for first
        value = _STRICT.decode(text)
    return value


_decode: Callable[[memoryview], Decoded] = _decode_stdlib
with suppress(ImportError):  # the plain install
    import msgspec

    _decode = msgspec.json.Decoder().decode
