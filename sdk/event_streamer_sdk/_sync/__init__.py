"""What is written for programs that block; `_async` holds the same for asyncio."""
