from __future__ import annotations

from typing import TYPE_CHECKING

from ...types import (
    Operation,
    answer_of,
    in_path,
    in_query,
    instance,
    integer,
)

if TYPE_CHECKING:
    from ...models.chain_config_request import ChainConfigRequest
    from ...models.chain_config_response import ChainConfigResponse


def update_chain(chain_id: int, config: ChainConfigRequest) -> Operation[ChainConfigResponse]:
    """
    Replace one chain's configuration.

    The `chain_id` of the body has to be the one of the path.

    Args:
        chain_id: The EIP-155 id of the chain. 1 or more.
        config: The ChainConfigRequest to send.

    Returns:
        The request. Its result: The chain as it is configured now.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.chain_config_response import ChainConfigResponse

    integer(minimum=1, maximum=9007199254740991)(chain_id, "update_chain: chain_id")
    instance("ChainConfigRequest")(config, "update_chain: config")
    return Operation(
        operation_id="update_chain",
        method="PUT",
        path=f"/api/chains/{in_path(chain_id)}",
        params=in_query(),
        json=config.to_dict(),
        headers={},
        parse=answer_of(ChainConfigResponse.from_dict),
        safe=True,
    )
