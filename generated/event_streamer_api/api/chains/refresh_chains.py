from __future__ import annotations

from typing import TYPE_CHECKING

from ... import reading as _read
from ...types import Operation

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
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(ChainConfigResponse.from_dict),
        safe=True,
    )
