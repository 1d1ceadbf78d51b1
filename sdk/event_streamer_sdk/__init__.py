"""Python client for the Event Streamer service, blocking and asyncio."""
