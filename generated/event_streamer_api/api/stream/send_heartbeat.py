from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.client_heartbeat_request import ClientHeartbeatRequest
    from ...models.client_heartbeat_response import ClientHeartbeatResponse


def send_heartbeat(
    connection_id: str, heartbeat: ClientHeartbeatRequest
) -> Operation[ClientHeartbeatResponse]:
    """
    Tell the service that the client of a connection is alive.

    A service may close a connection whose client stays silent for several heartbeat intervals.

    Args:
        connection_id: The connection, as `X-Connection-Id` named it.
        heartbeat: The ClientHeartbeatRequest to send.

    Returns:
        The request. Its result: The heartbeat arrived.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.client_heartbeat_response import ClientHeartbeatResponse

    _check.text(min_length=1, max_length=255)(connection_id, "send_heartbeat: connection_id")
    _check.instance("ClientHeartbeatRequest")(heartbeat, "send_heartbeat: heartbeat")
    return Operation(
        operation_id="send_heartbeat",
        method="POST",
        path=f"/stream/{_send.in_path(connection_id)}/heartbeat",
        params={},
        json=heartbeat.to_dict(),
        headers={},
        parse=_read.answer_of(ClientHeartbeatResponse.from_dict),
        safe=True,
    )
