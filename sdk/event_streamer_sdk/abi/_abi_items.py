"""The items of an ABI as they were found; each is read when it is asked for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from event_streamer_api.models import ABIEvent

from ._errors import ABIParsingError
from ._items import read_event, read_event_text
from ._json import is_unread, may_hold, refuse_repeated_keys, type_of, whole
from ._limits import Limits
from ._solidity import Declaration
from ._types import kind_of

__all__ = ["Item", "Items"]


class Item:
    """
    One item of an ABI; a part of a JSON document is read when it is asked for.

    Args:
        source: The item as it was found: an object, a part of a JSON document, or a declaration.
        place: Where the ABI stands; empty if the item stands alone.
        index: Its index in the ABI.
    """

    __slots__ = ("_index", "_place", "_source")

    def __init__(self, source: Any, place: str, index: int = 0) -> None:
        self._source = source
        self._place = place
        self._index = index

    @property
    def path(self) -> str:
        """Where it stands."""
        if isinstance(self._source, Declaration):
            return self._source.path
        return f"{self._place}[{self._index}]" if self._place else ""

    def value(self) -> Mapping[str, Any]:
        """
        Read the item.

        Raises:
            ABIParsingError: It isn't an object, or a declaration that can't be read.
        """
        if isinstance(self._source, Declaration):
            return self._declared()
        try:
            value = self._object()
            refuse_repeated_keys(value)
        except ABIParsingError as error:
            raise error.within(self.path) from None
        return value

    def _declared(self) -> Mapping[str, Any]:
        """Take the item of a declaration, or the fault for which there is none."""
        if isinstance(self._source.value, ABIParsingError):
            raise self._source.value
        declared: dict[str, Any] = self._source.value
        return declared

    def _object(self) -> Mapping[str, Any]:
        """Read an item of JSON."""
        value = whole(self._source)
        if not isinstance(value, Mapping):
            raise ABIParsingError(f"an item of an ABI is an object, not {kind_of(value)}")
        return value

    def event(self, limits: Limits) -> ABIEvent | None:
        """
        Read the item if it is an event.

        Raises:
            ABIParsingError: It isn't an object, or an event of which something is wrong.
        """
        if isinstance(self._source, Declaration):
            return read_event(self._declared(), limits) if self._source.kind == "event" else None
        try:
            if is_unread(self._source):
                return read_event_text(self._source, limits)
            value = self._object()
            return read_event(value, limits) if type_of(value) == "event" else None
        except ABIParsingError as error:
            raise error.within(self.path) from None

    def is_event(self) -> bool:
        """Tell whether the item is an event, or was meant to be one."""
        if isinstance(self._source, Declaration):
            return self._source.kind == "event"
        try:
            return bool(type_of(whole(self._source)) == "event")
        except ABIParsingError:
            return False

    def may_be_called(self, name: str) -> bool:
        """
        Tell whether the item may have a name, without reading it if it hasn't been read.

        Args:
            name: The name.

        Returns:
            False if it hasn't.
        """
        return may_hold(self._source, f'"{name}"') and self.event_name() == name

    def event_name(self) -> str | None:
        """Name the event that the item is, or was meant to be."""
        if isinstance(self._source, Declaration):
            return self._source.name if self._source.kind == "event" else None
        try:
            value = self._object()
            name = value.get("name") if type_of(value) == "event" else None
        except ABIParsingError:
            return None
        return name if isinstance(name, str) else None


@attrs.frozen
class Items:
    """
    The items of an ABI.

    Attributes:
        sources: The items as they were found; see `Item`.
        place: Where the ABI stands; empty if it is one item alone.
        event_indexes: Which of them are events; `None` if that isn't known without reading them.
    """

    sources: Sequence[Any]
    place: str = ""
    event_indexes: Iterable[int] | None = None

    def __iter__(self) -> Iterator[Item]:
        """Walk over all items."""
        for index, source in enumerate(self.sources):
            yield Item(source, self.place, index)

    def events(self) -> Iterator[Item]:
        """Walk over the items that may be events, so that functions need not be read."""
        if self.event_indexes is not None:
            for index in self.event_indexes:
                yield Item(self.sources[index], self.place, index)
            return
        for index, source in enumerate(self.sources):
            plain = source.__class__ is dict  # nearly always, where the whole document was read at once
            if (source.get("type") if plain else type_of(source)) == "event" or not isinstance(source, dict):
                yield Item(source, self.place, index)

    def read_events(self, limits: Limits) -> tuple[list[ABIEvent], list[ABIParsingError]]:
        """
        Read all events.

        Returns:
            The events, in their order; and a fault for each item that can't be read, so that nobody knows
            whether it is an event, or which.
        """
        events: list[ABIEvent] = []
        faults: list[ABIParsingError] = []
        if self.event_indexes is None:
            for item in self.events():
                try:
                    event = item.event(limits)
                except ABIParsingError as error:
                    faults.append(error)
                else:
                    events += [event] if event is not None else []
            return events, faults
        for index in self.event_indexes:  # no `Item` for each, since here is where the time goes
            try:
                event = read_event_text(self.sources[index], limits)
            except ABIParsingError as error:
                faults.append(error.within(f"{self.place}[{index}]"))
            else:
                if event is not None:
                    events.append(event)
        return events, faults
