from __future__ import annotations

from typing import TYPE_CHECKING

from ...types import (
    Operation,
    answer_of,
    in_query,
)

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
        params=in_query(),
        json=None,
        headers={},
        parse=answer_of(HealthResponse.from_dict),
        safe=True,
    )
