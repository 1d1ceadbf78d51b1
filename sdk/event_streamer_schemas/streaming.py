"""Streaming models under the import path of releases 0.4 and 0.5."""

from event_streamer_sdk.models.streaming import *  # noqa: F403
