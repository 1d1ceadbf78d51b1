from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.chain_config_request import ChainConfigRequest
    from ...models.chain_config_response import ChainConfigResponse


def create_chain(
    config: ChainConfigRequest, *, idempotency_key: str | None = None
) -> Operation[ChainConfigResponse]:
    """
    Add a chain.

    Args:
        config: The ChainConfigRequest to send.
        idempotency_key: A name of this one request, unique among the caller's, such as a UUID. Sent
            again with the same key and body, the request does nothing more, and is answered as
            before, with the header `Idempotent-Replayed`; another body is refused with 409. The
            service remembers it for 24 hours, and a subscriber's last 1,000. The client library
            makes one for each call. Has the form `^[!-~]([ -~]*[!-~])?$`.

    Returns:
        The request. Its result: The chain as it is configured now (some services answer 200).

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.chain_config_response import ChainConfigResponse

    _check.instance("ChainConfigRequest")(config, "create_chain: config")
    _check.nullable(_check.text(min_length=1, max_length=255, pattern="^[!-~]([ -~]*[!-~])?$"))(
        idempotency_key, "create_chain: idempotency_key"
    )
    return Operation(
        operation_id="create_chain",
        method="POST",
        path="/api/chains",
        params={},
        json=config.to_dict(),
        headers=_send.in_headers({"Idempotency-Key": idempotency_key}),
        parse=_read.answer_of(ChainConfigResponse.from_dict),
        safe=False,
        keyed=True,
    )
