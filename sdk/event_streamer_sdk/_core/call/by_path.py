"""A call of the user's own making: any method and path → an operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from event_streamer_api.types import Kind, Operation

from ... import exceptions as errors

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that may be repeated whatever they do (RFC 9110, section 9.2.2)."""


def operation_of(
    method: str,
    path: str,
    params: Mapping[str, Any] | None,
    json: Any,
) -> Operation[Any]:
    """
    Make an operation of a method and a path.

    Args:
        method: The HTTP method.
        path: The path below the service's URL.
        params: The query; None values are left out.
        json: The body as JSON values, or None.

    Returns:
        The operation. Its result is the decoded JSON.

    Raises:
        EventStreamerValidationError: If the method or the path can't be one.
    """
    if not isinstance(method, str) or not method.isascii() or not method.isalpha():
        raise errors.EventStreamerValidationError(f"{method!r} is not an HTTP method", field="method")
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("//"):
        # Anything else would lead to another service, and the key with it.
        raise errors.EventStreamerValidationError(
            f"path {path!r} must begin with a single '/': it is a path below service_url", field="path"
        )
    if "?" in path or "#" in path or not path.isascii() or not path.isprintable() or " " in path:
        raise errors.EventStreamerValidationError(
            f"path {path!r} may not have a query, a fragment or characters to be percent-encoded: "
            "params= takes the query, urllib.parse.quote encodes",
            field="path",
        )
    return Operation(
        operation_id=f"{method.upper()} {path}",
        method=method.upper(),
        path=path,
        params={name: value for name, value in (params or {}).items() if value is not None},
        json=json,
        headers={},
        parse=lambda _status, body: body,
        safe=method.upper() in _SAFE,
        read_as=_json,
    )


def _json(_status: int) -> Kind:
    return "json"
