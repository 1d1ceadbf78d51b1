"""A call of the API → the request that makes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from event_streamer_api.types import Operation

from ... import exceptions as errors
from .service import Service, merged_headers

_EMPTY_OR_DOTS = frozenset({"", ".", ".."})


@frozen(kw_only=True)
class Request:
    """A request, before it is written in the form of any protocol."""

    method: str
    url: str
    params: Mapping[str, Any]
    content: bytes | None
    headers: Mapping[str, str]


def request_of(service: Service, operation: Operation[Any]) -> Request:
    """
    Write a call as a request.

    Raises:
        EventStreamerValidationError: If the body holds what JSON cannot, or an argument of the path would
            make it another path.
    """
    path = operation.path
    # A slash at the end is the document's: the arguments that end a path are refused when it is written.
    if ("//" in path or "/." in path) and not _EMPTY_OR_DOTS.isdisjoint(path.rstrip("/").split("/")[1:]):
        # They would be taken out of the path on the way (RFC 3986, section 5.2.4), percent-encoded or not.
        raise errors.EventStreamerValidationError(
            f"{operation.operation_id}: an argument is empty, '.' or '..': {path} would ask for "
            "another resource"
        )
    content, headers = operation.content, merged_headers(service.headers, operation.headers)
    if operation.json is not None:
        try:
            content = json.dumps(
                operation.json, ensure_ascii=False, allow_nan=False, separators=(",", ":")
            ).encode()
        except (ValueError, TypeError) as error:
            raise errors.EventStreamerValidationError(
                f"{operation.operation_id}: the body cannot be written as JSON: {error}"
            ) from None
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
    return Request(
        method=operation.method,
        url=f"{service.url}{operation.path}",
        params=operation.params,
        content=content,
        headers=headers,
    )
