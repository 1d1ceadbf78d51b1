from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.batch_acknowledgment_request import BatchAcknowledgmentRequest
    from ...models.batch_acknowledgment_response import BatchAcknowledgmentResponse


def acknowledge_batch(
    subscription_id: int, connection_id: str, acknowledgment: BatchAcknowledgmentRequest
) -> Operation[BatchAcknowledgmentResponse]:
    """
    Acknowledge one batch of a stream.

    An acknowledgement belongs to the connection that delivered the batch. Doing it twice does no
    harm.

    Args:
        subscription_id: The id of the subscription. 1 or more.
        connection_id: The connection, as `X-Connection-Id` named it.
        acknowledgment: The BatchAcknowledgmentRequest to send.

    Returns:
        The request. Its result: Whether the batch is acknowledged.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.batch_acknowledgment_response import BatchAcknowledgmentResponse

    _check.integer(minimum=1, maximum=9007199254740991)(subscription_id, "acknowledge_batch: subscription_id")
    _check.text(min_length=1, max_length=255)(connection_id, "acknowledge_batch: connection_id")
    _check.instance("BatchAcknowledgmentRequest")(acknowledgment, "acknowledge_batch: acknowledgment")
    return Operation(
        operation_id="acknowledge_batch",
        method="POST",
        path=f"/subscriptions/{_send.in_path(subscription_id)}/stream/{_send.in_path(connection_id)}/ack/batch",
        params={},
        json=acknowledgment.to_dict(),
        headers={},
        parse=_read.answer_of(BatchAcknowledgmentResponse.from_dict),
        safe=True,
    )
