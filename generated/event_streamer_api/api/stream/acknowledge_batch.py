from __future__ import annotations

from typing import TYPE_CHECKING

from ...types import (
    Operation,
    answer_of,
    in_path,
    in_query,
    instance,
    integer,
    text,
)

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

    integer(minimum=1, maximum=9007199254740991)(subscription_id, "acknowledge_batch: subscription_id")
    text(min_length=1, max_length=255)(connection_id, "acknowledge_batch: connection_id")
    instance("BatchAcknowledgmentRequest")(acknowledgment, "acknowledge_batch: acknowledgment")
    return Operation(
        operation_id="acknowledge_batch",
        method="POST",
        path=f"/subscriptions/{in_path(subscription_id)}/stream/{in_path(connection_id)}/ack/batch",
        params=in_query(),
        json=acknowledgment.to_dict(),
        headers={},
        parse=answer_of(BatchAcknowledgmentResponse.from_dict),
        safe=True,
    )
