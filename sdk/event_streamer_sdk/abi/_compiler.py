"""
Writes, for one event, the Python function that decodes its logs.

A log is read as one run of bytes: its indexed topics, then its data. What lies at fixed places in it, and
in each tuple or array item, is a block: one `struct.unpack` takes all its fields apart, padding included,
so that a parameter costs a comparison and a conversion and nothing is looked up while decoding. Everything
of dynamic size becomes a function of its own, called with the position that its pointer names.

The source of a Transfer's function (strict, Python values) looks like this::

    def decode(topics, data):
        ...                                   # topic0 and the number of topics, then all into bytes
        if 96 > len(w):
            short(w, 0, 96, "")
        v1, v2, v3, v4, v5, = unpack6(w)
        if v1 != zero12:
            dirty(0 + 0, "from", s)
        if v3 != zero12:
            dirty(0 + 32, "to", s)
        r = DecodedEvent()
        r["from"] = "0x" + v2.hex()
        r["to"] = "0x" + v4.hex()
        r["value"] = from_bytes(v5)
        ...
        return r

Only names that the writer made, numbers, and quoted identifiers get into the source, never a user's text.

In the written functions `w` is the log's bytes, `o` a position in them, and `s` the state: the bytes that
may still be read, the end of what was read so far, and the parameters with dirty padding.
"""

import functools
import struct
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import attrs

from ._decoding import Style, helpers
from ._events import Event, hash_of_signature, unique_names
from ._logs import log_bytes
from ._types import ABIType, ArrayType, BaseType, TupleType
from ._values import DecodedEvent, IndexedHash, checksum_address, struct_class

__all__ = ["Decode", "compile_decoder"]

Decode: TypeAlias = Callable[[Sequence[str | bytes], str | bytes], Any]
"""A compiled decoder: takes topics and data, returns the values by name."""

_LONGEST_BLOCK = 2**31 - 1
"""No log comes near; a block of more bytes is not even compiled, since its length check never passes."""

_STRUCT_CODES = {8: "b", 16: "h", 32: "i", 64: "q"}
"""The integers that `struct` reads by itself."""


def compile_decoder(event: Event, style: Style) -> Decode:
    """
    Compile the decoder of an event.

    Returns:
        A function from a log's topics and data to its values by name. It raises LogDecodeError.
    """
    return _Writer(event, style).compile()


@attrs.define
class _Block:
    """
    The fields at fixed places that one `struct.unpack` reads.

    Attributes:
        origin: Expression for the position of the block's first byte.
        base: Expression for the position that the block's pointers count from.
        format: Format codes of `struct`, a piece for each field or padding.
        variables: A variable for each of these pieces.
        statements: What is to be done with them.
        size: Bytes so far.
    """

    origin: str
    base: str
    format: list[str] = attrs.Factory(list)
    variables: list[str] = attrs.Factory(list)
    statements: list[str] = attrs.Factory(list)
    size: int = 0

    @property
    def here(self) -> str:
        """Expression for the position of the next field."""
        return f"{self.origin} + {self.size}"


