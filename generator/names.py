"""The names that openapi-python-client gives, where they have to be known before or mended afterwards."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from openapi_python_client import strings
from openapi_python_client.schema.untrusted_string import UntrustedString

_BUILTINS = frozenset(
    """
    ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError
    BrokenPipeError BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError
    ConnectionRefusedError ConnectionResetError DeprecationWarning EOFError Ellipsis EncodingWarning
    EnvironmentError Exception ExceptionGroup False FileExistsError FileNotFoundError FloatingPointError
    FutureWarning GeneratorExit IOError ImportError ImportWarning IndentationError IndexError
    InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError
    ModuleNotFoundError NameError None NotADirectoryError NotImplemented NotImplementedError OSError
    OverflowError PendingDeprecationWarning PermissionError ProcessLookupError RecursionError
    ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration StopIteration
    SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError True TypeError
    UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError
    UnicodeWarning UserWarning ValueError Warning ZeroDivisionError __build_class__ __debug__ __doc__
    __import__ __loader__ __name__ __package__ __spec__ abs aiter all anext any ascii bin bool
    breakpoint bytearray bytes callable chr classmethod compile complex copyright credits delattr dict
    dir divmod enumerate eval exec exit filter float format frozenset getattr globals hasattr hash help
    hex id input int isinstance issubclass iter len license list locals map max memoryview min next
    object oct open ord pow print property quit range repr reversed round set setattr slice sorted
    staticmethod str sum super tuple type vars zip
    """.split()  # noqa: SIM905 - words are read more easily than a list of 160 literals
)
"""Python's builtins, as 3.11 has them: what is generated must not depend on the Python that generates it."""

# openapi-python-client asks the running Python, which may know more (3.13: PythonFinalizationError).
strings.RESERVED_WORDS = {*_BUILTINS, "self", "true", "false", "datetime"} - {"id"}

# Controls and format characters, among them line ends, joiners, and those that turn the direction of text.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def in_literal(value: UntrustedString | strings.PythonCode | str) -> str:
    """
    Write text as the inside of a literal in double quotes, with escapes for what can't be seen.

    openapi-python-client leaves that out, and with it what the running Python's Unicode doesn't have yet.
    """
    if isinstance(value, UntrustedString):
        value = value.get_untrusted_value()
    if isinstance(value, strings.PythonCode):
        value = value.as_unembedded_code()
    written = json.dumps(value, ensure_ascii=False)[1:-1]
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


strings.in_double_quote_literal = in_literal

# Names of Python that the generated class or function itself uses behind the field or argument of this name.
_USED = {
    "bool",
    "bytes",
    "classmethod",
    "dict",
    "float",
    "int",
    "list",
    "property",
    "str",
    "self",
    "super",
    "object",
}

MODEL_NAMES = frozenset({"additional_properties", "from_dict", "to_dict"})
"""What every model has beside its fields."""

CLASS_NAMES = frozenset(
    {
        *(
            "ABC",
            "Any",
            "File",
            "Literal",
            "Mapping",
            "Model",
            "NumberEnum",
            "Operation",
            "Self",
            "T",
            "TextEnum",
        ),
        *("TYPE_CHECKING", "TypeVar", "UNSET", "UUID", "Unknown"),
    }
)
"""What generated modules import: a model of the same name gets another one."""


def enum_names(values: Sequence[str | int], wanted: Any) -> list[str]:
    """
    Get the names of an enum's members.

    They are those of openapi-python-client, but where two values would get the same one, or none that Python
    takes, it is `VALUE_` and the position.

    Args:
        values: The values.
        wanted: The document's own names (`x-enum-varnames`), if it has any.

    Returns:
        A name for each value.
    """
    own = [str(name) for name in wanted] if isinstance(wanted, list) and len(wanted) == len(values) else None
    names: list[str] = []
    for index, value in enumerate(values):
        if own is not None:
            name = own[index]
        elif isinstance(value, int):
            name = f"VALUE_{value}" if value >= 0 else f"VALUE_NEGATIVE_{-value}"
        else:
            name = value if value[:1].isalpha() else f"VALUE_{index}"
        name = strings.snake_case(name.upper() if own is None else name).upper()
        if not name.isidentifier() or keyword.iskeyword(name) or name in names:
            name = f"VALUE_{index}"
        if name in names:
            name = f"{name}_{index}"
        names.append(name)
    return names


def python_name(name: str, wire: str, taken: Collection[str] = ()) -> str:
    """
    Get the name of a field or an argument.

    It is that of openapi-python-client, except that a name that is only one of Python's builtins stays as
    it is: `type` and `id` are what people look for.

    Args:
        name: The name that openapi-python-client gives.
        wire: The name in the document.
        taken: Names that are something else already.

    Returns:
        The name.
    """
    if name == f"{wire}_" and wire in _BUILTINS and wire not in _USED and not keyword.iskeyword(wire):
        name = wire
    while name in taken:
        name += "_"
    return name


def without_clashes(names: Iterable[str]) -> dict[str, str]:
    """
    Give each field of an object a name of which openapi-python-client makes an attribute of its own.

    Args:
        names: The names on the wire.

    Returns:
        For each of them the name to use: the same one, or one with a number where its attribute is taken.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        number, key = 2, name
        while strings.PythonIdentifier(key, "field_") in taken:
            key, number = f"{name} {number}", number + 1
        taken.add(strings.PythonIdentifier(key, "field_"))
        found[name] = key
    return found


def referable(names: Iterable[str]) -> dict[str, str]:
    """
    Give each named schema a name that openapi-python-client finds: it knows no escapes in a reference.

    Args:
        names: The names in the document.

    Returns:
        For each of them the name to use.
    """
    found: dict[str, str] = {}
    taken = set(names)
    for name in names:
        base = re.sub(r"[^\w.-]", "_", name) or "_"
        number, key = 2, base
        while key != name and key in taken:
            key, number = f"{base}_{number}", number + 1
        taken.add(key)
        found[name] = key
    return found


def identifier(name: str) -> strings.PythonIdentifier:
    """Write a name as openapi-python-client does for a call."""
    return strings.PythonIdentifier(name, "call")


def in_f_string(text: str) -> str:
    """Write text as part of an f-string in double quotes."""
    return strings.in_f_string_literal(text)
