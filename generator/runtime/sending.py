"""From Python values to requests: JSON, parameters in each of OpenAPI's styles, forms and files."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from attrs import fields

from .errors import EventStreamerValidationError, invalid
from .types import File, Model, Unknown

_SEPARATORS = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}


def plain(value: Any, include_none: bool = False) -> Any:
    """
    Write any value that a field or an argument may hold as JSON values.

    Args:
        value: The value.
        include_none: What `to_dict` of models in it is given.

    Returns:
        What `json.dumps` can write.
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Model | Unknown):
        return value.to_dict(include_none=include_none)
    if isinstance(value, datetime.datetime):
        return to_iso(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, File):
        return value.read().decode()
    if isinstance(value, Mapping):
        return {key: plain(item, include_none) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, include_none) for item in value]
    return value


def to_iso(value: datetime.datetime) -> str:
    """Write a time as ISO 8601, with `Z` for UTC."""
    return value.isoformat().replace("+00:00", "Z")


def _text(value: Any) -> str:
    """Write one value outside of JSON."""
    if type(value) is str:
        return value
    value = plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "" if value is None else str(value)


def in_path(value: object, style: str = "simple", explode: bool = False, name: str = "") -> str:
    """Write a value as one segment of a path (RFC 6570, the expansions of OpenAPI's three path styles)."""
    if style == "simple" and (type(value) is int or type(value) is str):
        return _segment(value)
    value = plain(value)
    prefix, separator = {"label": (".", "."), "matrix": (";", ";")}.get(style, ("", ","))
    if style == "matrix":
        own, named = f";{name}=", explode
    else:
        own, named = prefix, False
    if isinstance(value, dict):
        pairs = [f"{_segment(key)}{'=' if explode else ','}{_segment(item)}" for key, item in value.items()]
        return (prefix if explode else own) + (separator if explode else ",").join(pairs)
    if isinstance(value, list):
        if named:
            return "".join(f";{name}={_segment(item)}" for item in value)
        return own + ("," if style == "matrix" or not explode else separator).join(map(_segment, value))
    return own + _segment(value)


def last_in_path(value: object, style: str = "simple", explode: bool = False, name: str = "") -> str:
    """Write a value as the last segment of a path, which is another path without it."""
    text = in_path(value, style, explode, name)
    if not text:
        raise EventStreamerValidationError(
            "the last argument of a path is empty: it would ask for another resource"
        )
    return text


def _segment(value: Any) -> str:
    if type(value) is int:
        return str(value)  # an id, as in most paths: digits are never encoded
    text = quote(_text(value), safe="")
    # A segment of dots alone would be taken for a way through the path.
    return text.replace(".", "%2E") if text in (".", "..") else text


def in_query(values: Mapping[str, Any], *styled: Mapping[str, Any]) -> dict[str, Any]:
    """Write the values that are not None as the parameters of a query."""
    written = {name: _query_value(value) for name, value in values.items() if value is not None}
    for each in styled:
        written |= each
    return written


def _query_value(value: Any) -> Any:
    if type(value) is int or type(value) is str:
        return value
    value = plain(value)
    if isinstance(value, list):
        return tuple(map(_text, value))
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else _text(value)


def styled(name: str, value: Any, style: str, explode: bool) -> dict[str, Any]:
    """
    Write a list or an object as parameters of a query.

    Args:
        name: The parameter's name.
        value: The value, or None for no parameter.
        style: `form`, `spaceDelimited`, `pipeDelimited`, `deepObject`, or `json` for a parameter with
            `content`.
        explode: Whether each item is a parameter of its own.

    Returns:
        The parameters.
    """
    value = plain(value)
    if value is None:
        return {}
    if style == "json":
        return {name: json.dumps(value, ensure_ascii=False, separators=(",", ":"))}
    if isinstance(value, dict):
        if style == "deepObject":
            return {f"{name}[{key}]": _query_value(item) for key, item in value.items()}
        if explode:
            return {key: _query_value(item) for key, item in value.items()}
        return {name: ",".join(f"{key},{_text(item)}" for key, item in value.items())}
    if isinstance(value, list):
        return {name: tuple(map(_text, value)) if explode else _joined(value, style)}
    return {name: _query_value(value)}


def _joined(value: list[Any], style: str) -> str:
    return _SEPARATORS.get(style, ",").join(map(_text, value))


def in_headers(
    values: Mapping[str, Any], cookies: Mapping[str, Any] | None = None, explode: frozenset[str] = frozenset()
) -> dict[str, str]:
    """
    Write the values that are not None as headers.

    Args:
        values: The headers by name.
        cookies: The cookies by name, which make up one header.
        explode: The headers that are objects, written as `key=value`.

    Returns:
        The headers.
    """
    headers = {
        name: _header(name, value, name in explode) for name, value in values.items() if value is not None
    }
    sent = {name: _header(name, value, False) for name, value in (cookies or {}).items() if value is not None}
    if sent:
        headers["Cookie"] = "; ".join(
            f"{name}={quote(text, safe=_COOKIE_SAFE)}" for name, text in sent.items()
        )
    return headers


# RFC 6265, section 4.1.1: cookie-octet, without the percent sign that begins an escape.
_COOKIE_SAFE = "!#$&'()*+-./:<=>?@[]^_`{|}~"


def _header(name: str, value: Any, explode: bool) -> str:
    value = plain(value)
    if isinstance(value, dict):
        text = ",".join(f"{key}{'=' if explode else ','}{_text(item)}" for key, item in value.items())
    else:
        text = ",".join(map(_text, value)) if isinstance(value, list) else _text(value)
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise invalid(name, "must be text without control characters, since it is sent in a header")
    return text


def json_content(value: Any) -> bytes:
    """Write a JSON body that may be null, which `Operation.json` can't say."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def raw_content(value: Any) -> bytes:
    """Write a body of bytes, a file or text."""
    if isinstance(value, File):
        return value.read()
    return bytes(value) if isinstance(value, bytes | bytearray) else _text(value).encode()


def form_content(value: Any) -> bytes:
    """Write a body as an HTML form (application/x-www-form-urlencoded)."""
    return urlencode(
        {
            name: [_text(item) for item in each] if isinstance(each, list) else _text(each)
            for name, each in plain(value).items()
            if each is not None
        },
        doseq=True,
    ).encode()


def multipart_content(value: Any) -> tuple[bytes, str]:
    """Write a body as a form with files (multipart/form-data); gives its Content-Type too."""
    import httpx

    parts: list[tuple[str, tuple[str | None, bytes, str]]] = []
    for name, each in _fields(value):
        for item in each if isinstance(each, list | tuple) else [each]:
            if isinstance(item, File | bytes):
                held = item if isinstance(item, File) else File(item)
                kind = held.mime_type or "application/octet-stream"
                parts.append((name, (held.file_name or name, held.read(), kind)))
            elif item is not None:
                kind = "application/json" if isinstance(plain(item), dict | list) else "text/plain"
                parts.append((name, (None, _text(item).encode(), kind)))
    request = httpx.Request("POST", "http://localhost", files=parts or {"": (None, b"")})
    return request.read(), request.headers["Content-Type"]


def _fields(value: Any) -> list[tuple[str, Any]]:
    """The fields of a model by their names on the wire, with files as they are."""
    if isinstance(value, Mapping):
        return list(value.items())
    found = [
        (attribute.metadata.get("wire", attribute.name), getattr(value, attribute.name))
        for attribute in fields(type(value))
        if attribute.name != "additional_properties"
    ]
    return found + list(value.additional_properties.items())