class _Writer:
    """Writes the functions of one event and compiles them."""

    def __init__(self, event: Event, style: Style) -> None:
        self._event = event
        self._style = style
        self._topics_size = 32 * sum(parameter.indexed for parameter in event.parameters)
        self._lines: list[str] = []
        self._count = 0
        self._namespace: dict[str, Any] = {
            "DecodedEvent": DecodedEvent,
            "IndexedHash": IndexedHash,
            "checksum": checksum_address,
            "from_bytes": int.from_bytes,
            "from_hex": bytes.fromhex,
            "zeros": bytes(32),
            "log_bytes": functools.partial(log_bytes, event),
            **helpers(style, self._topics_size),
        }

    def compile(self) -> Decode:
        """Write the event's function, and with it all that it calls."""
        self._write_decode()
        code = compile("\n".join(self._lines), f"<decoder of {self._event.name}>", "exec")
        exec(code, self._namespace)  # noqa: S102 - our own source, see the module's docstring
        decode: Decode = self._namespace["decode"]
        return decode

    # -- the event ----------------------------------------------------------------------------------------

    def _write_decode(self) -> None:
        """Write `decode`: the topics' fields, those of the data, then the values in their own order."""
        parameters, style = self._event.parameters, self._style
        names = self._event.wire_names if style.wire else self._event.names
        block = _Block("0", str(self._topics_size))
        values: dict[str, str] = {}
        for name, parameter in sorted(
            zip(names, parameters, strict=True), key=lambda pair: not pair[1].indexed
        ):
            if parameter.indexed and (parameter.type.dynamic or not isinstance(parameter.type, BaseType)):
                values[name] = self._hash(block, parameter.type)
            else:
                values[name] = self._place(block, parameter.type, name)
        body = [*self._joining(), *self._state(block.size)]
        body += [
            f"if {block.size} > len(w):",
            f"    short(w, 0, {block.size}, '')",
            *self._unpacking(block, "w"),
        ]
        end = str(block.size) if self._all_static else "s[1]"
        if style.wire:
            made = f"{{{', '.join(f'{name!r}: {values[name]}' for name in names)}}}"
            body.append(f"r = {made}")
            if self._event.anonymous:  # known only now: reading a dynamic value moves the end
                body += [f"if len(w) != {end}:", f"    left_over(len(w) - {end}, {end})"]
            body.append("return r")
        else:
            body.append("r = DecodedEvent()")
            body += [f"r[{name!r}] = {values[name]}" for name in names]
            body += [f"if len(w) != {end}:", f"    r.trailing_bytes = len(w) - {end}"]
            if not style.strict:
                body += ["if s[2]:", "    r.dirty = tuple(name for name in r if name in s[2])"]
            body.append("return r")
        self._function("decode(topics, data)", body)

    def _joining(self) -> list[str]:
        """
        Write the statements that check the topics and put the log into one run of bytes.

        What is written here is for logs as nodes and libraries give them. `log_bytes` takes all others, and
        says what is wrong.
        """
        topics = [f"t{index}" for index in range(self._topics_size // 32)]
        first = [] if self._event.anonymous else ["first"]
        hex_lengths = "".join(f"len({topic}) == " for topic in topics) + "66 and " if topics else ""
        hex_prefixes = "".join(f"{topic}[:2] == " for topic in topics)
        raw_lengths = " and " + "".join(f"len({topic}) == " for topic in topics) + "32" if topics else ""
        digits = " + ".join(f"{part}[2:]" for part in [*topics, "data"])
        hash_text = hash_of_signature(self._event.signature)
        self._namespace["hash_text"] = hash_text
        self._namespace["hash_bytes"] = bytes.fromhex(hash_text[2:])
        known_text = "" if self._event.anonymous else "first == hash_text and "
        known_bytes = "True" if self._event.anonymous else "first == hash_bytes"
        return [
            "w = None",
            "try:",
            f"    {', '.join([*first, *topics])}, = topics" if first or topics else "    () = topics",
            "    if data.__class__ is str:",
            f'        if {known_text}{hex_lengths}{hex_prefixes}data[:2] == "0x":',
            f"            w = from_hex({digits})",
            f"            if len(w) * 2 != len(data) + {2 * self._topics_size - 2}:",
            "                w = None",
            f"    elif {known_bytes}{raw_lengths}:",
            f'        w = b"".join(({"".join(f"{topic}, " for topic in topics)}data, ))',
            "except (TypeError, ValueError):",
            "    w = None",
            "if w is None:",
            "    w = log_bytes(topics, data)",
        ]

    @property
    def _all_static(self) -> bool:
        """Whether every parameter lies at a fixed place."""
        return all(item.indexed or not item.type.dynamic for item in self._event.parameters)

    def _state(self, size: int) -> list[str]:
        """Write the statement that makes the state, where anything asks for it."""
        if self._all_static and self._style.strict:
            return ["s = None"]
        limits = self._style.limits
        allowance = f"{limits.decode_factor} * (len(w) - {self._topics_size}) + {limits.decode_allowance}"
        return [f"s = [{allowance}, {size}, set()]"]

    def _hash(self, block: _Block, type_: ABIType) -> str:
        """Read a topic that holds the hash of its value."""
        value = self._take(block, "32s")
        if self._style.wire:
            return f'"0x" + {value}.hex()'
        return f"IndexedHash({value}, {type_.canonical!r})"

    # -- blocks -------------------------------------------------------------------------------------------

    def _place(self, block: _Block, type_: ABIType, path: str) -> str:
        """Add a type's fields to a block; the answer is the expression of its value."""
        if type_.dynamic:
            reader = self._reader(type_, path)
            pointer = self._take(block, "32s")
            return f"{reader}(w, {block.base} + from_bytes({pointer}), s)"
        if isinstance(type_, TupleType):
            names = unique_names(type_.names)
            values = [
                self._place(block, item, f"{path}.{name}")
                for name, item in zip(names, type_.items, strict=True)
            ]
            return self._assign(block, self._struct(names, values))
        if isinstance(type_, ArrayType):
            position = block.here
            items = self._items(type_.item, path)
            chunk = self._take(block, f"{type_.head_size}s", type_.head_size)
            return self._assign(block, f"{items}({chunk}, {position}, s)")
        return self._place_base(block, type_, path)

    def _place_base(self, block: _Block, type_: BaseType, path: str) -> str:
        """Add one word to a block: its padding, which must be clean, and its value."""
        base, position = type_.base, block.here
        if base in ("uint", "ufixed", "int", "fixed"):
            return self._scaled(self._place_number(block, type_, path), type_)
        if base == "address":
            self._padding(block, 12, position, path)
            value = f'"0x" + {self._take(block, "20s", 20)}.hex()'
            return f"checksum({value})" if self._style.checksum else value
        if base == "bool":
            self._padding(block, 31, position, path)
            value = self._take(block, "B", 1)
            block.statements += [f"if {value} > 1:", f"    dirty({position}, {path!r}, s)"]
            return f"{value} != 0"
        size = 24 if base == "function" else type_.size
        value = self._take(block, f"{size}s", size)
        if size < 32:
            self._padding(block, 32 - size, position, path)
        return f'"0x" + {value}.hex()' if self._style.wire or self._style.hex_bytes else value

    def _place_number(self, block: _Block, type_: BaseType, path: str) -> str:
        """Add an integer: padded with zeros, or with ones where it is negative."""
        signed, size, position = type_.base in ("int", "fixed"), type_.size // 8, block.here
        if size == 32:
            value = self._take(block, "32s")
            return f'from_bytes({value}, "big", signed=True)' if signed else f"from_bytes({value})"
        if not signed:
            self._padding(block, 32 - size, position, path)
            if type_.size in _STRUCT_CODES:
                return self._take(block, _STRUCT_CODES[type_.size].upper(), size)
            return f"from_bytes({self._take(block, f'{size}s', size)})"
        padding = self._take(block, f"{32 - size}s", 32 - size)
        if type_.size in _STRUCT_CODES:
            value = self._take(block, _STRUCT_CODES[type_.size], size)
        else:
            raw = self._take(block, f"{size}s", size)
            value = self._assign(block, f'from_bytes({raw}, "big", signed=True)')
        ones = self._constant(f"ones{32 - size}", b"\xff" * (32 - size))
        zeros = self._constant(f"zero{32 - size}", bytes(32 - size))
        block.statements += [
            f"if {padding} != ({ones} if {value} < 0 else {zeros}):",
            f"    dirty({position}, {path!r}, s)",
        ]
        return value

    def _scaled(self, value: str, type_: BaseType) -> str:
        """Turn an integer's expression into that of its value."""
        if "fixed" in type_.base:
            value = f"decimal({value}, {type_.scale})"
        return f"str({value})" if self._style.wire and "fixed" not in type_.base else value

    def _padding(self, block: _Block, size: int, position: str, path: str) -> None:
        """Add padding that must be zero."""
        zeros = self._constant(f"zero{size}", bytes(size))
        padding = self._take(block, f"{size}s", size)
        block.statements += [f"if {padding} != {zeros}:", f"    dirty({position}, {path!r}, s)"]

    def _take(self, block: _Block, code: str, size: int = 32) -> str:
        """Add a field to a block; the answer is its variable."""
        variable = self._fresh("v")
        block.format.append(code)
        block.variables.append(variable)
        block.size += size
        return variable

    def _assign(self, block: _Block, expression: str) -> str:
        """Put a value into a variable of its own."""
        variable = self._fresh("x")
        block.statements.append(f"{variable} = {expression}")
        return variable

    def _struct(self, names: tuple[str, ...], values: Sequence[str]) -> str:
        """Make the expression of a tuple's value."""
        if self._style.wire:
            return f"{{{', '.join(f'{name!r}: {value}' for name, value in zip(names, values, strict=True))}}}"
        made = self._fresh("struct")
        self._namespace[made] = struct_class(names)
        return f"{made}(({', '.join(values)},))"

    def _unpacking(self, block: _Block, arguments: str) -> list[str]:
        """Write the statements that take a block apart."""
        if not block.variables or block.size > _LONGEST_BLOCK:
            return []
        unpack = self._fresh("unpack")
        self._namespace[unpack] = struct.Struct(f">{''.join(block.format)}").unpack_from
        return [f"{', '.join(block.variables)}, = {unpack}({arguments})", *block.statements]

    # -- what pointers lead to ----------------------------------------------------------------------------

    def _reader(self, type_: ABIType, path: str) -> str:
        """Write the function that reads a dynamic type at a position; the answer is its name."""
        if isinstance(type_, TupleType):
            return self._tuple_reader(type_, path)
        if isinstance(type_, ArrayType):
            return self._array_reader(type_, path)
        return self._bytes_reader(type_, path)

    def _tuple_reader(self, type_: TupleType, path: str) -> str:
        """Write the reader of a tuple with dynamic members."""
        block = _Block("o", "o")
        names = unique_names(type_.names)
        values = [
            self._place(block, item, f"{path}.{name}" if path else name)
            for name, item in zip(names, type_.items, strict=True)
        ]
        body = [*self._charge("o", str(block.size), path), *self._unpacking(block, "w, o")]
        return self._function("tuple{}(w, o, s)", [*body, f"return {self._struct(names, values)}"])

    def _array_reader(self, type_: ArrayType, path: str) -> str:
        """Write the reader of an array: its length, where it isn't fixed, and its items."""
        size = 32 if type_.item.dynamic else type_.item.head_size
        if type_.length is None:
            body = [*self._charge("o", "32", path), f"n = from_bytes(w[o:o + 32]) * {size}", "o += 32"]
        else:
            body = [f"n = {type_.length * size}"]
        body += self._charge("o", "n", path)
        if type_.item.dynamic:
            reader = self._reader(type_.item, f"{path}[]")
            pointers = "words(w[o:o + n])"
            body.append(f"return [{reader}(w, o + from_bytes(v), s) for v, in {pointers}]")
        else:
            body.append(f"return {self._items(type_.item, path)}(w[o:o + n], o, s)")
        return self._function("array{}(w, o, s)", body)

    def _items(self, item: ABIType, path: str) -> str:
        """Write the function that reads the items of an array that are all of one static size."""
        block = _Block(f"o + {item.head_size} * len(r)", "o")
        value = self._place(block, item, f"{path}[]")
        if block.size > _LONGEST_BLOCK:
            return self._function("items{}(w, o, s)", ["return []"])
        unpack = self._fresh("unpack")
        self._namespace[unpack] = struct.Struct(f">{''.join(block.format)}").iter_unpack
        loop = f"for {', '.join(block.variables)}, in {unpack}(w)"
        if not block.statements:
            return self._function("items{}(w, o, s)", [f"return [{value} {loop}]"])
        body = ["r = []", f"{loop}:", *(f"    {line}" for line in block.statements)]
        return self._function("items{}(w, o, s)", [*body, f"    r.append({value})", "return r"])

    def _bytes_reader(self, type_: BaseType, path: str) -> str:
        """Write the reader of `bytes` and `string`: a length, then as many bytes, padded to whole words."""
        body = [
            *self._charge("o", "32", path),
            "n = from_bytes(w[o:o + 32])",
            "o += 32",
            "e = o + n",
            "n = (n + 31) & -32" if self._style.strict else f"n = padded(w, o, n, {path!r}, s)",
            *self._charge("o", "n", path),
            "if w[e:o + n] != zeros[:o + n - e]:",
            f"    dirty(e, {path!r}, s)",
        ]
        if type_.base == "string":
            body += [
                "try:",
                "    return w[o:e].decode()",
                "except UnicodeDecodeError as error:",
                f"    return not_text(w[o:e], o, error, {path!r}, s)",
            ]
        elif self._style.wire or self._style.hex_bytes:
            body.append('return "0x" + w[o:e].hex()')
        else:
            body.append("return w[o:e]")
        return self._function("bytes{}(w, o, s)", body)

    def _charge(self, position: str, size: str, path: str) -> list[str]:
        """Write the statements that take bytes off the allowance, before they are read."""
        return [
            f"end = {position} + {size}",
            "if end > len(w):",
            f"    short(w, {position}, {size}, {path!r})",
            f"s[0] -= {size}",
            "if s[0] < 0:",
            f"    overworked({position}, {path!r})",
            "if end > s[1]:",
            "    s[1] = end",
        ]

    # -- source -------------------------------------------------------------------------------------------

    def _function(self, head: str, body: Sequence[str]) -> str:
        """Add a function to the source; `{}` in its head becomes a number of its own."""
        self._count += 1
        head = head.format(self._count)
        self._lines += [f"def {head}:", *(f"    {line}" for line in body)]
        return head.partition("(")[0]

    def _fresh(self, prefix: str) -> str:
        """Make a name that nothing else has."""
        self._count += 1
        return f"{prefix}{self._count}"

    def _constant(self, name: str, value: object) -> str:
        """Make a value known to the source."""
        self._namespace[name] = value
        return name
