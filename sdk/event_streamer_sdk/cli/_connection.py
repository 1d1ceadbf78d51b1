"""Where the service is and who asks: the options that all commands which call it share."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from attrs import field, frozen

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.cli._settings import settings_at
from event_streamer_sdk.cli._shared import given_by
from event_streamer_sdk.exceptions import EventStreamerNotFoundError

DEFAULT_URL = "http://localhost:8000"
"""The address in the SDK's examples, and where `event-streamer serve` listens."""

DEFAULT_SUBSCRIBER = "event-streamer-cli"
_PANEL = "Service"


# Without a default of their own: what neither they nor the environment say may stand in the settings file.
URL = Annotated[
    str | None,
    typer.Option(
        envvar="EVENT_STREAMER_URL",
        help="Where the service is.",
        show_default=DEFAULT_URL,
        rich_help_panel=_PANEL,
    ),
]
SubscriberId = Annotated[
    str | None,
    typer.Option(
        envvar="EVENT_STREAMER_SUBSCRIBER_ID",
        help="The subscriber whose subscriptions are used.",
        show_default=f"the key's, else {DEFAULT_SUBSCRIBER}",
        rich_help_panel=_PANEL,
    ),
]
APIKey = Annotated[
    str | None,
    typer.Option(
        envvar="EVENT_STREAMER_API_KEY",
        help="The key that the service asks for; better in the environment or the settings file than on the "
        "command line.",
        rich_help_panel=_PANEL,
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        envvar="EVENT_STREAMER_CONFIG",
        help="The settings file, for what the options and the environment leave out.",
        rich_help_panel=_PANEL,
    ),
]


@frozen
class ServiceAccess:
    """
    Where the service is and who asks.

    Attributes:
        url: The service's address.
        subscriber_id: The subscriber whose subscriptions are used, or None for the key's.
        api_key: The key, or None where the service asks for none.
        settings_file: The settings file that was read, or None.
    """

    url: str
    subscriber_id: str | None
    api_key: str | None = field(repr=False)
    settings_file: Path | None

    @property
    def subscriber_told(self) -> str:
        """The subscriber in a sentence."""
        return "its subscriber" if self.subscriber_id is None else f"the subscriber {self.subscriber_id}"

    def blocking(self, **options: Any) -> SyncEventStreamer:
        """Make a blocking client, with more options of it."""
        return SyncEventStreamer(self.url, self.subscriber_id, api_key=self.api_key, **options)

    def asynchronous(self) -> EventStreamer:
        """Make a client for asyncio."""
        return EventStreamer(self.url, self.subscriber_id, api_key=self.api_key)


def place(
    url: URL = None,
    subscriber_id: SubscriberId = None,
    api_key: APIKey = None,
    settings_file: SettingsFile = None,
) -> ServiceAccess:
    """
    Settle where the service is, for a command that makes its client itself.

    Returns:
        The place: by the options and the environment, which typer has looked into, then the settings file.

    Raises:
        EventStreamerValidationError: The settings file can't be used.
    """
    settings, read = settings_at(settings_file)
    key, service = _first(api_key, settings.api_key), _first(url, settings.url)
    return ServiceAccess(
        DEFAULT_URL if service is None else service,
        _first(subscriber_id, settings.subscriber_id, None if key else DEFAULT_SUBSCRIBER),
        key,
        read,
    )


def _first(*values: str | None) -> str | None:
    """Give the first that was said; an empty option is said, too, and for the client to refuse."""
    return next((value for value in values if value is not None), None)


# typer finds the options of the next two where those of `place` are declared.
@functools.wraps(place, assigned=())
@contextmanager
def connect(**options: Any) -> Iterator[SyncEventStreamer]:
    """
    Make the client of a command.

    Raises:
        EventStreamerValidationError: The settings file, or a value, can't be used.
    """
    with place(**options).blocking() as client:
        try:
            yield client
        except EventStreamerNotFoundError as problem:
            if client.subscriber_id == DEFAULT_SUBSCRIBER:
                problem.add_note(
                    f"Asked as the subscriber {DEFAULT_SUBSCRIBER}: --subscriber-id names another one."
                )
            raise


@functools.wraps(place, assigned=())
def _later(**options: Any) -> Callable[[], ServiceAccess]:
    return functools.partial(place, **options)


calls_the_service = given_by(client=connect)
"""Gives a command its `client`, made as `--url`, `--subscriber-id`, `--api-key` and `--config` say."""

knows_the_service = given_by(place=place)
"""Gives a command the `place` of the service, by the same options."""


asks_for_the_service = given_by(find_place=_later)
"""Gives a command `find_place`, which settles the place: it tells itself what is wrong with the settings."""
