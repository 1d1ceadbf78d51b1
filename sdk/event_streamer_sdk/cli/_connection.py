"""Where the service is and who asks: the options that all commands which call it share."""

from typing import Annotated

import typer
from attrs import frozen

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.cli._shared import given_by

DEFAULT_URL = "http://localhost:8000"
"""The address in the SDK's examples, and where `event-streamer serve` listens."""

DEFAULT_SUBSCRIBER = "event-streamer-cli"
_PANEL = "Service"


URL = Annotated[
    str, typer.Option(envvar="EVENT_STREAMER_URL", help="Where the service is.", rich_help_panel=_PANEL)
]
SubscriberId = Annotated[
    str,
    typer.Option(
        envvar="EVENT_STREAMER_SUBSCRIBER_ID", help="Whose subscriptions are meant.", rich_help_panel=_PANEL
    ),
]
APIKey = Annotated[
    str | None,
    typer.Option(
        envvar="EVENT_STREAMER_API_KEY",
        help="The key that the service asks for; better in the environment than on the command line.",
        rich_help_panel=_PANEL,
    ),
]


def connect(
    url: URL = DEFAULT_URL, subscriber_id: SubscriberId = DEFAULT_SUBSCRIBER, api_key: APIKey = None
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


@frozen
class Place:
    """
    Where the service is and who asks, for commands that may want either client.

    Attributes:
        url: The service's address.
        subscriber_id: Whose subscriptions are meant.
        api_key: The key, or None where the service asks for none.
    """

    url: str
    subscriber_id: str
    api_key: str | None

    def blocking(self) -> SyncEventStreamer:
        """Make a blocking client."""
        return SyncEventStreamer(self.url, self.subscriber_id, api_key=self.api_key)

    def asynchronous(self) -> EventStreamer:
        """Make a client for asyncio."""
        return EventStreamer(self.url, self.subscriber_id, api_key=self.api_key)


def place(
    url: URL = DEFAULT_URL, subscriber_id: SubscriberId = DEFAULT_SUBSCRIBER, api_key: APIKey = None
) -> Place:
    """
    Keep what the options say, for a command that makes its client itself.

    Args:
        url: The service's address.
        subscriber_id: Whose subscriptions are meant.
        api_key: The key, or None where the service asks for none.

    Returns:
        The place.
    """
    return Place(url, subscriber_id, api_key)


knows_the_service = given_by(place=place)
"""Gives a command the `place` of the service, by the same options."""
