"""Models of errors, health and chains under the import path of releases 0.4 and 0.5."""

from event_streamer_api.models import ErrorResponse as ErrorResponse
from event_streamer_api.models import HealthResponse as HealthResponse
from event_streamer_sdk.models.chains import *  # noqa: F403
