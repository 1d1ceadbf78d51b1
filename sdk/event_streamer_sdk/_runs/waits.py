"""How tasks wait on an event loop: for a wake-up, a thread, a handler, for other tasks to end."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable, Iterable
from inspect import isawaitable
from typing import Any

from ..exceptions import HandlerTimeoutError


class Flag:
    """Wakes the one task that waits for it; a wake-up that comes early is kept."""

    def __init__(self) -> None:
        self._set = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Wake the task that waits, or the next one that will."""
        self._set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, seconds: float | None) -> None:
        """Wait to be woken."""
        if self._set:
            self._set = False
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self.set) if seconds is not None else None
        try:
            await self._waiter
        finally:
            self._waiter = None
            self._set = False
            if timer is not None:
                timer.cancel()


async def wait_to_the_end(work: Iterable[asyncio.Future[Any]], *, hand_on: bool = False) -> bool:
    """
    Wait until all of some work is done, however often the task that waits is cancelled meanwhile.

    Args:
        work: Tasks or futures; what they raise is for nobody.
        hand_on: Whether they are cancelled as well when a cancellation comes.

    Returns:
        Whether one came: it is the caller's to raise.
    """
    was_cancelled = False
    left = set(work)
    while left:
        try:
            _, left = await asyncio.wait(left)
        except asyncio.CancelledError:
            was_cancelled = True
            left = {each for each in left if not each.done()}
            if hand_on:
                for each in left:
                    each.cancel()
    return was_cancelled


async def call_in_time(handler: Callable[[Any], Any], argument: object, seconds: float | None) -> None:
    """
    Call a handler, and cancel it where it takes too long.

    Raises:
        HandlerTimeoutError: It took longer.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            answer = handler(argument)
            if isawaitable(answer):
                await answer
    except TimeoutError as error:
        if not limit.expired():
            raise  # of a limit of the handler's own
        raise HandlerTimeoutError(f"the handler took longer than handler_timeout={seconds:g} s") from error


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """
    Call a blocking function in a thread, and don't leave it behind where this is cancelled.

    A thread can't be stopped: the position that it still writes would take the place of a later one.
    """
    call = functools.partial(contextvars.copy_context().run, function, *arguments)
    work = asyncio.get_running_loop().run_in_executor(None, call)
    if await wait_to_the_end([work]):
        if not work.cancelled():
            work.exception()  # nobody is left to hear of it
        raise asyncio.CancelledError
    return work.result()
