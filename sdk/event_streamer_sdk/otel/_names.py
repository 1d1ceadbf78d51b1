"""
How spans, attributes and metrics are called.

Those of `messaging`, `server` and `error` are OpenTelemetry's semantic conventions 1.45, written out: the
package that holds them is in beta and part of the SDK. The ones in `event_streamer` are ours.
"""

from __future__ import annotations

SYSTEM = "event_streamer"
"""`messaging.system`: the conventions allow a name of one's own for a system that they don't list."""

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Bounds of durations, seconds, as the conventions advise them."""

MESSAGING_SYSTEM = "messaging.system"
OPERATION_NAME = "messaging.operation.name"
OPERATION_TYPE = "messaging.operation.type"
DESTINATION = "messaging.destination.name"
CONSUMER_GROUP = "messaging.consumer.group.name"
MESSAGE_COUNT = "messaging.batch.message_count"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
ERROR_TYPE = "error.type"

BATCH_ID = "event_streamer.batch.id"
BATCH_COUNT = "event_streamer.batch.count"
CHAIN_ID = "event_streamer.chain.id"
CONNECTION_ID = "event_streamer.connection.id"
FIRST_BLOCK = "event_streamer.block.first"
LAST_BLOCK = "event_streamer.block.last"
HEAD_BLOCK = "event_streamer.block.head"

CONSUMED_MESSAGES = "messaging.client.consumed.messages"
PROCESS_DURATION = "messaging.process.duration"
OPERATION_DURATION = "messaging.client.operation.duration"
BLOCKS_BEHIND = "event_streamer.client.blocks_behind"


def destination(subscription_id: int) -> str:
    """Give a subscription's name as a destination, which is its path in the API."""
    return f"subscriptions/{subscription_id}"
