"""The models of the API. Each one is loaded when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..types import File as File
    from ..types import Unknown as Unknown
    from .abi_event import ABIEvent
    from .abi_event_description import AbiEventDescription
    from .abi_events_request import AbiEventsRequest
    from .abi_events_response import AbiEventsResponse
    from .abi_input import ABIInput
    from .activity_response import ActivityResponse
    from .batch_acknowledgment_request import BatchAcknowledgmentRequest
    from .batch_acknowledgment_response import BatchAcknowledgmentResponse
    from .block_reference import BlockReference
    from .block_response import BlockResponse
    from .bulk_batch_acknowledgment_request import BulkBatchAcknowledgmentRequest
    from .bulk_batch_acknowledgment_response import BulkBatchAcknowledgmentResponse
    from .chain_config_request import ChainConfigRequest
    from .chain_config_response import ChainConfigResponse
    from .chain_info import ChainInfo
    from .chain_list_response import ChainListResponse
    from .chain_stats_response import ChainStatsResponse
    from .circuit_breaker_config_response import CircuitBreakerConfigResponse
    from .circuit_breaker_health_response import CircuitBreakerHealthResponse
    from .circuit_breaker_metrics import CircuitBreakerMetrics
    from .circuit_breaker_reset_response import CircuitBreakerResetResponse
    from .circuit_breaker_status import CircuitBreakerStatus
    from .circuit_breaker_status_response import CircuitBreakerStatusResponse
    from .client_heartbeat_request import ClientHeartbeatRequest
    from .client_heartbeat_response import ClientHeartbeatResponse
    from .confirmation_request import ConfirmationRequest
    from .confirmation_response import ConfirmationResponse
    from .error_detail import ErrorDetail
    from .error_response import ErrorResponse
    from .health_response import HealthResponse
    from .last_processed_block_response import LastProcessedBlockResponse
    from .overview_caller import OverviewCaller
    from .overview_chain import OverviewChain
    from .overview_connection import OverviewConnection
    from .overview_node import OverviewNode
    from .overview_notice import OverviewNotice
    from .overview_replica import OverviewReplica
    from .overview_replica_chain import OverviewReplicaChain
    from .overview_response import OverviewResponse
    from .overview_subscription import OverviewSubscription
    from .processing_status_response import ProcessingStatusResponse
    from .rpc_client_status import RpcClientStatus
    from .streaming_end import StreamingEnd
    from .streaming_error import StreamingError
    from .streaming_event_batch import StreamingEventBatch
    from .streaming_heartbeat import StreamingHeartbeat
    from .streaming_reorg import StreamingReorg
    from .subscription_create import SubscriptionCreate
    from .subscription_list_response import SubscriptionListResponse
    from .subscription_response import SubscriptionResponse
    from .subscription_update import SubscriptionUpdate

_MODULES = {
    "ABIEvent": ".abi_event",
    "AbiEventDescription": ".abi_event_description",
    "AbiEventsRequest": ".abi_events_request",
    "AbiEventsResponse": ".abi_events_response",
    "ABIInput": ".abi_input",
    "ActivityResponse": ".activity_response",
    "BatchAcknowledgmentRequest": ".batch_acknowledgment_request",
    "BatchAcknowledgmentResponse": ".batch_acknowledgment_response",
    "BlockReference": ".block_reference",
    "BlockResponse": ".block_response",
    "BulkBatchAcknowledgmentRequest": ".bulk_batch_acknowledgment_request",
    "BulkBatchAcknowledgmentResponse": ".bulk_batch_acknowledgment_response",
    "ChainConfigRequest": ".chain_config_request",
    "ChainConfigResponse": ".chain_config_response",
    "ChainInfo": ".chain_info",
    "ChainListResponse": ".chain_list_response",
    "ChainStatsResponse": ".chain_stats_response",
    "CircuitBreakerConfigResponse": ".circuit_breaker_config_response",
    "CircuitBreakerHealthResponse": ".circuit_breaker_health_response",
    "CircuitBreakerMetrics": ".circuit_breaker_metrics",
    "CircuitBreakerResetResponse": ".circuit_breaker_reset_response",
    "CircuitBreakerStatus": ".circuit_breaker_status",
    "CircuitBreakerStatusResponse": ".circuit_breaker_status_response",
    "ClientHeartbeatRequest": ".client_heartbeat_request",
    "ClientHeartbeatResponse": ".client_heartbeat_response",
    "ConfirmationRequest": ".confirmation_request",
    "ConfirmationResponse": ".confirmation_response",
    "ErrorDetail": ".error_detail",
    "ErrorResponse": ".error_response",
    "HealthResponse": ".health_response",
    "LastProcessedBlockResponse": ".last_processed_block_response",
    "OverviewCaller": ".overview_caller",
    "OverviewChain": ".overview_chain",
    "OverviewConnection": ".overview_connection",
    "OverviewNode": ".overview_node",
    "OverviewNotice": ".overview_notice",
    "OverviewReplica": ".overview_replica",
    "OverviewReplicaChain": ".overview_replica_chain",
    "OverviewResponse": ".overview_response",
    "OverviewSubscription": ".overview_subscription",
    "ProcessingStatusResponse": ".processing_status_response",
    "RpcClientStatus": ".rpc_client_status",
    "StreamingEnd": ".streaming_end",
    "StreamingError": ".streaming_error",
    "StreamingEventBatch": ".streaming_event_batch",
    "StreamingHeartbeat": ".streaming_heartbeat",
    "StreamingReorg": ".streaming_reorg",
    "SubscriptionCreate": ".subscription_create",
    "SubscriptionListResponse": ".subscription_list_response",
    "SubscriptionResponse": ".subscription_response",
    "SubscriptionUpdate": ".subscription_update",
    "File": "..types",
    "Unknown": "..types",
}

__all__ = (
    "ABIEvent",
    "AbiEventDescription",
    "AbiEventsRequest",
    "AbiEventsResponse",
    "ABIInput",
    "ActivityResponse",
    "BatchAcknowledgmentRequest",
    "BatchAcknowledgmentResponse",
    "BlockReference",
    "BlockResponse",
    "BulkBatchAcknowledgmentRequest",
    "BulkBatchAcknowledgmentResponse",
    "ChainConfigRequest",
    "ChainConfigResponse",
    "ChainInfo",
    "ChainListResponse",
    "ChainStatsResponse",
    "CircuitBreakerConfigResponse",
    "CircuitBreakerHealthResponse",
    "CircuitBreakerMetrics",
    "CircuitBreakerResetResponse",
    "CircuitBreakerStatus",
    "CircuitBreakerStatusResponse",
    "ClientHeartbeatRequest",
    "ClientHeartbeatResponse",
    "ConfirmationRequest",
    "ConfirmationResponse",
    "ErrorDetail",
    "ErrorResponse",
    "HealthResponse",
    "LastProcessedBlockResponse",
    "OverviewCaller",
    "OverviewChain",
    "OverviewConnection",
    "OverviewNode",
    "OverviewNotice",
    "OverviewReplica",
    "OverviewReplicaChain",
    "OverviewResponse",
    "OverviewSubscription",
    "ProcessingStatusResponse",
    "RpcClientStatus",
    "StreamingEnd",
    "StreamingError",
    "StreamingEventBatch",
    "StreamingHeartbeat",
    "StreamingReorg",
    "SubscriptionCreate",
    "SubscriptionListResponse",
    "SubscriptionResponse",
    "SubscriptionUpdate",
)


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(module, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
