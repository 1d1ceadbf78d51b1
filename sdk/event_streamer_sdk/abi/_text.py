"""
Writes, for one event of plain values, the Python function that makes JSON text of its logs.

A node gives a log as hex, and most of an event object is the same hex again. So nothing is turned into bytes
and back: words are cut out of the text, looked at, and put between quotes. The source for a Transfer looks
like this::

    def write(log, time):
        try:
            first, t0, t1, = log.topics
            data = log.data
            if not (
                first == hash_text
                and len(t0) == len(t1) == 66
                and len(data) == 66
                and t0[:26] == "0x000000000000000000000000"
                and t1[:26] == "0x000000000000000000000000"
                and data[:2] == "0x"
            ):
                return None
            data_bytes = from_hex(data[2:])
            if len(data_bytes) != 32:
                return None
            text = f'{{"from":"0x{t0[26:66]}",…,"value":"{from_bytes(data_bytes[0:32])}",…}}'.encode()
            return text if text.translate(None, digits)[:len(left)] == left else None
        except ValueError:
            return None

The last condition finds hex that isn't any. Without its digits nothing is left of a text but the `x` of `0x`,
and of the whole object what is the same in every one: up to its block's time, which is the caller's.
"""

import json
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from ._events import Event, Parameter, hash_of_signature
from ._types import BaseType

__all__ = ["JsonWriter", "PlacedLog", "compile_writer"]

_WORD = 64
"""Hexadecimal digits of a word."""
_DIGITS = b"0123456789abcdef"


class PlacedLog(Protocol):
    """A log with its place in the chain; hashes, address, topics and data are 0x-hex in lower case."""

    @property
    def address(self) -> str:
        """The contract."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Its topics."""

    @property
    def data(self) -> str:
        """Its data."""

    @property
    def block_number(self) -> int:
        """Number of its block."""

    @property
    def block_hash(self) -> str:
        """Hash of its block."""

    @property
    def transaction_hash(self) -> str:
        """Hash of its transaction."""

    @property
    def log_index(self) -> int:
        """Position in the block."""


JsonWriter: TypeAlias = Callable[[PlacedLog, str], bytes | None]
"""
A compiled writer: takes a log and its block's time as JSON, returns the event object as JSON.

`None` says that the log isn't of the usual form, for whatever reason: `decode_json` knows what to make of it.
"""


def compile_writer(event: Event) -> JsonWriter | None:
    """
    Compile the writer of an event.

    Args:
        event: The event.

    Returns:
        The writer; `None` where the event has other values than hashes, numbers, addresses, bool and bytes of
        fixed size.
    """
    if not all(map(_is_plain, event.parameters)):
        return None
    namespace: dict[str, Any] = {
        "hash_text": hash_of_signature(event.signature),
        "digits": _DIGITS,
        "from_hex": bytes.fromhex,
        "from_bytes": int.from_bytes,
    }
    code = compile(_Writer(event).source(), f"<writer of {event.name}>", "exec")
    exec(code, namespace)  # noqa: S102 - our own source: names that stand in it are quoted
    writer: JsonWriter = namespace["write"]
    return writer


def _is_hash(parameter: Parameter) -> bool:
    """Tell whether a log holds no more than the hash of a value."""
    return parameter.indexed and (parameter.type.dynamic or not isinstance(parameter.type, BaseType))


def _is_plain(parameter: Parameter) -> bool:
    type_ = parameter.type
    return _is_hash(parameter) or (
        isinstance(type_, BaseType) and not type_.dynamic and "fixed" not in type_.base
    )


