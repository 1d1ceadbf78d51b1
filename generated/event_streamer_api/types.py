"""What models and calls share: bases of models and enums, files, unknown values, `Operation`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from enum import IntEnum, StrEnum
from typing import (
    IO,
    TYPE_CHECKING,
    Any,
    Final,
    Generic,
    Literal,
    Self,
    TypedDict,
    TypeVar,
)

from attrs import Factory, define, field, fields

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "UNSET"  # copies and pickles are the one that there is


UNSET: Final[Any] = _Unset()
"""Stands inside models for a field that was left out where an explicit None means something else."""


class Model:
    """The base of all models: a readable repr and access to the fields that the API does not name."""

    # Fields that the message had as null or not at all though they have a default, so that `to_dict` gives
    # the same JSON. Not a field of attrs: two models are equal whatever they were read from.
    # Nor is the id of the request that it answers, which a field of that name takes the place of.
    __slots__ = ("_arrived", "_request_id")

    if TYPE_CHECKING:
        request_id: str | None
        """The service's `X-Request-Id`, where the model is the answer to a call; else None."""
        _request_id: str | None
        additional_properties: dict[str, Any]
        _arrived: Mapping[str, Any]

        @classmethod
        def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
            """Read the model from decoded JSON."""
            raise NotImplementedError

        def to_dict(self, *, include_none: bool = False) -> dict[str, Any]:
            """Write the model as JSON values."""
            raise NotImplementedError

    else:

        @property
        def request_id(self):
            """The service's `X-Request-Id`, where the model is the answer to a call; else None."""
            return getattr(self, "_request_id", None)

    def __repr__(self) -> str:
        shown = []
        for attribute in fields(type(self)):  # type: ignore[arg-type]  # every subclass is an attrs class
            value = getattr(self, attribute.name)
            if value is UNSET or (value is None and attribute.alias == attribute.name):
                continue
            if attribute.name == "additional_properties" and not value:
                continue
            shown.append(
                f"{attribute.alias}={'***' if attribute.metadata.get('secret') and value else repr(value)}"
            )
        return f"{type(self).__name__}({', '.join(shown)})"

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __contains__(self, key: object) -> bool:
        return key in self.additional_properties

    def _as_arrived(self, result: dict[str, Any]) -> dict[str, Any]:
        """Write what the message had as null or not at all as it was, where nobody has changed it since."""
        arrived = getattr(self, "_arrived", None)
        if arrived is None:
            return result
        model: Any = type(self)
        defaults = _defaults_of(model)
        for wire, was in arrived.items():
            name, default = defaults[wire]
            if getattr(self, name) != default:
                continue
            if was is UNSET:
                result.pop(wire, None)
            else:
                result[wire] = None
        return result


@functools.cache
def _defaults_of(model: Any) -> dict[str, tuple[str, Any]]:
    """The attribute of each field of the wire, and what it is where the field is left out."""
    found = {}
    for attribute in fields(model):
        default: Any = attribute.default
        # attrs says that a Factory is a function of no arguments; typeshed doesn't know it as a class.
        value = default.factory() if isinstance(default, Factory) else default  # type: ignore[arg-type]
        found[attribute.metadata.get("wire", attribute.name)] = (attribute.name, value)
    return found


class TextEnum(StrEnum):
    """An enum of strings. A value that a newer service sends becomes a member that isn't listed."""

    @classmethod
    def arrived(cls, value: str) -> Self:
        """Get the member of a value, also of one that isn't listed."""
        try:
            return cls(value)
        except ValueError:
            member = str.__new__(cls, value)
            member._name_, member._value_ = value, value
            return member

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return type(self).arrived, (str(self),)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: Any) -> Self:
        return self


class NumberEnum(IntEnum):
    """An enum of integers. A value that a newer service sends becomes a member that isn't listed."""

    @classmethod
    def arrived(cls, value: int) -> Self:
        """Get the member of a value, also of one that isn't listed."""
        try:
            return cls(value)
        except ValueError:
            member = int.__new__(cls, value)
            member._name_, member._value_ = str(value), value
            return member

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return type(self).arrived, (int(self),)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: Any) -> Self:
        return self


@define(frozen=True)
class Unknown:
    """
    A value of a type that this version of the library doesn't know, as the service sent it.

    Attributes:
        value: The decoded JSON. What it holds is also had by `unknown["name"]`.
    """

    value: Any

    def __getitem__(self, key: Any) -> Any:
        return self.value[key]

    def __contains__(self, key: object) -> bool:
        return key in self.value

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, Unknown) else other))

    def __hash__(self) -> int:
        return hash(str(self.value))

    def to_dict(self, *, include_none: bool = False) -> Any:
        """Get the JSON as it came. It has no fields of which `include_none` could add any."""
        del include_none
        return self.value


@define
class File:
    """
    A file to be sent, or text of the format `binary`.

    Attributes:
        payload: What it holds, or a binary file object that is read when the request is built.
        file_name: The name that the service is told.
        mime_type: The content type that the service is told.
    """

    payload: bytes | IO[bytes]
    file_name: str | None = None
    mime_type: str | None = None

    def read(self) -> bytes:
        """Get what the file holds."""
        return self.payload if isinstance(self.payload, bytes) else self.payload.read()


class Closed(dict[str, Any]):
    """Fields that came, beyond those that a closed object may have: kept, though nobody may add any."""


Kind = Literal["json", "text", "bytes"]
"""How the body of an answer is to be read."""


def as_json(_status: int) -> Kind:
    """Say that an answer of any status is JSON."""
    return "json"


@define(frozen=True, kw_only=True)
class Operation(Generic[T]):
    """
    One request, ready to be sent by anything that speaks HTTP, and how to read its answer.

    Attributes:
        operation_id: The call's name.
        method: The HTTP method, upper case.
        path: The path, with its values percent-encoded, to be appended to the service's URL.
        params: The query.
        json: The body as JSON values, or None.
        headers: Headers of this request alone.
        parse: Takes the status and the body of a successful answer and gives the result; raises
            EventStreamerValidationError if the answer is not what the API promises.
        safe: Whether it may be sent again when it is unknown if the first one arrived.
        keyed: Whether that is so with an `Idempotency-Key`, where the service heeds it.
        content: A body that is not `json`, as it is sent; `headers` hold its Content-Type.
        read_as: Takes the status of a successful answer and says what `parse` wants: the decoded JSON,
            text, or bytes.
    """

    operation_id: str
    method: str
    path: str
    params: Mapping[str, Any]
    json: Any
    headers: Mapping[str, str]
    parse: Callable[[int, Any], T]
    safe: bool
    keyed: bool = False
    content: bytes | None = None
    read_as: Callable[[int], Kind] = field(default=as_json)


class CallOptions(TypedDict, total=False):
    """
    Options of one call, which every method of a client takes beside its own arguments; all may be left out.

    What is left out is as the client is set; `with_options` sets the same for many calls.

    Attributes:
        timeout: Seconds for one attempt, from connecting to the end of the answer, or an `httpx.Timeout`;
            None for no limit.
        max_retries: How often the call is repeated where that is safe, 0 or more.
        headers: More headers of this call; they win over the client's.

    Example:
        >>> chain = await client.get_chain(1, timeout=2, max_retries=0, headers={"X-Trace": "a1"})
    """

    timeout: float | httpx.Timeout | None
    max_retries: int
    headers: Mapping[str, str]


__all__ = ["UNSET", "CallOptions", "File", "Kind", "Model", "Operation", "Unknown"]
