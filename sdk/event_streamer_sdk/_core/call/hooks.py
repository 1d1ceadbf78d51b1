"""What hooks are told of requests and responses: to look at, and never to change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypedDict

from attrs import field, frozen

from ... import exceptions as errors
from .service import SECRET_HEADERS


@frozen(kw_only=True)
class RequestInfo:
    """
    A request that is about to be sent; a repeated call is a request each time.

    Attributes:
        operation_id: The call's name, such as `get_chain`.
        method: Its method.
        url: Its URL, without the query.
        params: Its query.
        headers: Its headers; keys and other secrets are `***`.
    """

    operation_id: str
    method: str
    url: str
    params: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@frozen(kw_only=True)
class ResponseInfo:
    """
    What came of a request.

    Attributes:
        request: The request.
        status: The HTTP status, or None where no response came.
        headers: The response's headers, looked up in lower case.
        request_id: The service's `X-Request-Id`, where it sent one.
        seconds: How long it took, to the end of the body; of a stream to the end of the head.
        error: Why there is no response.
    """

    request: RequestInfo
    status: int | None
    headers: Mapping[str, str] = field(repr=False)
    request_id: str | None
    seconds: float
    error: Exception | None = None


class EventHooks(TypedDict, total=False):
    """Functions that are called for each request and each response, in their order; named as in httpx."""

    request: Iterable[Callable[[RequestInfo], Any]]
    response: Iterable[Callable[[ResponseInfo], Any]]


@frozen
class Hooks:
    """The hooks of a client."""

    request: tuple[Callable[[RequestInfo], Any], ...] = ()
    response: tuple[Callable[[ResponseInfo], Any], ...] = ()


def hooks_of(given: Mapping[str, Any] | None) -> Hooks | None:
    """
    Check what a user gives as `event_hooks`.

    Returns:
        The hooks, or None where there are none.

    Raises:
        EventStreamerValidationError: A kind that doesn't exist, or something that isn't a function.
    """
    if not given:
        return None
    unknown = set(given) - {"request", "response"}
    if unknown:
        raise errors.EventStreamerValidationError(
            f"event_hooks has 'request' and 'response', not {', '.join(map(repr, sorted(unknown)))}"
        )
    hooks = Hooks(tuple(given.get("request", ())), tuple(given.get("response", ())))
    for hook in (*hooks.request, *hooks.response):
        if not callable(hook):
            raise errors.EventStreamerValidationError(f"event_hooks takes lists of functions, got {hook!r}")
    return hooks


def without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """Give headers that may be shown, with `***` for what must not be seen."""
    return {name: "***" if name.lower() in SECRET_HEADERS else value for name, value in headers.items()}