class _Writer:
    """Writes the source of one event's writer."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._conditions: list[str] = []
        """What must hold before anything is written."""
        self._statements: list[str] = []
        """What is done between that and the writing."""
        self._made: set[str] = set()
        """Names of the variables that hold the bytes of a text."""

    def source(self) -> str:
        """Return the source."""
        parameters = self._event.parameters
        topics = [f"t{index}" for index in range(sum(parameter.indexed for parameter in parameters))]
        size = 2 + _WORD * (len(parameters) - len(topics))
        places = iter(topics)
        offset = 2
        members = left_of_members = ""
        for name, parameter in zip(self._event.wire_names, parameters, strict=True):
            if parameter.indexed:
                value, left = self._value(parameter, next(places), 2, 2 + _WORD)
            else:
                value, left = self._value(parameter, "data", offset, size)
                offset += _WORD
            key = json.dumps(name, ensure_ascii=False) + ":"
            members += _literal(key) + value + ","
            left_of_members += _literal(_left_of(key)) + left + ","
        # Where it is the same in every log it is made once.
        varies = "{" in left_of_members.replace("{{", "")
        left = f"left = f'{{{{{left_of_members}{_PLACED_LEFT}'.encode()"
        names = topics if self._event.anonymous else ["first", *topics]
        return "\n".join(
            [
                "" if varies else left,
                "def write(log, time):",
                "    try:",
                f"        {', '.join(names)}, = log.topics" if names else "        () = log.topics",
                "        data = log.data",
                f"        if not ({' and '.join(self._checks(topics, size))}):",
                "            return None",
                *(f"        {statement}" for statement in self._statements),
                f"        text = f'{{{{{members}{_PLACED}}}}}'.encode()",
                f"        {left}" if varies else "",
                "        return text if text.translate(None, digits)[:len(left)] == left else None",
                "    except ValueError:",  # another number of topics; text that is no Unicode
                "        return None",
            ]
        )

    def _checks(self, topics: list[str], size: int) -> list[str]:
        """Write all conditions, those that are met by the fewest other logs first."""
        checks = [] if self._event.anonymous else ["first == hash_text"]
        if topics:
            checks.append("".join(f"len({topic}) == " for topic in topics) + f"{2 + _WORD}")
        checks += [f"len(data) == {size}", *self._conditions]
        return checks + [f"{text}[:2] == '0x'" for text in [*topics, "data"] if not self._begins(text)]

    def _begins(self, text: str) -> bool:
        """Tell whether a condition looks at a text from its beginning."""
        return any(condition.startswith(f"{text}[:") for condition in self._conditions)

    def _value(self, parameter: Parameter, text: str, start: int, size: int) -> tuple[str, str]:
        """
        Write the value of a parameter, and what is left of it without digits.

        Args:
            parameter: The parameter.
            text: Name of the text that holds it.
            start: Where its word begins there.
            size: How long the text is.

        Returns:
            Two parts of f-strings in single quotes.
        """
        if _is_hash(parameter):
            return f'"{{{text}}}"', '"x"'
        type_ = parameter.type
        assert isinstance(type_, BaseType)
        end = start + _WORD
        match type_.base:
            case "address":
                self._zeros(text, start, end - 40)
                return f'"0x{{{text}[{end - 40}:{end}]}}"', '"x"'
            case "bool":
                self._zeros(text, start, end - 1)
                self._conditions.append(f"{text}[{end - 1}] in '01'")
                written, left = (
                    f'{{"{true}" if {text}[{end - 1}] == "1" else "{false}"}}'
                    for true, false in (("true", "false"), (_left_of("true"), _left_of("false")))
                )
                return written, left
            case "uint":
                self._zeros(text, start, end - type_.size // 4)
                return f'"{{from_bytes({self._word(text, start, size)})}}"', '""'
            case "int":
                number = self._signed(type_.size, self._word(text, start, size))
                return f'"{{{number}}}"', f'"{{"-" if {number} < 0 else ""}}"'
            case base:
                digits = 2 * (24 if base == "function" else type_.size)
                self._zeros(text, start + digits, end)
                return f'"0x{{{text}[{start}:{start + digits}]}}"', '"x"'

    def _zeros(self, text: str, start: int, end: int) -> None:
        """Ask for clean padding."""
        zeros = "0" * (end - start)
        if not zeros:
            return
        piece = f"{text}[:{end}] == {'0x' + zeros!r}" if start == 2 else f"{text}[{start}:{end}] == {zeros!r}"
        self._conditions.append(piece)

    def _word(self, text: str, start: int, size: int) -> str:
        """Write the bytes of a word; those of its text are made once."""
        made = f"{text}_bytes"
        if made not in self._made:
            self._made.add(made)
            self._statements += [
                f"{made} = from_hex({text}[2:])",
                f"if len({made}) != {(size - 2) // 2}:",  # `fromhex` passes over blanks
                "    return None",
            ]
        first = (start - 2) // 2
        return f"{made}[{first}:{first + _WORD // 2}]"

    def _signed(self, bits: int, word: str) -> str:
        """Read a number in two's complement; the answer is its variable."""
        variable = f"v{len(self._statements)}"
        self._statements += [
            f"{variable} = from_bytes({word}, 'big', signed=True)",
            f"if not {-(1 << bits - 1)} <= {variable} < {1 << bits - 1}:",
            "    return None",
        ]
        return variable


def _left_of(text: str) -> str:
    """Return a text without hexadecimal digits."""
    return text.encode().translate(None, _DIGITS).decode()


_PLACED = (
    '"block_number":{log.block_number},"transaction_hash":"{log.transaction_hash}",'
    '"log_index":{log.log_index},"address":"{log.address}","block_hash":"{log.block_hash}",'
    '"timestamp":{time}'
)
"""What places a log, as a part of an f-string in single quotes."""
_PLACED_LEFT = _left_of(
    '"block_number":,"transaction_hash":"x","log_index":,"address":"x","block_hash":"x","timestamp":'
)
"""What is left of that without digits, up to the time."""


def _literal(text: str) -> str:
    """Write text as a part of an f-string in single quotes."""
    for special in ("\\", "'"):
        text = text.replace(special, "\\" + special)
    return text.replace("{", "{{").replace("}", "}}")
