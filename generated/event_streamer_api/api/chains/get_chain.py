from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.chain_config_response import ChainConfigResponse


def get_chain(chain_id: int) -> Operation[ChainConfigResponse]:
    """
    Get one chain's configuration.

    Args:
        chain_id: The EIP-155 id of the chain. 1 or more.

    Returns:
        The request. Its result: The configuration.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.chain_config_response import ChainConfigResponse

    _check.integer(minimum=1, maximum=9007199254740991)(chain_id, "get_chain: chain_id")
    return Operation(
        operation_id="get_chain",
        method="GET",
        path=f"/api/chains/{_send.last_in_path(chain_id)}",
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(ChainConfigResponse.from_dict),
        safe=True,
    )
