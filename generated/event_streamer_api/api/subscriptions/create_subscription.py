from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.subscription_create import SubscriptionCreate
    from ...models.subscription_response import SubscriptionResponse


def create_subscription(
    subscription: SubscriptionCreate, *, idempotency_key: str | None = None
) -> Operation[SubscriptionResponse]:
    """
    Create a subscription.

    Delivery begins when a client opens the stream of the new subscription. Without an API key the
    `subscriber_id` of the body owns the subscription; with one, the key's subscriber does.

    Args:
        subscription: The SubscriptionCreate to send.
        idempotency_key: A name of this one request, unique among the caller's, such as a UUID. Sent
            again with the same key and body, the request does nothing more, and is answered as
            before, with the header `Idempotent-Replayed`; another body is refused with 409. The
            service remembers it for 24 hours, and a subscriber's last 1,000. The client library
            makes one for each call. Has the form `^[!-~]([ -~]*[!-~])?$`.

    Returns:
        The request. Its result: The subscription, with its id (some services answer 200).

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.subscription_response import SubscriptionResponse

    _check.instance("SubscriptionCreate")(subscription, "create_subscription: subscription")
    _check.nullable(_check.text(min_length=1, max_length=255, pattern="^[!-~]([ -~]*[!-~])?$"))(
        idempotency_key, "create_subscription: idempotency_key"
    )
    return Operation(
        operation_id="create_subscription",
        method="POST",
        path="/subscriptions",
        params={},
        json=subscription.to_dict(),
        headers=_send.in_headers({"Idempotency-Key": idempotency_key}),
        parse=_read.answer_of(SubscriptionResponse.from_dict),
        safe=False,
        keyed=True,
    )
