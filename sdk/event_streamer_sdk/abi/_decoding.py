"""What compiled decoders call: when something is wrong, and for what is rare."""

import decimal
import struct
from collections.abc import Callable
from typing import Any, NoReturn

import attrs

from ._errors import LogDecodeError
from ._limits import Limits

__all__ = ["Style", "helpers"]

_DECIMALS = decimal.Context(prec=160, Emax=999, Emin=-999)
"""Exact for every fixedMxN: at most 78 digits, of which at most 80 are shifted behind the point."""


@attrs.frozen
class Style:
    """
    What a compiled function returns and how strict it is.

    Attributes:
        wire: Values as on the stream: numbers as decimal text, bytes as hex, tuples as dicts.
        strict: Refuse dirty padding and broken UTF-8, rather than flag it.
        checksum: Addresses with the checksum of EIP-55.
        hex_bytes: Bytes as 0x-hex.
        limits: The limits on the work of decoding.
    """

    wire: bool
    strict: bool
    checksum: bool
    hex_bytes: bool
    limits: Limits


def helpers(style: Style, topics_size: int) -> dict[str, Callable[..., Any]]:
    """
    Make the functions that the source of a decoder calls.

    Returns:
        The functions by the names that the source has for them.
    """

    def fail(message: str, position: int, path: str) -> NoReturn:
        if position < topics_size:
            raise LogDecodeError(f"{message}, in topics", path)
        raise LogDecodeError(message, path, position - topics_size)

    def short(w: bytes, position: int, size: int, path: str) -> NoReturn:
        have = len(w) - topics_size
        start = max(position - topics_size, 0)
        size -= start + topics_size - position
        shown = f"{size} bytes" if size < 2**64 else "more bytes than any log has"
        if start > have:
            raise LogDecodeError(f"a pointer leads beyond the {have} bytes of data", path, have)
        raise LogDecodeError(f"{shown} were to be read, and the data has {have} in all", path, start)

    def overworked(position: int, path: str) -> NoReturn:
        fail(
            "the data points at itself too often: decoding it would cost more than its size allows",
            position,
            path,
        )

    def left_over(size: int, position: int) -> NoReturn:
        fail(f"{size} bytes of data are left, so this is a log of something else", position, "")

    def dirty(position: int, path: str, state: list[Any]) -> None:
        if style.strict:
            fail("the padding is not clean", position, path)
        state[2].add(path.partition(".")[0].partition("[")[0])

    def padded(w: bytes, position: int, size: int, path: str, state: list[Any]) -> int:
        whole = (size + 31) & -32
        if position + size <= len(w) < position + whole:
            dirty(position + size, path, state)
            return len(w) - position
        return whole

    def not_text(raw: bytes, position: int, error: UnicodeDecodeError, path: str, state: list[Any]) -> str:
        if style.strict:
            fail("the text is not UTF-8", position + error.start, path)
        dirty(position, path, state)
        return raw.decode(errors="replace")

    def to_decimal(value: int, scale: int) -> Any:
        number = _DECIMALS.scaleb(decimal.Decimal(value), -scale)
        return f"{number:f}" if style.wire else number

    return {
        "short": short,
        "overworked": overworked,
        "dirty": dirty,
        "left_over": left_over,
        "padded": padded,
        "not_text": not_text,
        "decimal": to_decimal,
        "words": struct.Struct("32s").iter_unpack,
    }
