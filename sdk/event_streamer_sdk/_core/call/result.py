"""A successful response → the result of its call."""

from __future__ import annotations

import json
from typing import TypeVar

from event_streamer_api.types import Model, Operation

from ... import exceptions as errors
from .compat import normalised
from .errors import details_of
from .outcome import Response

T = TypeVar("T")


def result_of(operation: Operation[T], response: Response) -> T:
    """
    Read a successful answer.

    Raises:
        EventStreamerResponseError: If the answer is not what the API promises; names the call and the field.
    """
    kind = operation.read_as(response.status)
    if kind != "json":
        return operation.parse(response.status, response.body if kind == "bytes" else _text_of(response))
    try:
        body = json.loads(response.body) if response.body else None
    except (ValueError, RecursionError):
        told = response.headers.get("content-type", "no content type")
        raise errors.EventStreamerResponseError(
            f"{operation.operation_id}: the answer ({response.status}, {told}) is not JSON",
            **details_of(operation, response),
        ) from None
    try:
        result = operation.parse(response.status, normalised(operation.operation_id, body))
    except errors.EventStreamerValidationError as error:
        raise errors.EventStreamerResponseError(
            f"{operation.operation_id}: the answer ({response.status}) is not what the API promises: {error}",
            **{**details_of(operation, response), "body": body},
        ) from error
    if isinstance(result, Model):
        # Past attrs, which would look for such a field of the model's first.
        object.__setattr__(result, "_request_id", response.headers.get("x-request-id"))
    return result


def _text_of(response: Response) -> str:
    """Read a body as text: in the charset that the answer names, where Python knows it, else in UTF-8."""
    from email.message import Message  # seldom needed, and slow to import

    kind = Message()
    kind["Content-Type"] = response.headers.get("content-type", "text/plain")
    try:
        return response.body.decode(kind.get_content_charset("utf-8"), "replace")
    except LookupError:
        return response.body.decode("utf-8", "replace")
