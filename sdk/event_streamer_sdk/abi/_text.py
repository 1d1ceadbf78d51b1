"""
Writes, for one event of plain values, the Python function that makes JSON text of its logs.

A node gives a log as hex, and most of an event object is the same hex again. So nothing is turned into bytes
and back: words are cut out of the text, looked at, and put between quotes. The source for a Transfer looks
like this::

    def write(log, time):
        try:
            first, t0, t1, = log.topics
            data, transaction, address, block = log.data, log.transaction_hash, log.address, log.block_hash
            if not (
                first == hash_text
                and len(t0) == len(t1) == 66
                and len(data) == 66
                and t0[:26] == "0x000000000000000000000000"
                and t1[:26] == "0x000000000000000000000000"
                and data[:2] == "0x"
                and f"{t0}{t1}{data},{transaction}{address}{block}".encode().translate(None, digits)
                == b"xxx,xxx"
            ):
                return None
            return f'{{"from":"0x{t0[26:]}","to":"0x{t1[26:]}","value":"{int(data[2:66], 16)}",…}}'
        except ValueError:
            return None

The last condition finds what is not hexadecimal: without its digits nothing is left of a text but the `x` of
`0x`. The texts behind the comma are written as they are, so it is enough that they can stand between quotes.
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


JsonWriter: TypeAlias = Callable[[PlacedLog, str], str | None]
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
    namespace: dict[str, Any] = {"hash_text": hash_of_signature(event.signature), "digits": _DIGITS}
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

    def source(self) -> str:
        """Return the source."""
        parameters = self._event.parameters
        topics = [f"t{index}" for index in range(sum(parameter.indexed for parameter in parameters))]
        places = iter(topics)
        offset = 2
        members = ""
        for name, parameter in zip(self._event.wire_names, parameters, strict=True):
            if parameter.indexed:
                value = self._value(parameter, next(places), 2)
            else:
                value = self._value(parameter, "data", offset)
                offset += _WORD
            members += _literal(json.dumps(name, ensure_ascii=False) + ":") + value + ","
        names = topics if self._event.anonymous else ["first", *topics]
        return "\n".join(
            [
                "def write(log, time):",
                "    try:",
                f"        {', '.join(names)}, = log.topics" if names else "        () = log.topics",
                "        data, transaction, address, block = "
                "log.data, log.transaction_hash, log.address, log.block_hash",
                f"        if not ({' and '.join(self._checks(topics, offset))}):",
                "            return None",
                *(f"        {statement}" for statement in self._statements),
                f"        return f'{{{{{members}{_PLACED}}}}}'",
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
        checks += [f"{text}[:2] == '0x'" for text in [*topics, "data"] if not self._begins(text)]
        event, place = [*topics, "data"], ["transaction", "address", "block"]
        texts = ",".join("".join(f"{{{text}}}" for text in part) for part in (event, place))
        left = ",".join("x" * len(part) for part in (event, place)).encode()
        return [*checks, f"f'{texts}'.encode().translate(None, digits) == {left!r}"]

    def _begins(self, text: str) -> bool:
        """Tell whether a condition looks at a text from its beginning."""
        return any(condition.startswith(f"{text}[:") for condition in self._conditions)

    def _value(self, parameter: Parameter, text: str, start: int) -> str:
        """
        Write the value of a parameter as a part of an f-string in single quotes.

        Args:
            parameter: The parameter.
            text: Name of the text that holds it.
            start: Where its word begins there.
        """
        if _is_hash(parameter):
            return f'"{{{text}}}"'
        type_ = parameter.type
        assert isinstance(type_, BaseType)
        end = start + _WORD
        match type_.base:
            case "address":
                self._zeros(text, start, end - 40)
                return f'"0x{{{text}[{end - 40}:{end}]}}"'
            case "bool":
                self._zeros(text, start, end - 1)
                self._conditions.append(f"{text}[{end - 1}] in '01'")
                return f'{{"true" if {text}[{end - 1}] == "1" else "false"}}'
            case "uint":
                self._zeros(text, start, end - type_.size // 4)
                return f'"{{int({text}[{end - type_.size // 4}:{end}], 16)}}"'
            case "int":
                return f'"{{{self._signed(type_.size, f"{text}[{start}:{end}]")}}}"'
            case base:
                digits = 2 * (24 if base == "function" else type_.size)
                self._zeros(text, start + digits, end)
                return f'"0x{{{text}[{start}:{start + digits}]}}"'

    def _zeros(self, text: str, start: int, end: int) -> None:
        """Ask for clean padding."""
        zeros = "0" * (end - start)
        if not zeros:
            return
        piece = f"{text}[:{end}] == {'0x' + zeros!r}" if start == 2 else f"{text}[{start}:{end}] == {zeros!r}"
        self._conditions.append(piece)

    def _signed(self, bits: int, word: str) -> str:
        """Read a number in two's complement; the answer is its variable."""
        variable = f"v{len(self._statements)}"
        self._statements += [
            f"{variable} = int({word}, 16)",
            f"if {variable} >> 255:",
            f"    {variable} -= {1 << 256}",
            f"if not {-(1 << bits - 1)} <= {variable} < {1 << bits - 1}:",
            "    return None",
        ]
        return variable


_PLACED = (
    '"block_number":{log.block_number},"transaction_hash":"{transaction}","log_index":{log.log_index},'
    '"address":"{address}","timestamp":{time},"block_hash":"{block}"'
)
"""What places a log, as a part of an f-string in single quotes."""


def _literal(text: str) -> str:
    """Write text as a part of an f-string in single quotes."""
    for special in ("\\", "'"):
        text = text.replace(special, "\\" + special)
    return text.replace("{", "{{").replace("}", "}}")
