"""
Writes Python classes for the events of an ABI.

The written module holds an attrs class for each event, and one for each struct in it; it passes mypy strict
and pyright. A class of an event has (and this is all that a streaming client asks of one, see `EventClass`)

- `__abi_event__`, the event's `ABIEvent`;
- `from_event(event)`, a class method that makes an instance of an event object of the stream.

A handler takes it in place of a name, and gets a list of instances::

    from my_events import Transfer

    @streaming_client.on_event(Transfer)
    async def handle(transfers: list[Transfer]) -> None:
        for transfer in transfers:
            print(transfer.from_, transfer.to, transfer.value + 1, transfer.block_number)

On the command line::

    python -m event_streamer_sdk.abi.codegen artifacts/Token.json --output my_events.py

Names: a class is called as its event is, with a capital; overloads get a number. A field is called as its
    parameter is, without leading underscores; `_` is appended where Python, the metadata or another field
    has the name already (`from_`, `address_`).
"""

import argparse
import builtins
import json
import keyword
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import wrap

import attrs

from event_streamer_api.models import ABIEvent, ABIInput

from ._contract import ParsedABI, merge_events, parse_abi
from ._errors import ABIParsingError
from ._event_class import EventClass, event_name, is_event_class
from ._events import Event, resolve, unique_names
from ._messages import listed
from ._spelling import human_readable
from ._types import ABIType, ArrayType, BaseType, TupleType

__all__ = ["EventClass", "event_name", "generate_module", "is_event_class", "main"]

_METADATA = {
    "block_number": "int",
    "transaction_hash": "str",
    "log_index": "int",
    "address": "str",
    "timestamp": "str",
}
"""The fields of every event class beside the event's own, as they stand in an event object."""

_TAKEN_FIELDS = frozenset(
    {*_METADATA, *keyword.kwlist, "bool", "bytes", "classmethod", "from_event", "from_value", "int", "list",
     "self", "str"}
)  # fmt: skip
_TAKEN_CLASSES = frozenset(
    {*keyword.kwlist, *dir(builtins), "ABIEvent", "ABIInput", "Any", "ClassVar", "Decimal", "EventDecoder",
     "IndexedHash", "Mapping", "Self", "StructValue"}
)  # fmt: skip
_PYTHON_TYPES = {
    "uint": "int",
    "int": "int",
    "ufixed": "Decimal",
    "fixed": "Decimal",
    "address": "str",
    "bool": "bool",
    "bytes": "bytes",
    "string": "str",
    "function": "bytes",
}
_LINE = 100


def generate_module(
    events: Iterable[ABIEvent] | Mapping[str, ABIEvent], *, title: str = "Events of a contract."
) -> str:
    """
    Write the module of some events.

    Args:
        events: The events: a list, what `extract_abi_events` returns, or what `parse_abi` does. Identical
            ones count once.
        title: The first line of the module's docstring.

    Returns:
        The source of the module. The same events give the same source.

    Raises:
        ABIParsingError: There is no event, or one is not valid.

    Example:
        >>> Path("my_events.py").write_text(generate_module(extract_abi_events(Path("Token.json"))))
    """
    different = merge_events(events.values() if isinstance(events, Mapping) else events)
    if not different:
        raise ABIParsingError("there are no events to write classes for")
    return _Module(title).write(different)


@attrs.frozen
class _Field:
    """A field of a class: its name, its annotation, and the expression that makes its value."""

    name: str
    annotation: str
    expression: str


