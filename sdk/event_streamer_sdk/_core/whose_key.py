"""Whose API key it is, for what needs a name where the client was given none."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from event_streamer_api.api import overview
from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_api.models import OverviewResponse
from event_streamer_api.types import Operation

from ..exceptions import EventStreamerNotFoundError


def subscriber_of_key() -> Generator[Operation[Any], Any, str]:
    """
    Ask the service whose key the client has.

    Yields:
        The next call. Send its result, or throw its error.

    Returns:
        The subscriber's id.

    Raises:
        EventStreamerValidationError: The service doesn't tell, or the key belongs to no subscriber.
        EventStreamerSDKError: The error of the call, where it failed.
    """
    try:
        answer: OverviewResponse = yield overview.get_overview()
    except EventStreamerNotFoundError:
        raise _missing("this service doesn't say whose API key this is") from None
    name = answer.caller.subscriber_id
    if not name:
        raise _missing("the API key doesn't belong to a subscriber")
    return name


def _missing(why: str) -> EventStreamerValidationError:
    return EventStreamerValidationError(f"{why}: give the client a subscriber_id", field="subscriber_id")
