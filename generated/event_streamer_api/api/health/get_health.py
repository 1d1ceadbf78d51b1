from __future__ import annotations

from typing import TYPE_CHECKING

from ... import reading as _read
from ...types import Operation

if TYPE_CHECKING:
    from ...models.health_response import HealthResponse


def get_health() -> Operation[HealthResponse]:
    """
    Get the health of the service.

    Needs no API key. `status` is `healthy` while the service can do its work.

    Returns:
        The request. Its result: The service is up.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.health_response import HealthResponse

    return Operation(
        operation_id="get_health",
        method="GET",
        path="/health",
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(HealthResponse.from_dict),
        safe=True,
    )
