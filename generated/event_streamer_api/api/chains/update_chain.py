from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

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

    _check.integer(minimum=1, maximum=9007199254740991)(chain_id, "update_chain: chain_id")
    _check.instance("ChainConfigRequest")(config, "update_chain: config")
    return Operation(
        operation_id="update_chain",
        method="PUT",
        path=f"/api/chains/{_send.last_in_path(chain_id)}",
        params={},
        json=config.to_dict(),
        headers={},
        parse=_read.answer_of(ChainConfigResponse.from_dict),
        safe=True,
    )