class _Module:
    """Writes one module."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._classes: list[str] = []
        self._taken = set(_TAKEN_CLASSES)
        self._taken_by_classes = {"Any", "ClassVar", "Decimal", "IndexedHash", "Mapping", "Self"}
        self._structs: dict[tuple[str, str, tuple[_Field, ...]], str] = {}
        self._uses = {"EventDecoder"}

    def write(self, events: Sequence[ABIEvent]) -> str:
        """Write the classes of the events, and before each those of its structs."""
        # The events choose their names first: a struct of the same name makes way.
        names = [self._class_name(event.name) for event in events]
        for name, event in zip(names, events, strict=True):
            self._event_class(name, event)
        lines = [
            '"""',
            _safe_docstring(self._title),
            "",
            "Written by event_streamer_sdk.abi.codegen; changes to it get lost.",
            '"""',
            "",
            "from collections.abc import Mapping",
            *(["from decimal import Decimal"] if "Decimal" in self._uses else []),
            "from typing import Any, ClassVar, Self",
            "",
            "import attrs",
            "",
            f"from event_streamer_sdk.abi import {', '.join(sorted(self._uses - {'Decimal'}))}",
            "from event_streamer_sdk.models.abi import ABIEvent, ABIInput",
            "",
            "__all__ = [",
            *(f'    "{name}",' for name in sorted([*names, *self._structs.values()])),
            "]",
        ]
        return "\n\n\n".join(["\n".join(lines), *self._classes]) + "\n"

    def _class_name(self, wanted: str) -> str:
        """Choose a name for a class that nothing else has: with a number, where there are several."""
        base = re.sub(r"\W", "_", wanted).lstrip("_") or "Event"
        base = base[0].upper() + base[1:] if base[0].isalpha() else f"Event{base}"
        name, number = base, 2
        while name in self._taken:
            name = f"{base}{number}"
            number += 1
        self._taken.add(name)
        self._taken_by_classes.add(name)
        return name

    def _event_class(self, name: str, event: ABIEvent) -> None:
        """Write the class of an event."""
        checked = resolve(event)
        fields = self._event_fields(name, event, checked)
        metadata = [_Field(key, kind, f'values["{key}"]') for key, kind in _METADATA.items()]
        lines = [
            "@attrs.frozen(kw_only=True)",
            f"class {name}:",
            *_docstring(human_readable(event)),
            "",
            "    __abi_event__: ClassVar[ABIEvent] = ABIEvent(",
            '        type="event",',
            f'        name="{event.name}",',
            *_inputs_source("inputs", event.inputs, 8),
            f"        anonymous={event.anonymous},",
            "    )",
            "    __decoder__: ClassVar[EventDecoder] = EventDecoder(__abi_event__)",
            "",
            *(f"    {field.name}: {field.annotation}" for field in [*fields, *metadata]),
            "",
            "    @classmethod",
            "    def from_event(cls, event: Mapping[str, Any]) -> Self:",
            '        """Make an instance of an event object of the stream."""',
            "        values = cls.__decoder__.decode_event(event, metadata=True)",
            "        return cls(",
            *(f"            {field.name}={field.expression}," for field in [*fields, *metadata]),
            "        )",
        ]
        self._classes.append("\n".join(lines))

    def _event_fields(self, owner: str, event: ABIEvent, checked: Event) -> list[_Field]:
        """Choose types and names for the parameters of an event."""
        typed = []
        for index, (key, parameter, definition) in enumerate(
            zip(checked.wire_names, checked.parameters, event.inputs, strict=True)
        ):
            value = f'values["{key}"]'
            if parameter.indexed and (parameter.type.dynamic or not isinstance(parameter.type, BaseType)):
                self._uses.add("IndexedHash")
                typed.append(("IndexedHash", value))
            else:
                wanted = f"{owner}_{parameter.name or f'arg{index}'}"
                typed.append(self._typed(parameter.type, definition, value, wanted))
        return self._fields([parameter.name for parameter in checked.parameters], typed)

    def _fields(self, names: Sequence[str], typed: Sequence[tuple[str, str]]) -> list[_Field]:
        """Choose names for fields: what Python takes, all different, none that of a class beside them."""
        plain = [re.sub(r"\W", "_", name).lstrip("_") for name in names]
        plain = [f"arg{name}" if name[:1].isdigit() else name for name in plain]
        fields = unique_names(plain, _TAKEN_FIELDS | self._taken_by_classes)
        return [_Field(name, *pair) for name, pair in zip(fields, typed, strict=True)]

    def _typed(
        self, type_: ABIType, definition: ABIInput, value: str, wanted: str, depth: int = 0
    ) -> tuple[str, str]:
        """Choose the annotation of a type, and the expression that makes such a value of a decoded one."""
        if isinstance(type_, ArrayType):
            item = f"item{depth or ''}"
            annotation, expression = self._typed(type_.item, definition, item, wanted, depth + 1)
            same = expression == item
            return f"list[{annotation}]", value if same else f"[{expression} for {item} in {value}]"
        if isinstance(type_, TupleType):
            name = self._struct_class(type_, definition, wanted)
            return name, f"{name}.from_value({value})"
        kind = _PYTHON_TYPES[type_.base]
        if kind == "Decimal":
            self._uses.add("Decimal")
        return kind, value

    def _struct_class(self, type_: TupleType, definition: ABIInput, wanted: str) -> str:
        """Write the class of a struct, unless the same has been written for another parameter."""
        named = re.match(r"struct (?:[\w$]+\.)*([\w$]+)", definition.internalType or "")
        wanted = (
            named[1] if named else "".join(part[:1].upper() + part[1:] for part in re.split(r"_+", wanted))
        )
        typed = [
            self._typed(item, component, f"value[{index}]", f"{wanted}_{component.name or f'arg{index}'}")
            for index, (item, component) in enumerate(
                zip(type_.items, definition.components or [], strict=True)
            )
        ]
        fields = self._fields(type_.names, typed)
        key = (wanted, type_.canonical, tuple(fields))
        if key not in self._structs:
            self._structs[key] = name = self._class_name(wanted)
            self._uses.add("StructValue")
            lines = [
                "@attrs.frozen(kw_only=True)",
                f"class {name}:",
                *_docstring(type_.canonical),
                "",
                *(f"    {field.name}: {field.annotation}" for field in fields),
                "",
                "    @classmethod",
                "    def from_value(cls, value: StructValue) -> Self:",
                '        """Make an instance of a decoded tuple."""',
                "        return cls(",
                *(f"            {field.name}={field.expression}," for field in fields),
                "        )",
            ]
            self._classes.append("\n".join(lines))
        return self._structs[key]


