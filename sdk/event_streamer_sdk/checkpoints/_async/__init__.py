"""Stores of databases, for asyncio."""
