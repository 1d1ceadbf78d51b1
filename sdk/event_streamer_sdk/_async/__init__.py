"""What the clients do, for asyncio."""
