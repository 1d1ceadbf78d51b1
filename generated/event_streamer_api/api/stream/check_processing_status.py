from __future__ import annotations

from typing import TYPE_CHECKING

from ...types import (
    Operation,
    answer_of,
    in_path,
    in_query,
    integer,
)

if TYPE_CHECKING:
    from ...models.processing_status_response import ProcessingStatusResponse


def check_processing_status(subscription_id: int) -> Operation[ProcessingStatusResponse]:
    """
    Get whether a subscription is being processed now, and over how many connections.

    Args:
        subscription_id: The id of the subscription. 1 or more.

    Returns:
        The request. Its result: The status.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.processing_status_response import ProcessingStatusResponse

    integer(minimum=1, maximum=9007199254740991)(subscription_id, "check_processing_status: subscription_id")
    return Operation(
        operation_id="check_processing_status",
        method="GET",
        path=f"/subscriptions/{in_path(subscription_id)}/processing-status",
        params=in_query(),
        json=None,
        headers={},
        parse=answer_of(ProcessingStatusResponse.from_dict),
        safe=True,
    )
