from __future__ import annotations

from typing import TYPE_CHECKING

from ... import reading as _read
from ...types import Operation

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
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(ChainListResponse.from_dict),
        safe=True,
    )
