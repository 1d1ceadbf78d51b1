from __future__ import annotations

from typing import TYPE_CHECKING

from ... import reading as _read
from ...types import Operation

if TYPE_CHECKING:
    from ...models.overview_response import OverviewResponse


def get_overview() -> Operation[OverviewResponse]:
    """
    Get what goes on in the service now.

    Chains with their nodes, the pace of the subscriptions that are being delivered, open
    connections, and what went wrong lately. A subscriber sees its own subscriptions and connections
    alone. No node is asked for what a watcher knows, and of others no more often than every 15 s.

    Returns:
        The request. Its result: The overview.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.overview_response import OverviewResponse

    return Operation(
        operation_id="get_overview",
        method="GET",
        path="/api/overview",
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(OverviewResponse.from_dict),
        safe=True,
    )
