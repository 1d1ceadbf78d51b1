from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.bulk_batch_acknowledgment_request import (
        BulkBatchAcknowledgmentRequest,
    )
    from ...models.bulk_batch_acknowledgment_response import (
        BulkBatchAcknowledgmentResponse,
    )


def acknowledge_batch_bulk(
    subscription_id: int, connection_id: str, acknowledgment: BulkBatchAcknowledgmentRequest
) -> Operation[BulkBatchAcknowledgmentResponse]:
    """
    Acknowledge many batches of a stream at once.

    Ids that the service does not know for this connection come back in `failed_batch_ids`.

    Args:
        subscription_id: The id of the subscription. 1 or more.
        connection_id: The connection, as `X-Connection-Id` named it.
        acknowledgment: The BulkBatchAcknowledgmentRequest to send.

    Returns:
        The request. Its result: How many are acknowledged, and which are not.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.bulk_batch_acknowledgment_response import (
        BulkBatchAcknowledgmentResponse,
    )

    _check.integer(minimum=1, maximum=9007199254740991)(
        subscription_id, "acknowledge_batch_bulk: subscription_id"
    )
    _check.text(min_length=1, max_length=255)(connection_id, "acknowledge_batch_bulk: connection_id")
    _check.instance("BulkBatchAcknowledgmentRequest")(
        acknowledgment, "acknowledge_batch_bulk: acknowledgment"
    )
    return Operation(
        operation_id="acknowledge_batch_bulk",
        method="POST",
        path=f"/subscriptions/{_send.in_path(subscription_id)}/stream/{_send.in_path(connection_id)}/ack/batch/bulk",
        params={},
        json=acknowledgment.to_dict(),
        headers={},
        parse=_read.answer_of(BulkBatchAcknowledgmentResponse.from_dict),
        safe=True,
    )
