"""What users' functions give to the client for asyncio: awaited where it has to be."""

from __future__ import annotations

from inspect import isawaitable
from typing import Any


async def settled(answer: Any, function: object) -> Any:  # noqa: ARG001 - its blocking half names the function
    """Give what a user's function gave, awaited where it has to be."""
    return await answer if isawaitable(answer) else answer
