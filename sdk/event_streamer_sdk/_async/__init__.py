"""What is written for asyncio; `_sync` holds the same for programs that block."""
