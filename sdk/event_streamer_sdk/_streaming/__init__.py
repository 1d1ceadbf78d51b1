"""The two shells around the streaming core: one for asyncio, one on threads."""
