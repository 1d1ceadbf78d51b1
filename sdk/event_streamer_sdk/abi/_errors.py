"""
The two errors of the ABI part.

::

    EventStreamerValidationError
    ├── ABIParsingError   an ABI, an event or a type that can't be used, with the place in `path`
    └── LogDecodeError    a log that doesn't fit its event, with the byte offset in `offset`
"""

from event_streamer_api.errors import EventStreamerValidationError

__all__ = ["ABIParsingError", "LogDecodeError"]


class ABIParsingError(EventStreamerValidationError):
    """
    An ABI, an event, a type or a value for an event can't be used.

    Attributes:
        path: Where in the document the fault lies, such as
            `abi[3].inputs[0].components[1].type`, or `line 2, column 14` in human-readable
            text; empty where the fault has no place (an event that isn't there).
        message: What is wrong, without the place.
    """

    __module__ = "event_streamer_sdk.abi"  # where users import it from

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.message = message
        self.path = path

    def within(self, outer: str) -> "ABIParsingError":
        """
        Say the same of a fault that was found inside of something.

        Paths are put together on the way out, so that nothing is spent on them while all goes well.

        Args:
            outer: Where the thing stands in which the fault lies.

        Returns:
            The error with the longer path.
        """
        joint = "." if outer and self.path and not self.path.startswith("[") else ""
        return ABIParsingError(self.message, f"{outer}{joint}{self.path}")


class LogDecodeError(EventStreamerValidationError):
    """
    A log doesn't fit the event it was to be decoded with.

    Attributes:
        path: The parameter that couldn't be read, such as `offer[].token`; empty where the
            log as a whole is at fault.
        offset: Byte offset in the log's data where the fault lies; `None` for a fault in the topics.
    """

    __module__ = "event_streamer_sdk.abi"

    def __init__(self, message: str, path: str = "", offset: int | None = None) -> None:
        place = [f"parameter {path}"] if path else []
        if offset is not None:
            place.append(f"data offset {offset}")
        super().__init__(f"{message} ({', '.join(place)})" if place else message)
        self.path = path
        self.offset = offset
