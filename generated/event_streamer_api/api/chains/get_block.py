from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.block_response import BlockResponse


def get_block(chain_id: int, block_number: int) -> Operation[BlockResponse]:
    """
    Get one block's hash and time.

    Asks a node of the chain. Dates are resolved to blocks with it.

    Args:
        chain_id: The EIP-155 id of the chain. 1 or more.
        block_number: The number of the block. 0 or more.

    Returns:
        The request. Its result: The block.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.block_response import BlockResponse

    _check.integer(minimum=1, maximum=9007199254740991)(chain_id, "get_block: chain_id")
    _check.integer(minimum=0, maximum=9007199254740991)(block_number, "get_block: block_number")
    return Operation(
        operation_id="get_block",
        method="GET",
        path=f"/api/chains/{_send.in_path(chain_id)}/blocks/{_send.last_in_path(block_number)}",
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(BlockResponse.from_dict),
        safe=True,
    )
