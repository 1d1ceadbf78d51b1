"""Blocking calls beside an event loop, in threads that hold up nobody's end."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any


async def call_aside(function: Callable[..., Any], *arguments: Any) -> Any:
    """
    Call a blocking function in a daemon thread of its own.

    The end of `asyncio.run`, and of Python, waits for the threads of `asyncio.to_thread`. A call that hangs,
    of a database that is silent or locked, would hold up a program that was told to stop. And a few that take
    long would keep all others out of its pool.

    Args:
        function: What to call.
        arguments: Its arguments.

    Returns:
        What the function returns.

    Raises:
        BaseException: What the function raises.

    Example:
        >>> await call_aside(store.load, "my-app:1")
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(answer: Any, error: BaseException | None) -> None:
        if done.done():
            return  # cancelled: nobody waits for it any more
        if error is None:
            done.set_result(answer)
        else:
            done.set_exception(error)

    def work() -> None:
        answer, problem = None, None
        try:
            answer = context.run(function, *arguments)
        except BaseException as error:  # noqa: BLE001 - raised where the call is awaited
            problem = error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, answer, problem)

    threading.Thread(target=work, name="event-streamer-aside", daemon=True).start()
    return await done
