"""Models under the third import path of releases 0.4 and 0.5, the same as in `event_streamer_sdk.models`."""

from .models.abi import *  # noqa: F403
from .models.confirmations import *  # noqa: F403
from .models.subscriptions import *  # noqa: F403
