"""`EventDecoder`: from a log's topics and data to named values."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from event_streamer_api.models import ABIEvent

from ._compiler import Decode, compile_decoder
from ._decoding import Style
from ._errors import ABIParsingError, LogDecodeError
from ._events import DELIVERED_METADATA, Event, hash_of_signature, resolve
from ._limits import DEFAULT_LIMITS, Limits
from ._spelling import spell
from ._text import JsonWriter, compile_writer
from ._typing import compile_converter
from ._values import DecodedEvent

__all__ = ["EventDecoder", "decode_event"]

_MOST_PLANS = 2048
_plans: dict[tuple[str, tuple[bool, ...], Style], Decode] = {}
"""Compiled decoders by the event's spelling, what is indexed, and the style; emptied when it is full.

What is indexed stands in the spelling too, but a parameter may also be called `indexed`.
"""


class EventDecoder:
    """
    Decodes the logs of one event.

    What decodes is compiled once per event and kept for the next decoder of the same one. topic0 and the
    number of topics are checked first. An indexed string, bytes, array or tuple comes as its hash, an
    `IndexedHash`, since a log holds no more of it. More data than the event needs is allowed and reported.

    The logs of an anonymous event bear no hash: only their form tells them from the contract's other logs. So
    `decode_json`, which has no place for a report, refuses a log whose form isn't exact: one with more data,
    or with dirty padding even if the decoder isn't strict. An event of the same form can't be told apart.

    Args:
        event: The event.
        strict: Refuse a value whose padding isn't clean, and text that isn't UTF-8. Otherwise the value is
            what its own bits say (for text, with U+FFFD for what can't be read), and the parameter is named
            in `DecodedEvent.dirty`.
        checksum: Write addresses with the checksum of EIP-55, instead of in lower case.
        hex_bytes: Give bytes as 0x-hex, instead of as bytes.
        limits: The limits on the event and on the work of decoding.

    Raises:
        ABIParsingError: The event is not a valid one.

    Example:
        >>> transfer = extract_abi_event("Transfer(address indexed, address indexed, uint value)", "Transfer")
        >>> EventDecoder(transfer).decode(log["topics"], log["data"])["value"]
        1000000
    """

    __slots__ = ("_checked", "_convert", "_decode", "_decode_wire", "_spelling", "_style", "event")

    def __init__(
        self,
        event: ABIEvent,
        *,
        strict: bool = True,
        checksum: bool = False,
        hex_bytes: bool = False,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.event: ABIEvent = event
        self._checked = resolve(event, limits)
        self._spelling = spell(self._checked)
        self._style = Style(wire=False, strict=strict, checksum=checksum, hex_bytes=hex_bytes, limits=limits)
        self._decode: Decode | None = None
        self._decode_wire: Decode | None = None
        self._convert: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None

    @property
    def signature(self) -> str:
        """The canonical signature of the event."""
        return self._checked.signature

    @property
    def topic0(self) -> str:
        """The hash of the signature, as 0x-hex."""
        return hash_of_signature(self._checked.signature)

    @property
    def topic_count(self) -> int:
        """How many topics a log of the event has."""
        return sum(item.indexed for item in self._checked.parameters) + (not self._checked.anonymous)

    @property
    def names(self) -> tuple[str, ...]:
        """The keys of what `decode` returns, in the order of the parameters."""
        return self._checked.names

    @property
    def wire_names(self) -> tuple[str, ...]:
        """The keys of what `decode_json` returns, in the order of the parameters."""
        return self._checked.wire_names

    def decode(self, topics: Sequence[str | bytes], data: str | bytes) -> DecodedEvent:
        """
        Decode a log into Python values.

        Args:
            topics: The log's topics, as bytes or 0x-hex.
            data: The log's data, as bytes or 0x-hex.

        Returns:
            A `DecodedEvent`: a dict of the values by name, which also has them by position (`args`), and
            says how much data was left (`trailing_bytes`) and what was dirty (`dirty`). Integers are int,
            fixed-point numbers Decimal, addresses 0x-hex, bytes bytes, tuples `StructValue`, arrays lists.

        Raises:
            LogDecodeError: The log isn't of this event, or its data doesn't fit; `offset` says where.
        """
        if self._decode is None:
            self._decode = _plan(self._checked, self._spelling, self._style)
        try:
            decoded: DecodedEvent = self._decode(topics, data)
        except RecursionError:
            raise LogDecodeError("the values are nested too deeply for this interpreter") from None
        return decoded

    def decode_json(self, topics: Sequence[str | bytes], data: str | bytes) -> dict[str, Any]:
        """
        Decode a log into what an event object of the stream holds.

        Args:
            topics: The log's topics, as bytes or 0x-hex.
            data: The log's data, as bytes or 0x-hex.

        Returns:
            The values by wire name: numbers as decimal text, bytes and addresses as 0x-hex in lower case (or
            checksummed, if the decoder is so), tuples as dicts, arrays as lists, bool and text as such.

        Raises:
            LogDecodeError: The log isn't of this event, or its data doesn't fit; `offset` says where.
        """
        if self._decode_wire is None:
            strict = self._style.strict or self._checked.anonymous
            style = attrs.evolve(self._style, wire=True, strict=strict)
            self._decode_wire = _plan(self._checked, self._spelling, style)
        try:
            decoded: dict[str, Any] = self._decode_wire(topics, data)
        except RecursionError:
            raise LogDecodeError("the values are nested too deeply for this interpreter") from None
        return decoded

    def json_writer(self) -> JsonWriter | None:
        """
        Return a function that writes the stream's event object of a log as JSON, in a third of the time.

        Returns:
            A function of a log, an object with its texts as a node gives them (see `PlacedLog`), and of its
            block's time. It returns JSON: the values as `decode_json` gives them, then what places the
            log. It returns `None` for a log that isn't of this event, or not of the usual form (upper case,
            dirty padding): what `decode_json` says of it counts.
            There is no such function where addresses are checksummed, or where the event has other values
            than numbers, addresses, bool, bytes of fixed size and hashes.

        Example:
            >>> EventDecoder(transfer).json_writer()(log, "2025-01-01T00:00:00+00:00")
            b'{"from":"0x…","to":"0x…","value":"1000000","block_number":17,…}'
        """
        return None if self._style.checksum else compile_writer(self._checked)

    def decode_event(self, event: Mapping[str, Any], *, metadata: bool = False) -> dict[str, Any]:
        """
        Give an event object of the stream its Python values.

        Args:
            event: The event object: the parameters as `decode_json` writes them, and the metadata beside
                them.
            metadata: Refuse an event object that lacks a metadata field.

        Returns:
            A new dict with the same keys. The parameters have the values that `decode` gives; the metadata is
            unchanged.

        Raises:
            LogDecodeError: A parameter is missing, or its value doesn't fit its type.
        """
        if metadata and not event.keys() >= DELIVERED_METADATA:
            missing = sorted(DELIVERED_METADATA - event.keys())
            raise LogDecodeError(f"the event object lacks {', '.join(missing)}")
        if self._convert is None:
            self._convert = compile_converter(
                self._checked, checksum=self._style.checksum, hex_bytes=self._style.hex_bytes
            )
        return self._convert(event)


def decode_event(event: Mapping[str, Any], abi_event: ABIEvent) -> dict[str, Any]:
    """
    Give an event object of the stream its Python values.

    For many events make an `EventDecoder` once and call its `decode_event`.

    Args:
        event: The event object, with decimal strings and hex, as a handler gets it.
        abi_event: The definition of the event.

    Returns:
        A new dict with the same keys (see `wire_names` for those of the parameters). Integers are int,
        fixed-point numbers Decimal, bytes bytes, tuples `StructValue`, what a log holds only the hash of
        `IndexedHash`; the metadata is unchanged.

    Raises:
        LogDecodeError: A parameter is missing, or its value doesn't fit its type.
        ABIParsingError: The definition is not a valid one.

    Example:
        >>> decode_event({"from": "0x…", "to": "0x…", "value": "1000", …}, transfer)["value"]
        1000
    """
    return EventDecoder(abi_event).decode_event(event)


def _plan(event: Event, spelling: str, style: Style) -> Decode:
    """Look up the compiled decoder of an event, or compile it."""
    key = (spelling, tuple(parameter.indexed for parameter in event.parameters), style)
    plan = _plans.get(key)
    if plan is None:
        if len(_plans) >= _MOST_PLANS:
            _plans.clear()
        try:
            plan = compile_decoder(event, style)
        except RecursionError:
            raise ABIParsingError("the types are nested too deeply for this interpreter") from None
        _plans[key] = plan
    return plan
