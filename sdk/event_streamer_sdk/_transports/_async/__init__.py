"""What sends requests, for asyncio: the port, and the two adapters that fit it."""
