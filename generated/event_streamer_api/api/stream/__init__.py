"""The calls of one tag of openapi.yaml."""

from .acknowledge_batch import acknowledge_batch
from .acknowledge_batch_bulk import acknowledge_batch_bulk
from .check_processing_status import check_processing_status
from .get_subscription_last_processed_block import get_subscription_last_processed_block
from .send_heartbeat import send_heartbeat
from .stream_subscription import stream_subscription
from .watch_subscription import watch_subscription

__all__ = (
    "acknowledge_batch",
    "acknowledge_batch_bulk",
    "check_processing_status",
    "get_subscription_last_processed_block",
    "send_heartbeat",
    "stream_subscription",
    "watch_subscription",
)
