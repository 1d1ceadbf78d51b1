"""The blocks of the document that show a shape and no program: signatures, models, messages."""

SIGNATURES = {
    ("EventStreamer", 0): "EventStreamer",
    ("Subscription Management", 0): "EventStreamer",
    ("Streaming Client Creation", 0): "EventStreamer",
    ("ABI Parsing Methods", 0): "EventStreamer",
    ("Circuit Breaker Management", 0): "EventStreamer",
    ("Chain Configuration Management", 0): "EventStreamer",
    ("Connection Management", 0): "StreamingClient",
}
"""Signatures without bodies, which Python cannot run as they stand, and the class they are methods of."""

MODELS = {("SubscriptionCreate", 0), ("ABIEvent", 0), ("ABIInput", 0)}
"""Models as pydantic has them."""

MESSAGES = {("Event Data Format", 0), ("Heartbeat", 0), ("Error Messages", 0)}
"""Messages of the stream, as dicts."""
