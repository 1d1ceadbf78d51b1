"""Where the service is and who asks: the options that all commands which call it share."""

from typing import Annotated

import typer

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.cli._shared import given_by

DEFAULT_URL = "http://localhost:8000"
"""The address in the SDK's examples, and where `event-streamer serve` listens."""

_PANEL = "Service"


def connect(
    url: Annotated[
        str,
        typer.Option(envvar="EVENT_STREAMER_URL", help="Where the service is.", rich_help_panel=_PANEL),
    ] = DEFAULT_URL,
    subscriber_id: Annotated[
        str,
        typer.Option(
            envvar="EVENT_STREAMER_SUBSCRIBER_ID",
            help="Whose subscriptions are meant.",
            rich_help_panel=_PANEL,
        ),
    ] = "event-streamer-cli",
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="EVENT_STREAMER_API_KEY",
            help="The key that the service asks for; better in the environment than on the command line.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
) -> SyncEventStreamer:
    """
    Make the client of a command.

    Args:
        url: The service's address.
        subscriber_id: Whose subscriptions are meant.
        api_key: The key, or None where the service asks for none.

    Returns:
        A client that has not connected yet.
    """
    return SyncEventStreamer(url, subscriber_id, api_key=api_key)


calls_the_service = given_by(client=connect)
"""Gives a command its `client`, made as the options `--url`, `--subscriber-id` and `--api-key` say."""
