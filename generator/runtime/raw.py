"""Results with the response that they were read from."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Generic, ParamSpec, TypeVar

from attrs import define, field

T = TypeVar("T")
P = ParamSpec("P")


@define(frozen=True, kw_only=True)
class RawResponse(Generic[T]):
    """
    The result of a call, with the response that it was read from.

    Attributes:
        status: The HTTP status.
        headers: The response's headers, looked up in lower case.
        request_id: The service's `X-Request-Id`, where it sent one.
        content: The body, decompressed.
        parsed: What the call itself gives.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    request_id: str | None
    content: bytes = field(repr=False)
    parsed: T


def raw_of(response: Any, parsed: T) -> RawResponse[T]:
    """
    Put a result beside its response.

    Args:
        response: The response: its status, headers and body.
        parsed: The result.

    Returns:
        Both.
    """
    return RawResponse(
        status=response.status,
        headers=response.headers,
        request_id=response.headers.get("x-request-id"),
        content=response.body,
        parsed=parsed,
    )


def keeping_async(
    client: Any, method: Callable[P, Awaitable[T]]
) -> Callable[P, Coroutine[Any, Any, RawResponse[T]]]:
    """
    Let a coroutine method of a client give its response, too.

    Args:
        client: The client; `_recording(seen)` gives one that hands each response to `seen`.
        method: Its method.

    Returns:
        The method that gives both.
    """

    @functools.wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
        responses: list[Any] = []
        recording = client._recording(responses.append)
        parsed: T = await getattr(recording, method.__name__)(*args, **kwargs)
        return raw_of(responses[-1], parsed)

    return call


def keeping(client: Any, method: Callable[P, T]) -> Callable[P, RawResponse[T]]:
    """
    Let a blocking method of a client give its response, too.

    Args:
        client: The client; `_recording(seen)` gives one that hands each response to `seen`.
        method: Its method.

    Returns:
        The method that gives both.
    """

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
        responses: list[Any] = []
        recording = client._recording(responses.append)
        parsed: T = getattr(recording, method.__name__)(*args, **kwargs)
        return raw_of(responses[-1], parsed)

    return call
