from __future__ import annotations

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation


def stream_subscription(
    subscription_id: int, resume_token: str | None = None, *, x_client_metadata: str | None = None
) -> Operation[None]:
    """
    Open the stream of a subscription.

    The answer is one JSON object a line, ended by `\\n`, and lasts as long as the connection does.
    Without a resume token delivery goes on behind the unbroken run of acknowledged batches, or at
    `start_block`. A subscription whose `end_block` is delivered and acknowledged answers 204.

    Args:
        subscription_id: The id of the subscription. 1 or more.
        resume_token: Go on just behind the batch that carried this token. Opaque; URL-encode it.
        x_client_metadata: What the client says about itself, as compact ASCII JSON; kept with the
            connection.

    Returns:
        The request. Its result: The stream.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """

    _check.integer(minimum=1, maximum=9007199254740991)(
        subscription_id, "stream_subscription: subscription_id"
    )
    _check.nullable(_check.text(min_length=1, max_length=4096, secret=True))(
        resume_token, "stream_subscription: resume_token"
    )
    _check.nullable(_check.text(max_length=8192))(x_client_metadata, "stream_subscription: x_client_metadata")
    return Operation(
        operation_id="stream_subscription",
        method="GET",
        path=f"/subscriptions/{_send.in_path(subscription_id)}/stream",
        params=_send.in_query({"resume_token": resume_token}),
        json=None,
        headers=_send.in_headers({"X-Client-Metadata": x_client_metadata}),
        parse=_read.nothing,
        safe=True,
    )
