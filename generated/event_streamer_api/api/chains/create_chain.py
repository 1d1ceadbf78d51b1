from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ...types import Operation

if TYPE_CHECKING:
    from ...models.chain_config_request import ChainConfigRequest
    from ...models.chain_config_response import ChainConfigResponse


def create_chain(config: ChainConfigRequest) -> Operation[ChainConfigResponse]:
    """
    Add a chain.

    Args:
        config: The ChainConfigRequest to send.

    Returns:
        The request. Its result: The chain as it is configured now (some services answer 200).

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.chain_config_response import ChainConfigResponse

    _check.instance("ChainConfigRequest")(config, "create_chain: config")
    return Operation(
        operation_id="create_chain",
        method="POST",
        path="/api/chains",
        params={},
        json=config.to_dict(),
        headers={},
        parse=_read.answer_of(ChainConfigResponse.from_dict),
        safe=False,
    )