def _inputs_source(key: str, inputs: Sequence[ABIInput], indent: int) -> list[str]:
    """Write the argument that holds the inputs of an event, or the components of one, as Python."""
    blank = " " * indent
    if not inputs:
        return [f"{blank}{key}=[],"]
    lines = [f"{blank}{key}=["]
    for each in inputs:
        named = [f"{field}={_quoted(getattr(each, field))}" for field in ("name", "type", "internalType")
                 if getattr(each, field) is not None]  # fmt: skip
        start = f"{blank}    ABIInput({', '.join([*named, *(['indexed=True'] if each.indexed else [])])}"
        if each.components is None:
            lines.append(f"{start}),")
        else:
            lines += [
                f"{start},",
                *_inputs_source("components", each.components, indent + 8),
                f"{blank}    ),",
            ]
    return [*lines, f"{blank}],"]


def _quoted(text: str) -> str:
    """Write a text as Python, in the quotation marks of the house."""
    return json.dumps(text)


def _docstring(text: str) -> list[str]:
    """Write the docstring of a class, wrapped where it is long."""
    lines = wrap(_safe_docstring(text), _LINE - 12, break_long_words=False, break_on_hyphens=False)
    if len(lines) == 1:
        return [f'    """{lines[0]}"""']
    return ['    """', *(f"    {line}" for line in lines), '    """']


def _safe_docstring(text: str) -> str:
    """Take out what would end a docstring, or mean something else in it."""
    return text.replace("\\", "/").replace('"""', "'''").strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Write a module from the command line.

    Args:
        arguments: The arguments; those of the process if none are given.

    Returns:
        The exit code: 0, or 1 after a message on the standard error output.
    """
    parser = argparse.ArgumentParser(
        prog="python -m event_streamer_sdk.abi.codegen",
        description="Write a Python module with an attrs class for each event of an ABI.",
    )
    parser.add_argument(
        "source",
        help="a file with the ABI: JSON, an artifact, or lines of Solidity; - reads it from the input",
    )
    parser.add_argument("--contract", help="Name or path:Name, where the file holds several contracts")
    parser.add_argument(
        "--event", action="append", help="only this event: a name, a signature or a topic0; may be repeated"
    )
    parser.add_argument("--output", type=Path, help="the module to write; without it, the standard output")
    options = parser.parse_args(arguments)
    source = sys.stdin.buffer.read() if options.source == "-" else Path(options.source)
    try:
        abi = parse_abi(source, contract=options.contract)
        events, faults = (
            ([abi.event(asked) for asked in options.event], []) if options.event else _all_events(abi)
        )
        module = generate_module(events, title=f"Events of {options.contract or Path(options.source).stem}.")
        if options.output:
            options.output.write_text(module, encoding="utf-8")
        else:
            sys.stdout.write(module)
    except (ABIParsingError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if faults:
        sys.stderr.write(f"left out, since they can't be read: {listed(map(str, faults))}\n")
    return 0


def _all_events(abi: ParsedABI) -> tuple[list[ABIEvent], list[ABIParsingError]]:
    """Read all events of an ABI, and what keeps others from being read."""
    events, faults = abi.read_events()
    return list(events.values()), faults


if __name__ == "__main__":
    sys.exit(main())
