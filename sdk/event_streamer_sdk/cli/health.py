"""`event-streamer health`: is the service there, and well?"""

import typer

from event_streamer_sdk.cli._connection import (
    DEFAULT_SUBSCRIBER,
    DEFAULT_URL,
    ApiKey,
    SubscriberId,
    Url,
    connect,
)
from event_streamer_sdk.cli._output import AsJson, write_details, write_json


def health(
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    subscriber_id: SubscriberId = DEFAULT_SUBSCRIBER,
    api_key: ApiKey = None,
) -> None:
    """Ask the service whether it is well; the exit code is 1 where it isn't."""
    with connect(url, subscriber_id, api_key) as client:
        answer = client.get_health()
    if as_json:
        write_json(answer)
    else:
        write_details({"Service": client.service_url, "Status": answer.status, "At": answer.timestamp})
    if answer.status != "healthy":
        raise typer.Exit(1)
