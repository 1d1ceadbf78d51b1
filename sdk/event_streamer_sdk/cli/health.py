"""`event-streamer health`: is the service there, and well?"""

import typer

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.cli._connection import calls_the_service
from event_streamer_sdk.cli._output import AsJson, write_answer


@calls_the_service
def health(client: SyncEventStreamer, as_json: AsJson = False) -> None:
    """Ask whether the service is healthy; the exit code is 1 if it isn't."""
    answer = client.get_health()
    details = {"Service": client.service_url, "Status": answer.status, "At": answer.timestamp}
    write_answer(answer, as_json, details)
    if answer.status != "healthy":
        raise typer.Exit(1)
