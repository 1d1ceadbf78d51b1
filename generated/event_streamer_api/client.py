"""Every call of the API as a method, for asyncio and for blocking clients, printed from one template."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar, Unpack

from .api import chains as _chains
from .api import circuit_breakers as _circuit_breakers
from .api import health as _health
from .api import overview as _overview
from .api import stream as _stream
from .api import subscriptions as _subscriptions
from .raw import keeping, keeping_async

if TYPE_CHECKING:
    from .models.abi_events_request import AbiEventsRequest
    from .models.abi_events_response import AbiEventsResponse
    from .models.activity_response import ActivityResponse
    from .models.batch_acknowledgment_request import BatchAcknowledgmentRequest
    from .models.batch_acknowledgment_response import BatchAcknowledgmentResponse
    from .models.block_response import BlockResponse
    from .models.bulk_batch_acknowledgment_request import BulkBatchAcknowledgmentRequest
    from .models.bulk_batch_acknowledgment_response import (
        BulkBatchAcknowledgmentResponse,
    )
    from .models.chain_config_request import ChainConfigRequest
    from .models.chain_config_response import ChainConfigResponse
    from .models.chain_list_response import ChainListResponse
    from .models.chain_stats_response import ChainStatsResponse
    from .models.circuit_breaker_config_response import CircuitBreakerConfigResponse
    from .models.circuit_breaker_health_response import CircuitBreakerHealthResponse
    from .models.circuit_breaker_metrics import CircuitBreakerMetrics
    from .models.circuit_breaker_reset_response import CircuitBreakerResetResponse
    from .models.circuit_breaker_status_response import CircuitBreakerStatusResponse
    from .models.client_heartbeat_request import ClientHeartbeatRequest
    from .models.client_heartbeat_response import ClientHeartbeatResponse
    from .models.health_response import HealthResponse
    from .models.overview_response import OverviewResponse
    from .models.processing_status_response import ProcessingStatusResponse
    from .models.subscription_list_response import SubscriptionListResponse
    from .models.subscription_response import SubscriptionResponse
    from .types import CallOptions, Operation

T = TypeVar("T")


class AsyncCalls(ABC):
    """
    The calls of the API as coroutine methods; a client supplies how a request is sent.

    Each of them takes the options of `CallOptions`, too: `timeout`, `max_retries` and `headers` for this call.
    """

    subscriber_id: str | None

    @abstractmethod
    async def _call(self, operation: Operation[T], options: CallOptions | None = None) -> T:
        """Send a request and give its result."""

    async def get_health(self, **options: Unpack[CallOptions]) -> HealthResponse:
        """
        Get the health of the service.

        Needs no API key. `status` is `healthy` while the service can do its work.

        Args:
            **options: See `CallOptions`.

        Returns:
            The service is up.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _health.get_health(),
            options,
        )

    async def list_subscriptions(
        self, page: int = 1, page_size: int = 20, **options: Unpack[CallOptions]
    ) -> SubscriptionListResponse:
        """
        List the subscriber's subscriptions, a page at a time.

        Ordered by id. A page past the last one is empty.

        Args:
            page: Which page, counted from 1. 1 or more; default 1.
            page_size: How many subscriptions a page holds. 1 or more; default 20.
            **options: See `CallOptions`.

        Returns:
            One page, and how many there are in all.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _subscriptions.list_subscriptions(
                subscriber_id=self.subscriber_id,
                page=page,
                page_size=page_size,
            ),
            options,
        )

    async def get_subscription(
        self, subscription_id: int, **options: Unpack[CallOptions]
    ) -> SubscriptionResponse:
        """
        Get one subscription.

        Args:
            subscription_id: The id of the subscription. 1 or more.
            **options: See `CallOptions`.

        Returns:
            The subscription.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _subscriptions.get_subscription(
                subscription_id=subscription_id,
                subscriber_id=self.subscriber_id,
            ),
            options,
        )

    async def delete_subscription(self, subscription_id: int, **options: Unpack[CallOptions]) -> bool:
        """
        Delete a subscription and end its streams.

        Args:
            subscription_id: The id of the subscription. 1 or more.
            **options: See `CallOptions`.

        Returns:
            True. The subscription is gone.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _subscriptions.delete_subscription(
                subscription_id=subscription_id,
            ),
            options,
        )

    async def acknowledge_batch(
        self,
        subscription_id: int,
        connection_id: str,
        acknowledgment: BatchAcknowledgmentRequest,
        **options: Unpack[CallOptions],
    ) -> BatchAcknowledgmentResponse:
        """
        Acknowledge one batch of a stream.

        An acknowledgement belongs to the connection that delivered the batch. Doing it twice does no
        harm.

        Args:
            subscription_id: The id of the subscription. 1 or more.
            connection_id: The connection, as `X-Connection-Id` named it.
            acknowledgment: The BatchAcknowledgmentRequest to send.
            **options: See `CallOptions`.

        Returns:
            Whether the batch is acknowledged.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _stream.acknowledge_batch(
                subscription_id=subscription_id,
                connection_id=connection_id,
                acknowledgment=acknowledgment,
            ),
            options,
        )

    async def acknowledge_batch_bulk(
        self,
        subscription_id: int,
        connection_id: str,
        acknowledgment: BulkBatchAcknowledgmentRequest,
        **options: Unpack[CallOptions],
    ) -> BulkBatchAcknowledgmentResponse:
        """
        Acknowledge many batches of a stream at once.

        Ids that the service does not know for this connection come back in `failed_batch_ids`.

        Args:
            subscription_id: The id of the subscription. 1 or more.
            connection_id: The connection, as `X-Connection-Id` named it.
            acknowledgment: The BulkBatchAcknowledgmentRequest to send.
            **options: See `CallOptions`.

        Returns:
            How many are acknowledged, and which are not.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _stream.acknowledge_batch_bulk(
                subscription_id=subscription_id,
                connection_id=connection_id,
                acknowledgment=acknowledgment,
            ),
            options,
        )

    async def send_heartbeat(
        self, connection_id: str, heartbeat: ClientHeartbeatRequest, **options: Unpack[CallOptions]
    ) -> ClientHeartbeatResponse:
        """
        Tell the service that the client of a connection is alive.

        A service may close a connection whose client stays silent for several heartbeat intervals.

        Args:
            connection_id: The connection, as `X-Connection-Id` named it.
            heartbeat: The ClientHeartbeatRequest to send.
            **options: See `CallOptions`.

        Returns:
            The heartbeat arrived.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _stream.send_heartbeat(
                connection_id=connection_id,
                heartbeat=heartbeat,
            ),
            options,
        )

    async def check_processing_status(
        self, subscription_id: int, **options: Unpack[CallOptions]
    ) -> ProcessingStatusResponse:
        """
        Get whether a subscription is being processed now, and over how many connections.

        Args:
            subscription_id: The id of the subscription. 1 or more.
            **options: See `CallOptions`.

        Returns:
            The status.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _stream.check_processing_status(
                subscription_id=subscription_id,
            ),
            options,
        )

    async def get_circuit_breaker_status(
        self, **options: Unpack[CallOptions]
    ) -> CircuitBreakerStatusResponse:
        """
        Get the state of all circuit breakers.

        Args:
            **options: See `CallOptions`.

        Returns:
            The circuit breakers by name.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _circuit_breakers.get_circuit_breaker_status(),
            options,
        )

    async def get_circuit_breaker_health(
        self, **options: Unpack[CallOptions]
    ) -> CircuitBreakerHealthResponse:
        """
        Get how many circuit breakers are healthy.

        Args:
            **options: See `CallOptions`.

        Returns:
            The summary.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _circuit_breakers.get_circuit_breaker_health(),
            options,
        )

    async def get_circuit_breaker_config(
        self, **options: Unpack[CallOptions]
    ) -> CircuitBreakerConfigResponse:
        """
        Get the thresholds of the circuit breakers.

        Args:
            **options: See `CallOptions`.

        Returns:
            The configuration.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _circuit_breakers.get_circuit_breaker_config(),
            options,
        )

    async def reset_all_circuit_breakers(self, **options: Unpack[CallOptions]) -> CircuitBreakerResetResponse:
        """
        Close all circuit breakers.

        Args:
            **options: See `CallOptions`.

        Returns:
            How many there are; all are closed now.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _circuit_breakers.reset_all_circuit_breakers(),
            options,
        )

    async def get_circuit_breaker_metrics(
        self, name: str, **options: Unpack[CallOptions]
    ) -> CircuitBreakerMetrics:
        """
        Get the figures of one circuit breaker.

        Args:
            name: The name of the circuit breaker.
            **options: See `CallOptions`.

        Returns:
            The figures.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _circuit_breakers.get_circuit_breaker_metrics(
                name=name,
            ),
            options,
        )

    async def reset_circuit_breaker(
        self, name: str, **options: Unpack[CallOptions]
    ) -> CircuitBreakerResetResponse:
        """
        Close one circuit breaker.

        Args:
            name: The name of the circuit breaker.
            **options: See `CallOptions`.

        Returns:
            The circuit breaker is closed.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _circuit_breakers.reset_circuit_breaker(
                name=name,
            ),
            options,
        )

    async def get_all_chains(self, **options: Unpack[CallOptions]) -> ChainListResponse:
        """
        List the active chains.

        Args:
            **options: See `CallOptions`.

        Returns:
            The chains.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _chains.get_all_chains(),
            options,
        )

    async def create_chain(
        self,
        config: ChainConfigRequest,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> ChainConfigResponse:
        """
        Add a chain.

        Args:
            config: The ChainConfigRequest to send.
            idempotency_key: A name of this one request, unique among the caller's, such as a UUID. Sent
                again with the same key and body, the request does nothing more, and is answered as
                before, with the header `Idempotent-Replayed`; another body is refused with 409. The
                service remembers it for 24 hours, and a subscriber's last 1,000. The client library
                makes one for each call. Has the form `^[!-~]([ -~]*[!-~])?$`.
            **options: See `CallOptions`.

        Returns:
            The chain as it is configured now (some services answer 200).

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _chains.create_chain(
                config=config,
                idempotency_key=idempotency_key,
            ),
            options,
        )

    async def get_chain_stats(self, **options: Unpack[CallOptions]) -> ChainStatsResponse:
        """
        Get figures on the configured chains.

        Args:
            **options: See `CallOptions`.

        Returns:
            The figures.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _chains.get_chain_stats(),
            options,
        )

    async def refresh_chains(self, **options: Unpack[CallOptions]) -> ChainConfigResponse:
        """
        Read the chain configurations from the database again.

        Args:
            **options: See `CallOptions`.

        Returns:
            The configurations are read.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _chains.refresh_chains(),
            options,
        )

    async def get_chain(self, chain_id: int, **options: Unpack[CallOptions]) -> ChainConfigResponse:
        """
        Get one chain's configuration.

        Args:
            chain_id: The EIP-155 id of the chain. 1 or more.
            **options: See `CallOptions`.

        Returns:
            The configuration.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _chains.get_chain(
                chain_id=chain_id,
            ),
            options,
        )

    async def update_chain(
        self, chain_id: int, config: ChainConfigRequest, **options: Unpack[CallOptions]
    ) -> ChainConfigResponse:
        """
        Replace one chain's configuration.

        The `chain_id` of the body has to be the one of the path.

        Args:
            chain_id: The EIP-155 id of the chain. 1 or more.
            config: The ChainConfigRequest to send.
            **options: See `CallOptions`.

        Returns:
            The chain as it is configured now.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _chains.update_chain(
                chain_id=chain_id,
                config=config,
            ),
            options,
        )

    async def delete_chain(self, chain_id: int, **options: Unpack[CallOptions]) -> ChainConfigResponse:
        """
        Deactivate one chain.

        Its subscriptions remain and go on when the chain is configured again.

        Args:
            chain_id: The EIP-155 id of the chain. 1 or more.
            **options: See `CallOptions`.

        Returns:
            The chain is no longer active.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _chains.delete_chain(
                chain_id=chain_id,
            ),
            options,
        )

    async def get_block(
        self, chain_id: int, block_number: int, **options: Unpack[CallOptions]
    ) -> BlockResponse:
        """
        Get one block's hash and time.

        Asks a node of the chain. Dates are resolved to blocks with it.

        Args:
            chain_id: The EIP-155 id of the chain. 1 or more.
            block_number: The number of the block. 0 or more.
            **options: See `CallOptions`.

        Returns:
            The block.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _chains.get_block(
                chain_id=chain_id,
                block_number=block_number,
            ),
            options,
        )

    async def get_overview(self, **options: Unpack[CallOptions]) -> OverviewResponse:
        """
        Get what goes on in the service now.

        Chains with their nodes, the pace of the subscriptions that are being delivered, open
        connections, and what went wrong lately. A subscriber sees its own subscriptions and connections
        alone. No node is asked for what a watcher knows, and of others no more often than every 15 s.

        Args:
            **options: See `CallOptions`.

        Returns:
            The overview.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _overview.get_overview(),
            options,
        )

    async def get_activity(
        self, subscription_id: int | None = None, minutes: int = 20, **options: Unpack[CallOptions]
    ) -> ActivityResponse:
        """
        Get events per second and lag over time.

        A point every 5 s for the last 20 minutes, or every minute for up to 6 hours. The service keeps
        them in memory: they begin with its start. A subscriber's figures are of its own subscriptions
        alone.

        Args:
            subscription_id: Of this subscription alone; left out, of all. 1 or more.
            minutes: How far to look back. Up to 20 a point is 5 s, beyond that a minute. 1 or more;
                default 20.
            **options: See `CallOptions`.

        Returns:
            The figures, oldest first; the three lists are of the same length.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _overview.get_activity(
                subscription_id=subscription_id,
                minutes=minutes,
            ),
            options,
        )

    async def read_abi_events(
        self, document: AbiEventsRequest, **options: Unpack[CallOptions]
    ) -> AbiEventsResponse:
        """
        Read the events of an ABI, with the topic0 of each.

        Takes what people have: a JSON ABI, an artifact of Hardhat, Foundry or Truffle, the output of a
        compiler, or lines of Solidity. Nothing is stored.

        Args:
            document: The AbiEventsRequest to send.
            **options: See `CallOptions`.

        Returns:
            The events, in the order of the source.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self._call(
            _overview.read_abi_events(
                document=document,
            ),
            options,
        )


