"""What comes of a request."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from ... import exceptions as errors


@frozen(kw_only=True)
class Response:
    """
    A whole response.

    Attributes:
        status: The HTTP status.
        headers: Its headers, looked up in lower case.
        body: Its body, decompressed; empty where a stream is read elsewhere.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


@frozen
class NoResponse:
    """
    No response came, or none that can be read.

    Attributes:
        error: What is to be raised if the request is not repeated.
        sent: Whether the request may have reached the service all the same.
        hopeless: Whether the next attempt would fail in the same way, as with an untrusted certificate.
    """

    error: errors.EventStreamerSDKError
    sent: bool
    hopeless: bool = False
