"""
JSON text straight from a log, for events of plain values: most of what a service writes.

To make a dict, and JSON of it by a library, takes as long as decoding does.
"""

import json
from collections.abc import Iterable

from ._events import Event
from ._types import ABIType, BaseType

__all__ = ["is_plain", "json_text"]


def is_plain(event: Event) -> bool:
    """Tell whether every value is a hash, or a number, an address, a bool or bytes of fixed size."""
    return all(
        (parameter.indexed and (parameter.type.dynamic or not isinstance(parameter.type, BaseType)))
        or (
            isinstance(parameter.type, BaseType)
            and not parameter.type.dynamic
            and "fixed" not in parameter.type.base
        )
        for parameter in event.parameters
    )


def json_text(values: Iterable[tuple[str, ABIType, str]]) -> str:
    """
    Write the expression of some values as JSON text, each with a comma behind it.

    Args:
        values: Name, type, and the expression of the value as the stream has it.
    """
    text = "".join(
        _literal(json.dumps(name, ensure_ascii=False) + ":") + _piece(type_, expression) + ","
        for name, type_, expression in values
    )
    return f"f'{text}'"


def _piece(type_: ABIType, expression: str) -> str:
    """Write a value as a part of an f-string in single quotes."""
    if isinstance(type_, BaseType) and type_.base == "bool":
        return f'{{"true" if {expression} else "false"}}'
    # An f-string does by itself what these expressions begin with.
    if expression.startswith("str("):
        return f'"{{{expression[4:-1]}}}"'
    if expression.startswith('"0x" + '):
        return f'"0x{{{expression[7:]}}}"'
    return f'"{{{expression}}}"'


def _literal(text: str) -> str:
    """Write text as a part of an f-string in single quotes."""
    for special in ("\\", "'"):
        text = text.replace(special, "\\" + special)
    return text.replace("{", "{{").replace("}", "}}")