class AsyncRawCalls:
    """The same calls, each with the response that its result was read from."""

    def __init__(self, calls: AsyncCalls) -> None:
        self.get_health = keeping_async(calls, calls.get_health)
        self.list_subscriptions = keeping_async(calls, calls.list_subscriptions)
        self.get_subscription = keeping_async(calls, calls.get_subscription)
        self.delete_subscription = keeping_async(calls, calls.delete_subscription)
        self.acknowledge_batch = keeping_async(calls, calls.acknowledge_batch)
        self.acknowledge_batch_bulk = keeping_async(calls, calls.acknowledge_batch_bulk)
        self.send_heartbeat = keeping_async(calls, calls.send_heartbeat)
        self.check_processing_status = keeping_async(calls, calls.check_processing_status)
        self.get_circuit_breaker_status = keeping_async(calls, calls.get_circuit_breaker_status)
        self.get_circuit_breaker_health = keeping_async(calls, calls.get_circuit_breaker_health)
        self.get_circuit_breaker_config = keeping_async(calls, calls.get_circuit_breaker_config)
        self.reset_all_circuit_breakers = keeping_async(calls, calls.reset_all_circuit_breakers)
        self.get_circuit_breaker_metrics = keeping_async(calls, calls.get_circuit_breaker_metrics)
        self.reset_circuit_breaker = keeping_async(calls, calls.reset_circuit_breaker)
        self.get_all_chains = keeping_async(calls, calls.get_all_chains)
        self.create_chain = keeping_async(calls, calls.create_chain)
        self.get_chain_stats = keeping_async(calls, calls.get_chain_stats)
        self.refresh_chains = keeping_async(calls, calls.refresh_chains)
        self.get_chain = keeping_async(calls, calls.get_chain)
        self.update_chain = keeping_async(calls, calls.update_chain)
        self.delete_chain = keeping_async(calls, calls.delete_chain)
        self.get_block = keeping_async(calls, calls.get_block)
        self.get_overview = keeping_async(calls, calls.get_overview)
        self.get_activity = keeping_async(calls, calls.get_activity)
        self.read_abi_events = keeping_async(calls, calls.read_abi_events)
        self._calls = calls


