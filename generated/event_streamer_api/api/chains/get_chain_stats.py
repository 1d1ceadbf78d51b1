from __future__ import annotations

from typing import TYPE_CHECKING

from ... import reading as _read
from ...types import Operation

if TYPE_CHECKING:
    from ...models.chain_stats_response import ChainStatsResponse


def get_chain_stats() -> Operation[ChainStatsResponse]:
    """
    Get figures on the configured chains.

    Returns:
        The request. Its result: The figures.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.chain_stats_response import ChainStatsResponse

    return Operation(
        operation_id="get_chain_stats",
        method="GET",
        path="/api/chains/stats",
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(ChainStatsResponse.from_dict),
        safe=True,
    )
