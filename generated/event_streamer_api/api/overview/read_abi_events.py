from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ...types import Operation

if TYPE_CHECKING:
    from ...models.abi_events_request import AbiEventsRequest
    from ...models.abi_events_response import AbiEventsResponse


def read_abi_events(document: AbiEventsRequest) -> Operation[AbiEventsResponse]:
    """
    Read the events of an ABI, with the topic0 of each.

    Takes what people have: a JSON ABI, an artifact of Hardhat, Foundry or Truffle, the output of a
    compiler, or lines of Solidity. Nothing is stored.

    Args:
        document: The AbiEventsRequest to send.

    Returns:
        The request. Its result: The events, in the order of the source.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.abi_events_response import AbiEventsResponse

    _check.instance("AbiEventsRequest")(document, "read_abi_events: document")
    return Operation(
        operation_id="read_abi_events",
        method="POST",
        path="/api/abi/events",
        params={},
        json=document.to_dict(),
        headers={},
        parse=_read.answer_of(AbiEventsResponse.from_dict),
        safe=True,
    )
