from __future__ import annotations

from typing import TYPE_CHECKING

from ...types import (
    Operation,
    answer_of,
    in_query,
    instance,
)

if TYPE_CHECKING:
    from ...models.chain_config_request import ChainConfigRequest
    from ...models.chain_config_response import ChainConfigResponse


def create_chain(config: ChainConfigRequest) -> Operation[ChainConfigResponse]:
    """
    Add a chain.

    Args:
        config: The ChainConfigRequest to send.

    Returns:
        The request. Its result: The chain as it is configured now.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.chain_config_response import ChainConfigResponse

    instance("ChainConfigRequest")(config, "create_chain: config")
    return Operation(
        operation_id="create_chain",
        method="POST",
        path="/api/chains",
        params=in_query(),
        json=config.to_dict(),
        headers={},
        parse=answer_of(ChainConfigResponse.from_dict),
        safe=False,
    )