class SyncCalls(ABC):
    """
    The calls of the API as blocking methods; a client supplies how a request is sent.

    Each of them takes the options of `CallOptions`, too: `timeout`, `max_retries` and `headers` for this call.
    """

    subscriber_id: str | None

    @abstractmethod
    def _call(self, operation: Operation[T], options: CallOptions | None = None) -> T:
        """Send a request and give its result."""

    def get_health(self, **options: Unpack[CallOptions]) -> HealthResponse:
        """
        Get the health of the service.

        Needs no API key. `status` is `healthy` while the service can do its work.

        Args:
            **options: See `CallOptions`.

        Returns:
            The service is up.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _health.get_health(),
            options,
        )

    def list_subscriptions(
        self, page: int = 1, page_size: int = 20, **options: Unpack[CallOptions]
    ) -> SubscriptionListResponse:
        """
        List the subscriber's subscriptions, a page at a time.

        Ordered by id. A page past the last one is empty.

        Args:
            page: Which page, counted from 1. 1 or more; default 1.
            page_size: How many subscriptions a page holds. 1 or more; default 20.
            **options: See `CallOptions`.

        Returns:
            One page, and how many there are in all.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _subscriptions.list_subscriptions(
                subscriber_id=self.subscriber_id,
                page=page,
                page_size=page_size,
            ),
            options,
        )

    def get_subscription(self, subscription_id: int, **options: Unpack[CallOptions]) -> SubscriptionResponse:
        """
        Get one subscription.

        Args:
            subscription_id: The id of the subscription. 1 or more.
            **options: See `CallOptions`.

        Returns:
            The subscription.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _subscriptions.get_subscription(
                subscription_id=subscription_id,
                subscriber_id=self.subscriber_id,
            ),
            options,
        )

    def delete_subscription(self, subscription_id: int, **options: Unpack[CallOptions]) -> bool:
        """
        Delete a subscription and end its streams.

        Args:
            subscription_id: The id of the subscription. 1 or more.
            **options: See `CallOptions`.

        Returns:
            True. The subscription is gone.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _subscriptions.delete_subscription(
                subscription_id=subscription_id,
            ),
            options,
        )

    def acknowledge_batch(
        self,
        subscription_id: int,
        connection_id: str,
        acknowledgment: BatchAcknowledgmentRequest,
        **options: Unpack[CallOptions],
    ) -> BatchAcknowledgmentResponse:
        """
        Acknowledge one batch of a stream.

        An acknowledgement belongs to the connection that delivered the batch. Doing it twice does no
        harm.

        Args:
            subscription_id: The id of the subscription. 1 or more.
            connection_id: The connection, as `X-Connection-Id` named it.
            acknowledgment: The BatchAcknowledgmentRequest to send.
            **options: See `CallOptions`.

        Returns:
            Whether the batch is acknowledged.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _stream.acknowledge_batch(
                subscription_id=subscription_id,
                connection_id=connection_id,
                acknowledgment=acknowledgment,
            ),
            options,
        )

    def acknowledge_batch_bulk(
        self,
        subscription_id: int,
        connection_id: str,
        acknowledgment: BulkBatchAcknowledgmentRequest,
        **options: Unpack[CallOptions],
    ) -> BulkBatchAcknowledgmentResponse:
        """
        Acknowledge many batches of a stream at once.

        Ids that the service does not know for this connection come back in `failed_batch_ids`.

        Args:
            subscription_id: The id of the subscription. 1 or more.
            connection_id: The connection, as `X-Connection-Id` named it.
            acknowledgment: The BulkBatchAcknowledgmentRequest to send.
            **options: See `CallOptions`.

        Returns:
            How many are acknowledged, and which are not.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _stream.acknowledge_batch_bulk(
                subscription_id=subscription_id,
                connection_id=connection_id,
                acknowledgment=acknowledgment,
            ),
            options,
        )

    def send_heartbeat(
        self, connection_id: str, heartbeat: ClientHeartbeatRequest, **options: Unpack[CallOptions]
    ) -> ClientHeartbeatResponse:
        """
        Tell the service that the client of a connection is alive.

        A service may close a connection whose client stays silent for several heartbeat intervals.

        Args:
            connection_id: The connection, as `X-Connection-Id` named it.
            heartbeat: The ClientHeartbeatRequest to send.
            **options: See `CallOptions`.

        Returns:
            The heartbeat arrived.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _stream.send_heartbeat(
                connection_id=connection_id,
                heartbeat=heartbeat,
            ),
            options,
        )

    def check_processing_status(
        self, subscription_id: int, **options: Unpack[CallOptions]
    ) -> ProcessingStatusResponse:
        """
        Get whether a subscription is being processed now, and over how many connections.

        Args:
            subscription_id: The id of the subscription. 1 or more.
            **options: See `CallOptions`.

        Returns:
            The status.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _stream.check_processing_status(
                subscription_id=subscription_id,
            ),
            options,
        )

    def get_circuit_breaker_status(self, **options: Unpack[CallOptions]) -> CircuitBreakerStatusResponse:
        """
        Get the state of all circuit breakers.

        Args:
            **options: See `CallOptions`.

        Returns:
            The circuit breakers by name.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _circuit_breakers.get_circuit_breaker_status(),
            options,
        )

    def get_circuit_breaker_health(self, **options: Unpack[CallOptions]) -> CircuitBreakerHealthResponse:
        """
        Get how many circuit breakers are healthy.

        Args:
            **options: See `CallOptions`.

        Returns:
            The summary.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _circuit_breakers.get_circuit_breaker_health(),
            options,
        )

    def get_circuit_breaker_config(self, **options: Unpack[CallOptions]) -> CircuitBreakerConfigResponse:
        """
        Get the thresholds of the circuit breakers.

        Args:
            **options: See `CallOptions`.

        Returns:
            The configuration.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _circuit_breakers.get_circuit_breaker_config(),
            options,
        )

    def reset_all_circuit_breakers(self, **options: Unpack[CallOptions]) -> CircuitBreakerResetResponse:
        """
        Close all circuit breakers.

        Args:
            **options: See `CallOptions`.

        Returns:
            How many there are; all are closed now.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _circuit_breakers.reset_all_circuit_breakers(),
            options,
        )

    def get_circuit_breaker_metrics(self, name: str, **options: Unpack[CallOptions]) -> CircuitBreakerMetrics:
        """
        Get the figures of one circuit breaker.

        Args:
            name: The name of the circuit breaker.
            **options: See `CallOptions`.

        Returns:
            The figures.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _circuit_breakers.get_circuit_breaker_metrics(
                name=name,
            ),
            options,
        )

    def reset_circuit_breaker(self, name: str, **options: Unpack[CallOptions]) -> CircuitBreakerResetResponse:
        """
        Close one circuit breaker.

        Args:
            name: The name of the circuit breaker.
            **options: See `CallOptions`.

        Returns:
            The circuit breaker is closed.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _circuit_breakers.reset_circuit_breaker(
                name=name,
            ),
            options,
        )

    def get_all_chains(self, **options: Unpack[CallOptions]) -> ChainListResponse:
        """
        List the active chains.

        Args:
            **options: See `CallOptions`.

        Returns:
            The chains.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _chains.get_all_chains(),
            options,
        )

    def create_chain(
        self,
        config: ChainConfigRequest,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> ChainConfigResponse:
        """
        Add a chain.

        Args:
            config: The ChainConfigRequest to send.
            idempotency_key: A name of this one request, unique among the caller's, such as a UUID. Sent
                again with the same key and body, the request does nothing more, and is answered as
                before, with the header `Idempotent-Replayed`; another body is refused with 409. The
                service remembers it for 24 hours, and a subscriber's last 1,000. The client library
                makes one for each call. Has the form `^[!-~]([ -~]*[!-~])?$`.
            **options: See `CallOptions`.

        Returns:
            The chain as it is configured now (some services answer 200).

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _chains.create_chain(
                config=config,
                idempotency_key=idempotency_key,
            ),
            options,
        )

    def get_chain_stats(self, **options: Unpack[CallOptions]) -> ChainStatsResponse:
        """
        Get figures on the configured chains.

        Args:
            **options: See `CallOptions`.

        Returns:
            The figures.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _chains.get_chain_stats(),
            options,
        )

    def refresh_chains(self, **options: Unpack[CallOptions]) -> ChainConfigResponse:
        """
        Read the chain configurations from the database again.

        Args:
            **options: See `CallOptions`.

        Returns:
            The configurations are read.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _chains.refresh_chains(),
            options,
        )

    def get_chain(self, chain_id: int, **options: Unpack[CallOptions]) -> ChainConfigResponse:
        """
        Get one chain's configuration.

        Args:
            chain_id: The EIP-155 id of the chain. 1 or more.
            **options: See `CallOptions`.

        Returns:
            The configuration.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _chains.get_chain(
                chain_id=chain_id,
            ),
            options,
        )

    def update_chain(
        self, chain_id: int, config: ChainConfigRequest, **options: Unpack[CallOptions]
    ) -> ChainConfigResponse:
        """
        Replace one chain's configuration.

        The `chain_id` of the body has to be the one of the path.

        Args:
            chain_id: The EIP-155 id of the chain. 1 or more.
            config: The ChainConfigRequest to send.
            **options: See `CallOptions`.

        Returns:
            The chain as it is configured now.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _chains.update_chain(
                chain_id=chain_id,
                config=config,
            ),
            options,
        )

    def delete_chain(self, chain_id: int, **options: Unpack[CallOptions]) -> ChainConfigResponse:
        """
        Deactivate one chain.

        Its subscriptions remain and go on when the chain is configured again.

        Args:
            chain_id: The EIP-155 id of the chain. 1 or more.
            **options: See `CallOptions`.

        Returns:
            The chain is no longer active.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _chains.delete_chain(
                chain_id=chain_id,
            ),
            options,
        )

    def get_block(self, chain_id: int, block_number: int, **options: Unpack[CallOptions]) -> BlockResponse:
        """
        Get one block's hash and time.

        Asks a node of the chain. Dates are resolved to blocks with it.

        Args:
            chain_id: The EIP-155 id of the chain. 1 or more.
            block_number: The number of the block. 0 or more.
            **options: See `CallOptions`.

        Returns:
            The block.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _chains.get_block(
                chain_id=chain_id,
                block_number=block_number,
            ),
            options,
        )

    def get_overview(self, **options: Unpack[CallOptions]) -> OverviewResponse:
        """
        Get what goes on in the service now.

        Chains with their nodes, the pace of the subscriptions that are being delivered, open
        connections, and what went wrong lately. A subscriber sees its own subscriptions and connections
        alone. No node is asked for what a watcher knows, and of others no more often than every 15 s.

        Args:
            **options: See `CallOptions`.

        Returns:
            The overview.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _overview.get_overview(),
            options,
        )

    def get_activity(
        self, subscription_id: int | None = None, minutes: int = 20, **options: Unpack[CallOptions]
    ) -> ActivityResponse:
        """
        Get events per second and lag over time.

        A point every 5 s for the last 20 minutes, or every minute for up to 6 hours. The service keeps
        them in memory: they begin with its start. A subscriber's figures are of its own subscriptions
        alone.

        Args:
            subscription_id: Of this subscription alone; left out, of all. 1 or more.
            minutes: How far to look back. Up to 20 a point is 5 s, beyond that a minute. 1 or more;
                default 20.
            **options: See `CallOptions`.

        Returns:
            The figures, oldest first; the three lists are of the same length.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _overview.get_activity(
                subscription_id=subscription_id,
                minutes=minutes,
            ),
            options,
        )

    def read_abi_events(
        self, document: AbiEventsRequest, **options: Unpack[CallOptions]
    ) -> AbiEventsResponse:
        """
        Read the events of an ABI, with the topic0 of each.

        Takes what people have: a JSON ABI, an artifact of Hardhat, Foundry or Truffle, the output of a
        compiler, or lines of Solidity. Nothing is stored.

        Args:
            document: The AbiEventsRequest to send.
            **options: See `CallOptions`.

        Returns:
            The events, in the order of the source.

        Raises:
            EventStreamerValidationError: If an argument breaks a rule of the API, here or in the
                service.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return self._call(
            _overview.read_abi_events(
                document=document,
            ),
            options,
        )


class SyncRawCalls:
    """The same calls, each with the response that its result was read from."""

    def __init__(self, calls: SyncCalls) -> None:
        self.get_health = keeping(calls, calls.get_health)
        self.list_subscriptions = keeping(calls, calls.list_subscriptions)
        self.get_subscription = keeping(calls, calls.get_subscription)
        self.delete_subscription = keeping(calls, calls.delete_subscription)
        self.acknowledge_batch = keeping(calls, calls.acknowledge_batch)
        self.acknowledge_batch_bulk = keeping(calls, calls.acknowledge_batch_bulk)
        self.send_heartbeat = keeping(calls, calls.send_heartbeat)
        self.check_processing_status = keeping(calls, calls.check_processing_status)
        self.get_circuit_breaker_status = keeping(calls, calls.get_circuit_breaker_status)
        self.get_circuit_breaker_health = keeping(calls, calls.get_circuit_breaker_health)
        self.get_circuit_breaker_config = keeping(calls, calls.get_circuit_breaker_config)
        self.reset_all_circuit_breakers = keeping(calls, calls.reset_all_circuit_breakers)
        self.get_circuit_breaker_metrics = keeping(calls, calls.get_circuit_breaker_metrics)
        self.reset_circuit_breaker = keeping(calls, calls.reset_circuit_breaker)
        self.get_all_chains = keeping(calls, calls.get_all_chains)
        self.create_chain = keeping(calls, calls.create_chain)
        self.get_chain_stats = keeping(calls, calls.get_chain_stats)
        self.refresh_chains = keeping(calls, calls.refresh_chains)
        self.get_chain = keeping(calls, calls.get_chain)
        self.update_chain = keeping(calls, calls.update_chain)
        self.delete_chain = keeping(calls, calls.delete_chain)
        self.get_block = keeping(calls, calls.get_block)
        self.get_overview = keeping(calls, calls.get_overview)
        self.get_activity = keeping(calls, calls.get_activity)
        self.read_abi_events = keeping(calls, calls.read_abi_events)
        self._calls = calls
