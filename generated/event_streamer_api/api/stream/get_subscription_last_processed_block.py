from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.last_processed_block_response import LastProcessedBlockResponse


def get_subscription_last_processed_block(
    subscription_id: int, chain_id: int | None = None
) -> Operation[LastProcessedBlockResponse]:
    """
    Get the last block that was processed for a subscription.

    404 says that the subscription is not being processed.

    Args:
        subscription_id: The id of the subscription. 1 or more.
        chain_id: The chain of the subscription. 1 or more.

    Returns:
        The request. Its result: The block number, or null before the first block.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.last_processed_block_response import LastProcessedBlockResponse

    _check.integer(minimum=1, maximum=9007199254740991)(
        subscription_id, "get_subscription_last_processed_block: subscription_id"
    )
    _check.nullable(_check.integer(minimum=1, maximum=9007199254740991))(
        chain_id, "get_subscription_last_processed_block: chain_id"
    )
    return Operation(
        operation_id="get_subscription_last_processed_block",
        method="GET",
        path=f"/subscriptions/{_send.in_path(subscription_id)}/last-processed-block",
        params=_send.in_query({"chain_id": chain_id}),
        json=None,
        headers={},
        parse=_read.answer_of(LastProcessedBlockResponse.from_dict),
        safe=True,
    )
