"""What a request says, read and checked: ids of the path, numbers of the query, JSON of the body."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import orjson
from starlette.requests import Request

from event_streamer_service.errors import BadRequest, BodyTooLarge, Unprocessable

LARGEST_ID = 2**53 - 1
"""Larger integers don't survive the JSON of every language (RFC 8259, section 6)."""
_LONGEST_NAME = 255
_NUL = rb"\u0000"
"""How JSON writes a NUL. A text may also hold these six characters as they are."""
_KEY = re.compile(rf"[ -~]{{1,{_LONGEST_NAME}}}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])+)"')
_DEEPEST = 64
"""Levels of a body. A tuple in a tuple costs two, and nobody's events have ten of them."""


class _Model(Protocol):
    @classmethod
    def from_dict(cls, src_dict: dict[str, Any]) -> Any: ...


M = TypeVar("M", bound=_Model)


async def read_object(request: Request, *, limit: int) -> dict[str, Any]:
    """
    Read a body that is a JSON object.

    Raises:
        BodyTooLarge: It has more than `limit` bytes.
        BadRequest: It is not JSON.
        Unprocessable: It is JSON, but no object, it is nested too deep, or one of its texts holds a NUL.
    """
    text = await read_body(request, limit=limit)
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise BadRequest(f"The body can't be read as JSON: {problem}.", title="Body is not JSON") from problem
    if not isinstance(body, dict):
        raise Unprocessable("The body must be a JSON object.")
    if not _is_shallow(body):
        raise Unprocessable(f"The body is nested more than {_DEEPEST} levels deep.")
    if _NUL in text.lower() and _holds_nul(body):
        raise Unprocessable("A text of the body holds a NUL character (\\u0000), which is not allowed.")
    return body


async def read_body(request: Request, *, limit: int) -> bytes:
    """Read a body; raises `BodyTooLarge` where it has more than `limit` bytes."""
    too_large = BodyTooLarge(f"The body has more than {limit} bytes.")
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and len(declared) < 20 and int(declared) > limit:
        raise too_large
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise too_large
        parts.append(part)
    return b"".join(parts)


def _holds_nul(value: object) -> bool:
    """Tell whether a text holds a NUL, which PostgreSQL can't store."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))


def _is_shallow(body: object) -> bool:
    """Tell whether what walks through a body, a call for each level, comes to its end."""
    level = [body]
    for _ in range(_DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return True
    return False


async def read_model(request: Request, model: type[M], *, limit: int) -> M:
    """
    Read a body as a model of the specification.

    Raises:
        BodyTooLarge, BadRequest, Unprocessable: As `read_object`.
        EventStreamerValidationError: A field is missing or breaks its rule.
    """
    result: M = model.from_dict(await read_object(request, limit=limit))
    return result


def path_id(request: Request, name: str = "subscription_id") -> int:
    """Return an id of the path, 1 or more."""
    return _integer(request.path_params[name], name, least=1, most=LARGEST_ID)


def path_block(request: Request, name: str = "block_number") -> int:
    """Return a block's number of the path, 0 or more."""
    return _integer(request.path_params[name], name, least=0, most=LARGEST_ID)


def path_name(request: Request, name: str) -> str:
    """Return a name of the path."""
    value: str = request.path_params[name]
    if len(value) > _LONGEST_NAME:
        raise Unprocessable(f"{name} must not be longer than {_LONGEST_NAME} characters.")
    return _without_nul(name, value)


def query_integer(request: Request, name: str, default: int, *, least: int, most: int) -> int:
    """Return an integer of the query, between `least` and `most`."""
    value = optional_query_integer(request, name, least=least, most=most)
    return default if value is None else value


def optional_query_integer(request: Request, name: str, *, least: int, most: int) -> int | None:
    """Return an integer of the query, between `least` and `most`, or `None`."""
    value = _single(request, name)
    return None if value is None else _integer(value, name, least=least, most=most)


def query_text(request: Request, name: str, *, longest: int = _LONGEST_NAME) -> str | None:
    """Return a text of the query, not empty, or `None`."""
    value = _single(request, name)
    if value is not None and not 1 <= len(value) <= longest:
        raise Unprocessable(f"{name} must have 1 to {longest} characters.")
    return None if value is None else _without_nul(name, value)


def idempotency_key(request: Request) -> str | None:
    """
    Return the request's `Idempotency-Key`, `None` where it has none.

    It may be written as the string of a structured field, in quotes (RFC 9651, section 3.3.3), as
    draft-ietf-httpapi-idempotency-key-header wants it, or without them: both are the same key.
    """
    values = request.headers.getlist("idempotency-key")
    if not values:
        return None
    if len(values) > 1 or not _KEY.fullmatch(values[0]):
        raise Unprocessable(
            f"Idempotency-Key must be one value of 1 to {_LONGEST_NAME} printable ASCII characters."
        )
    quoted = _QUOTED.fullmatch(values[0])
    return values[0] if quoted is None else re.sub(r"\\(.)", r"\1", quoted[1])


def header_object(request: Request, name: str, *, longest: int) -> dict[str, Any]:
    """Return a header that holds a JSON object; an absent one is an empty object."""
    value = request.headers.get(name)
    if value is None:
        return {}
    if len(value) > longest:
        raise Unprocessable(f"{name} must not be longer than {longest} characters.")
    return _parsed(value, lambda: Unprocessable(f"{name} must hold a JSON object."))


def _parsed(value: str, problem: Callable[[], Exception]) -> dict[str, Any]:
    try:
        result = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise problem() from None
    if not isinstance(result, dict):
        raise problem()
    return result


def _without_nul(name: str, value: str) -> str:
    if "\0" in value:
        raise Unprocessable(f"{name} must not hold a NUL character.")
    return value


def _single(request: Request, name: str) -> str | None:
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise Unprocessable(f"{name} may be given only once.")
    return values[0] if values else None


def _integer(text: str, name: str, *, least: int, most: int) -> int:
    # int() also takes "1_000", " 7 " and digits of other scripts, and refuses very long numbers.
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
    if value is None or not least <= value <= most:
        raise Unprocessable(f"{name} must be an integer between {least} and {most}.")
    return value
