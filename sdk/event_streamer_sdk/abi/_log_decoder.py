"""Decoding logs of several events: the event is picked by topic0 and by the number of topics."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from event_streamer_api.models import ABIEvent

from ._contract import merge_events
from ._decoder import EventDecoder
from ._errors import LogDecodeError
from ._limits import DEFAULT_LIMITS, Limits
from ._logs import topic_words
from ._messages import listed
from ._spelling import human_readable
from ._values import DecodedEvent

__all__ = ["DecodedLog", "LogDecoder", "decode_log"]


class DecodedLog(NamedTuple):
    """
    A log and what it is.

    Attributes:
        event: The event that the log is of.
        values: Its values, as `EventDecoder.decode` gives them.
    """

    event: ABIEvent
    values: DecodedEvent


class LogDecoder:
    """
    Decodes the logs of several events.

    Args:
        events: The events: a list, what `extract_abi_events` returns, or what `parse_abi` does.
        strict: See `EventDecoder`.
        checksum: See `EventDecoder`.
        hex_bytes: See `EventDecoder`.
        limits: See `EventDecoder`.

    Raises:
        ABIParsingError: An event is not a valid one.
    """

    def __init__(
        self,
        events: Iterable[ABIEvent] | Mapping[str, ABIEvent],
        *,
        strict: bool = True,
        checksum: bool = False,
        hex_bytes: bool = False,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        listed_events = list(events.values() if isinstance(events, Mapping) else events)
        self._decoders: dict[tuple[str, int], list[EventDecoder]] = {}
        self._by_topics: dict[tuple[Any, int], list[EventDecoder]] = {}
        self._anonymous: dict[str, list[EventDecoder]] = {}
        for event in merge_events(listed_events):
            decoder = EventDecoder(
                event, strict=strict, checksum=checksum, hex_bytes=hex_bytes, limits=limits
            )
            if event.anonymous:
                self._anonymous.setdefault(event.name, []).append(decoder)
            else:
                same = self._decoders.setdefault((decoder.topic0, decoder.topic_count), [])
                same.append(decoder)
                for spelling in (decoder.topic0, bytes.fromhex(decoder.topic0[2:])):
                    self._by_topics[spelling, decoder.topic_count] = same

    def decode(
        self, topics: Sequence[str | bytes], data: str | bytes, *, anonymous: str | None = None
    ) -> DecodedLog:
        """
        Decode a log.

        Args:
            topics: The log's topics, as bytes or 0x-hex.
            data: The log's data, as bytes or 0x-hex.
            anonymous: The name of the anonymous event that the log is of. A log doesn't tell, and so no
                anonymous event is tried unless it is named. A log that bears the topic0 of another of the
                events is refused.

        Returns:
            The event and the values.

        Raises:
            LogDecodeError: No event has this topic0 and number of topics, several have, or the data doesn't
                fit.
        """
        decoder = self._pick(topics) if anonymous is None else self._named(anonymous, topics)
        return DecodedLog(decoder.event, decoder.decode(topics, data))

    def _pick(self, topics: Sequence[str | bytes]) -> EventDecoder:
        """Pick the event by topic0 and the number of topics."""
        try:
            found = self._by_topics.get((topics[0], len(topics)))
        except (TypeError, LookupError):
            found = None
        if found is None:
            words = topic_words(topics)
            if not words:
                raise LogDecodeError("the log has no topics: name the anonymous event that it is of")
            topic0 = f"0x{words[0].hex()}"
            found = self._decoders.get((topic0, len(words)))
            if found is None:
                raise self._unknown(topic0, len(words))
        return _only(found)

    def _named(self, name: str, topics: Sequence[str | bytes]) -> EventDecoder:
        """Pick an anonymous event by its name and the number of topics."""
        if name not in self._anonymous:
            raise LogDecodeError(f"no anonymous event {name!r}; there are: {listed(self._anonymous)}")
        words = topic_words(topics)
        count = len(words)
        other = self._decoders.get((f"0x{words[0].hex()}", count)) if words else None
        if other:
            raise LogDecodeError(f"this is a log of {other[0].signature}, by its topic0, and not of {name}")
        found = [decoder for decoder in self._anonymous[name] if decoder.topic_count == count]
        if not found:
            raise LogDecodeError(f"no anonymous event {name!r} has {count} topics")
        return _only(found)

    def _unknown(self, topic0: str, count: int) -> LogDecodeError:
        """Say that no event fits."""
        counts = sorted(number for known, number in self._decoders if known == topic0)
        if counts:
            signature = self._decoders[topic0, counts[0]][0].signature
            expected = " or ".join(map(str, counts))
            return LogDecodeError(f"a log of {signature} has {expected} topics, and this one has {count}")
        names = [decoder.signature for decoders in self._decoders.values() for decoder in decoders]
        return LogDecodeError(f"unknown topic0 {topic0}; known are: {listed(dict.fromkeys(names))}")


def decode_log(
    events: Iterable[ABIEvent] | Mapping[str, ABIEvent],
    topics: Sequence[str | bytes],
    data: str | bytes,
    *,
    anonymous: str | None = None,
    strict: bool = True,
) -> DecodedLog:
    """
    Decode a log that is of one of several events.

    For many logs make a `LogDecoder` once.

    Args:
        events: The events: a list, what `extract_abi_events` returns, or what `parse_abi` does.
        topics: The log's topics, as bytes or 0x-hex.
        data: The log's data, as bytes or 0x-hex.
        anonymous: The name of the anonymous event that the log is of, if it is of one.
        strict: See `EventDecoder`.

    Returns:
        The event and the values.

    Raises:
        LogDecodeError: No event has this topic0 and number of topics, several have, or the data doesn't fit.
        ABIParsingError: An event is not a valid one.

    Example:
        >>> event, values = decode_log(extract_abi_events(erc20_abi), log["topics"], log["data"])
        >>> event.name, values["value"]
        ('Transfer', 1000000)
    """
    return LogDecoder(events, strict=strict).decode(topics, data, anonymous=anonymous)


def _only(found: list[EventDecoder]) -> EventDecoder:
    """Take the only candidate: the events must differ in more than in which parameters are indexed."""
    if len(found) > 1:
        names = [human_readable(decoder.event) for decoder in found]
        raise LogDecodeError(f"the log may be of several events, decode it with one of them: {listed(names)}")
    return found[0]
