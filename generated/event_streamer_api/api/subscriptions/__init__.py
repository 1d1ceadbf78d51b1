"""The calls of one tag of openapi.yaml."""

from .create_subscription import create_subscription
from .delete_subscription import delete_subscription
from .get_or_create_subscription import get_or_create_subscription
from .get_subscription import get_subscription
from .list_subscriptions import list_subscriptions
from .update_subscription import update_subscription

__all__ = (
    "create_subscription",
    "delete_subscription",
    "get_or_create_subscription",
    "get_subscription",
    "list_subscriptions",
    "update_subscription",
)
