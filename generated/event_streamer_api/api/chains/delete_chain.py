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
    from ...models.chain_config_response import ChainConfigResponse


def delete_chain(chain_id: int) -> Operation[ChainConfigResponse]:
    """
    Deactivate one chain.

    Its subscriptions remain and go on when the chain is configured again.

    Args:
        chain_id: The EIP-155 id of the chain. 1 or more.

    Returns:
        The request. Its result: The chain is no longer active.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.chain_config_response import ChainConfigResponse

    integer(minimum=1, maximum=9007199254740991)(chain_id, "delete_chain: chain_id")
    return Operation(
        operation_id="delete_chain",
        method="DELETE",
        path=f"/api/chains/{in_path(chain_id)}",
        params=in_query(),
        json=None,
        headers={},
        parse=answer_of(ChainConfigResponse.from_dict),
        safe=True,
    )
