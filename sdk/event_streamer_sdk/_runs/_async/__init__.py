"""What a run asks of the service and of stores, for asyncio."""
