from __future__ import annotations

from typing import TYPE_CHECKING

from ...types import (
    Operation,
    answer_of,
    in_query,
)

if TYPE_CHECKING:
    from ...models.chain_list_response import ChainListResponse


def get_all_chains() -> Operation[ChainListResponse]:
    """
    List the active chains.

    Returns:
        The request. Its result: The chains.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.chain_list_response import ChainListResponse

    return Operation(
        operation_id="get_all_chains",
        method="GET",
        path="/api/chains",
        params=in_query(),
        json=None,
        headers={},
        parse=answer_of(ChainListResponse.from_dict),
        safe=True,
    )
