# Printed from _async/client.py by `make generate`. Change it there, never here.
"""
The client of the service's calls, blocking.

Most of its methods are generated from openapi.yaml (`event_streamer_api.client`); what stands here does more
than its call. What needs no I/O is in `_base.py` and in `_core`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from event_streamer_api.errors import EventStreamerSDKError

from .._base import HEALTHY, BaseClient
from .._core.call.service import API_KEY_HEADER
from .._runs.answers_on_threads import settled
from ..exceptions import EventStreamerNotFoundError
from .http import SyncHTTP
from .raw_responses import SyncRawResponses
from .subscriptions import SyncSubscriptions

if TYPE_CHECKING:
    from types import TracebackType

    from event_streamer_api.models import (
        ABIEvent,
        SubscriptionCreate,
        SubscriptionResponse,
        SubscriptionUpdate,
    )
    from event_streamer_api.types import CallOptions, Operation

    from .._base import Source
    from .._core.call.service import Service
    from .._core.stream.options import StreamOptions
    from ..frames import EventFrame, FetchProgress
    from ..frames.fetching import Wanted
    from ..streaming_client import SyncStreamingClient

__all__ = ["SyncEventStreamer"]

T = TypeVar("T")

logger = logging.getLogger(__name__)


class SyncEventStreamer(BaseClient, SyncSubscriptions):
    """
    Client of an Event Streamer service, blocking.

    Use it as a context manager, or call `close` in the end. Calls that are safe to repeat are repeated
    when the service is unreachable or in trouble, with growing pauses; `Retry-After` is obeyed.

    Example:
        >>> with SyncEventStreamer("http://localhost:8000", "my-app") as client:
        ...     subscription = client.subscribe(
        ...         "Transfer(address indexed from, address indexed to, uint256 value)",
        ...         chain_id=1,
        ...         start_block=19_000_000,
        ...     )
    """

    _http_class = SyncHTTP

    def __enter__(self) -> Self:
        self._http.open_again()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """
        Stop the streams of this client, and close its connections to the service.

        An `http_client` of your own stays open. A later call raises `ClientClosedError`; entering the client
        again, with another `with`, opens it again: one client serves one event loop after another.
        """
        for streaming_client in list(self._streams):
            streaming_client.disconnect()
        self._http.close()

    @property
    def with_raw_response(self) -> SyncRawResponses:
        """
        The same calls, each with the response that its result was read from.

        Returns:
            An object whose methods give a `RawResponse`: `status`, `headers`, `request_id`, `content`, and
            `parsed`, which is what the call itself gives.

        Example:
            >>> answer = client.with_raw_response.get_chain(1)
            >>> print(answer.status, answer.request_id, answer.parsed.name)
        """
        return SyncRawResponses(self)

    def _service_now(self) -> Service:
        """The service with what a request carries just now: the key may change."""
        if self._key_function is None:
            return self._observed(self._service)
        key = settled(self._key_function(), self._key_function)
        return self._observed(self._service.with_headers({API_KEY_HEADER: key}))

    def _call(self, operation: Operation[T], options: CallOptions | None = None) -> T:
        made = self._with(options, operation.operation_id)
        result: T = made._http.request(
            operation,
            retries=made._retries,
            timeout=made._timeout,
            service=made._service_now(),
            seen=made._seen,
        )
        return result

    def _carry_out(self, steps: Generator[Operation[Any], Any, T], options: CallOptions | None = None) -> T:
        """Make the calls that `steps` asks for, one after the other."""
        try:
            operation = next(steps)
            while True:
                try:
                    answer = self._call(operation, options)
                except EventStreamerSDKError as error:
                    operation = steps.throw(error)
                else:
                    operation = steps.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result

    def create_subscription(
        self,
        subscription: SubscriptionCreate,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> SubscriptionResponse:
        """
        Create a subscription.

        The client's own `subscriber_id` is put in, and `topic0` is computed where it is left out. The call
        bears an `Idempotency-Key`, so that it is repeated safely, where the service heeds such keys.

        Args:
            subscription: The subscription.
            idempotency_key: A key of your own, 1 to 255 printable ASCII characters, to make the same call
                again from elsewhere or later: within a day the service creates nothing more, and gives the
                same answer. None for a new one.
            **options: See `CallOptions`.

        Returns:
            The subscription as the service keeps it, with its id.

        Raises:
            EventStreamerValidationError: If `topic0` is not that of the event, or the service refuses it.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        from .._core.subscriptions import completed, create

        return self._carry_out(create(completed(subscription, self.subscriber_id), idempotency_key), options)

    def get_or_create_subscription(
        self, subscription: SubscriptionCreate, **options: Unpack[CallOptions]
    ) -> SubscriptionResponse:
        """
        Get the subscription that asks for just this, or create it where there is none.

        The same subscriber, event, chain, contracts, topics, first and last block are the same
        subscription: the oldest one where there are several. Programs that call this at the same time get
        one and the same. `update_subscription` makes another one of it.

        The service has a call for this. One that lacks it is asked for its list instead.

        Args:
            subscription: The subscription.
            **options: See `CallOptions`.

        Returns:
            The subscription as the service keeps it, with its id, and with its progress.

        Raises:
            EventStreamerValidationError: If `topic0` is not that of the event, or the service refuses it.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        from .._core.subscriptions import completed, get_or_create

        return self._carry_out(get_or_create(completed(subscription, self.subscriber_id)), options)

    def subscribe(
        self,
        event: ABIEvent | Source,
        name: str | None = None,
        *,
        chain_id: int,
        start_block: int,
        end_block: int | None = None,
        addresses: str | Iterable[str] = (),
        where: Mapping[str, Any] | None = None,
        new: bool = False,
        **options: Unpack[CallOptions],
    ) -> SubscriptionResponse:
        """
        Subscribe to an event in one call; called again with the same values, it gives the same subscription.

        So a program that starts anew goes on where the service knows it to be, and several workers that
        run the same program share one subscription. See `get_or_create_subscription`.

        Args:
            event: The event: an ABIEvent, a human-readable line, or an ABI in any form.
            name: The event's name or signature, where `event` is an ABI of several.
            chain_id: The EIP-155 id of the chain.
            start_block: The first block, 0 or more.
            end_block: The last block, or None for a subscription that goes on with the chain.
            addresses: The contracts; none for all contracts.
            where: Which of the event's logs are wanted: values of indexed parameters by name, or lists of
                up to 100 alternatives. The service asks its node for these logs alone.
            new: Create a subscription of its own, which delivers from `start_block` on, also where there is
                an equal one.
            **options: See `CallOptions`.

        Returns:
            The subscription as the service keeps it, with its id.

        Raises:
            EventStreamerValidationError: If the event or another value is wrong.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.

        Example:
            >>> client.subscribe(erc20_abi, "Transfer", chain_id=1, start_block=19_000_000)
            >>> alice = "0xA0b86a33E6417b3c4555ba476F04245600306D5D"
            >>> client.subscribe(
            ...     erc20_abi, "Transfer", chain_id=1, start_block=19_000_000, where={"to": [alice]}
            ... )
        """
        from .._core.subscriptions import subscription_to

        self._check_options("subscribe", options)
        wanted = subscription_to(
            event,
            name,
            addresses=addresses,
            chain_id=chain_id,
            start_block=start_block,
            end_block=end_block,
            where=where,
        )
        if new:
            return self.create_subscription(wanted, **options)
        return self.get_or_create_subscription(wanted, **options)

    def fetch(
        self,
        event: ABIEvent | Source,
        name: str | None = None,
        *,
        chain_id: int,
        start_block: int,
        end_block: int,
        addresses: str | Iterable[str] = (),
        columns: Iterable[str] | None = None,
        where: str | Mapping[str, Any] | None = None,
        progress: bool | Callable[[FetchProgress], object] = False,
        wait: bool = False,
        max_events: int = 5_000_000,
        **options: Unpack[StreamOptions],
    ) -> EventFrame:
        """
        Fetch all events of a range of blocks into memory: for a table, a data frame or a plot.

        It makes a subscription of its own, reads it to its end, and removes it, also when it fails or is
        interrupted. It needs pyarrow, extra `[arrow]`. The events are held as Arrow: about 330 bytes for each
        Transfer. For more than fits in memory there is
        `create_streaming_client(…).run(into=sink_for("transfers.parquet"))`.

        Args:
            event: The event: an ABIEvent, a human-readable line, or an ABI in any form.
            name: The event's name or signature, where `event` is an ABI of several.
            chain_id: The EIP-155 id of the chain.
            start_block: The first block, 0 or more.
            end_block: The last block, which counts.
            addresses: The contracts; none for all contracts.
            columns: The parameters that are wanted; all where not given.
            where: Values of indexed parameters by name, as for `subscribe`: the service sends these events
                alone. Or a condition, such as `value > 10**24`: the others are left out here.
            progress: True for a line on standard error, or a function that gets a `FetchProgress` about once
                a second.
            wait: Whether to wait for blocks that the chain doesn't have yet; else they are an error.
            max_events: Most events, 1 or more; with one more the fetch ends with an error.
            **options: See `StreamOptions`.

        Returns:
            The events.

        Raises:
            EventStreamerValidationError: If a value is wrong, or the range ends in the future.
            FrameTooLargeError: There are more than `max_events`.
            MissingExtraError: pyarrow isn't installed.
            EventStreamerSDKError: If a call or the stream fails.

        Example:
            >>> blocks = {"start_block": 19_000_000, "end_block": 19_000_100}
            >>> frame = client.fetch(erc20_abi, "Transfer", chain_id=1, **blocks)
            >>> frame.to_pandas().groupby("to")["value"].sum()
        """
        from ..frames.fetching import wanted

        what = wanted(
            event,
            name,
            chain_id=chain_id,
            start_block=start_block,
            end_block=end_block,
            addresses=addresses,
            columns=columns,
            where=where,
            progress=progress,
            wait=wait,
            max_events=max_events,
            options=options,
        )
        return self._fetch(what)

    def _fetch(self, wanted: Wanted) -> EventFrame:
        """Stream a subscription of its own into memory, and remove it."""
        from ..frames.fetching import Collector, removing, subscribing

        collector = Collector(wanted)
        number = self._carry_out(subscribing(wanted, self.subscriber_id))
        stream = None
        try:
            stream = self.create_streaming_client(number, **wanted.options)
            stream.on_gap(collector.take_gap)
            return collector.frame(stream.run(into=collector, handle_signals=False))
        finally:
            if stream is not None:
                stream.disconnect()
            self._carry_out(removing(number))

    def update_subscription(
        self, subscription_id: int, update: SubscriptionUpdate, **options: Unpack[CallOptions]
    ) -> SubscriptionResponse:
        """
        Change the fields of a subscription that are given.

        Fields that are left out stay as they are; an explicit `end_block=None` makes the subscription
        live. Where the event changes, `topic0` follows it.

        Args:
            subscription_id: The id of the subscription, 1 or more.
            update: What changes.
            **options: See `CallOptions`.

        Returns:
            The subscription as it is now.

        Raises:
            EventStreamerValidationError: If `topic0` is not that of the event, or the service refuses it.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        from event_streamer_api.api import subscriptions

        from .._core.subscriptions import completed_update

        call = subscriptions.update_subscription(subscription_id, completed_update(update))
        return self._call(call, options)

    def health_check(self, **options: Unpack[CallOptions]) -> bool:
        """
        Say whether the service is up and healthy, whatever is wrong with it.

        What is wrong, also a mistyped address, is logged (`info`); `get_health()` raises it.

        Args:
            **options: See `CallOptions`. Unless told otherwise, it is tried once.

        Returns:
            True if it answers that it is healthy; False in every other case.
        """
        from event_streamer_api.api import health

        self._check_options("health_check", options)
        try:
            answer = self._call(health.get_health(), {"max_retries": 0, **options})
        except EventStreamerSDKError as error:
            logger.info("health_check: %s", error)
            return False
        if answer.status != HEALTHY:
            logger.info("health_check: the service says that it is %r", answer.status)
        return bool(answer.status == HEALTHY)

    def get_subscription_last_processed_block(
        self, subscription_id: int, chain_id: int | None = None, **options: Unpack[CallOptions]
    ) -> int | None:
        """
        Get the last block that was processed for a subscription.

        Args:
            subscription_id: The id of the subscription, 1 or more.
            chain_id: The chain of the subscription.
            **options: See `CallOptions`.

        Returns:
            The block number, or None where the subscription is not being processed or has no block yet.

        Raises:
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        from event_streamer_api.api import stream

        try:
            call = stream.get_subscription_last_processed_block(subscription_id, chain_id)
            answer = self._call(call, options)
        except EventStreamerNotFoundError:
            return None
        return answer.last_processed_block

    def create_streaming_client(
        self,
        subscription_id: int,
        *,
        resume_token: str | None = None,
        client_metadata: dict[str, Any] | None = None,
        auto_acknowledge: bool = True,
        batch_ack_interval: float = 3.0,
        **options: Unpack[StreamOptions],
    ) -> SyncStreamingClient:
        """
        Make a client for the stream of a subscription.

        Args:
            subscription_id: The id of the subscription, 1 or more.
            resume_token: Where to go on, as `get_current_resume_token` gave it; None for where the service
                stands.
            client_metadata: What your program says about itself, for the service's log.
            auto_acknowledge: Whether a batch is acknowledged when its handlers have succeeded.
            batch_ack_interval: Seconds between two acknowledgements; what gathers meanwhile goes in one.
            **options: See `StreamOptions`.

        Returns:
            The client, which has not connected yet.

        Raises:
            EventStreamerValidationError: If an argument is wrong.
        """
        from ..streaming_client import SyncStreamingClient

        return SyncStreamingClient(
            self,
            subscription_id,
            resume_token=resume_token,
            client_metadata=client_metadata,
            auto_acknowledge=auto_acknowledge,
            batch_ack_interval=batch_ack_interval,
            **options,
        )
