"""Where the service is and who asks: the options that all commands which call it share."""

from typing import Annotated

import typer

from event_streamer_sdk import SyncEventStreamer

Url = Annotated[
    str,
    typer.Option(
        "--url", envvar="EVENT_STREAMER_URL", help="Where the service is.", rich_help_panel="Service"
    ),
]
SubscriberId = Annotated[
    str,
    typer.Option(
        "--subscriber-id",
        envvar="EVENT_STREAMER_SUBSCRIBER_ID",
        help="Whose subscriptions are meant.",
        rich_help_panel="Service",
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        envvar="EVENT_STREAMER_API_KEY",
        help="The key that the service asks for; better in the environment than on the command line.",
        show_envvar=True,
        rich_help_panel="Service",
    ),
]

DEFAULT_URL = "http://localhost:8000"
"""The address in the SDK's examples, and where `event-streamer serve` listens."""

DEFAULT_SUBSCRIBER = "event-streamer-cli"


def connect(url: str, subscriber_id: str, api_key: str | None) -> SyncEventStreamer:
    """
    Make the client of a command; use it as a context manager.

    Args:
        url: The service's address.
        subscriber_id: Whose subscriptions are meant.
        api_key: The key, or None where the service asks for none.

    Returns:
        A client that has not connected yet.
    """
    return SyncEventStreamer(url, subscriber_id, api_key=api_key)
