from __future__ import annotations

from typing import TYPE_CHECKING

from ...types import (
    Operation,
    answer_of,
    in_query,
)

if TYPE_CHECKING:
    from ...models.chain_config_response import ChainConfigResponse


def refresh_chains() -> Operation[ChainConfigResponse]:
    """
    Read the chain configurations from the database again.

    Returns:
        The request. Its result: The configurations are read.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.chain_config_response import ChainConfigResponse

    return Operation(
        operation_id="refresh_chains",
        method="POST",
        path="/api/chains/refresh",
        params=in_query(),
        json=None,
        headers={},
        parse=answer_of(ChainConfigResponse.from_dict),
        safe=True,
    )
