"""The asyncio shell: runs the lanes of a session as tasks, and carries out their commands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from inspect import isawaitable
from types import CoroutineType
from typing import Any, TypeVar

from event_streamer_sdk.exceptions import EventStreamerConnectionError, EventStreamerTimeoutError

from .._core.stream import commands as do
from .._core.stream.commands import Lane
from .._core.stream.lanes import Lanes
from .._core.stream.messages import Batch
from .._core.stream.reports import EndReason
from ._async.commands import AsyncCommands
from .context import RunContext
from .output import judged
from .responses import failed, is_coroutine_function, opened
from .waits import Flag, call_in_time, in_thread, wait_to_the_end

T = TypeVar("T")

logger = logging.getLogger(__name__)

CANCEL_GRACE = 1.0
"""Seconds that a handler has to end once it is cancelled; one that swallows that is left behind."""
SLICE = 0.02
"""Seconds after which handlers that never wait let other tasks have the event loop."""


class AsyncRun(AsyncCommands):
    """One run of a `StreamingClient`."""

    def __init__(self, context: RunContext, lanes: Lanes, previous: AsyncRun | None) -> None:
        super().__init__(context, lanes)
        self.deliver_task: asyncio.Task[Any] | None = None
        # One that was never started has no handler at work, but the one before it may.
        if previous is not None and previous._main is None:
            previous = previous._previous
        self._previous: AsyncRun | None = previous
        self.successor: AsyncRun | None = None
        """The run that stands by for this one, which has lost its lease."""
        self._flags = {lane: Flag() for lane in Lane}
        self._tasks: dict[Lane, asyncio.Task[Any]] = {}
        self._deliver_steps: do.Steps[None] | None = None
        self._main: asyncio.Task[None] | None = None
        self.delivers = False
        """Whether handlers are called in a task of the run's own."""
        self._network_task: asyncio.Task[Any] | None = None
        self._broken_off = False
        self._leaving = False
        self._left_behind = asyncio.Event()
        self._told = False
        self._slice_ends = 0.0

    # --- life ----------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the lanes are at work, and not only ending behind the handler that has stopped them."""
        return self._main is not None and not self._main.done() and not self._leaving

    def start(self, *, deliver: bool) -> None:
        """
        Set the lanes to work.

        Args:
            deliver: Whether to call handlers in a task, too; else somebody runs `batches()`.
        """
        self.delivers = deliver
        self._main = asyncio.create_task(self._run(), name=f"stream {self.session.subscription_id}")

    async def _run(self) -> None:
        session = self.session
        self._tasks = {
            lane: asyncio.create_task(self.drive(lane, self.lanes.steps(lane)), name=f"stream {lane.value}")
            for lane in (Lane.READ, Lane.ACKNOWLEDGE, Lane.WATCH)
        }
        if self.delivers:
            self._tasks[Lane.DELIVER] = asyncio.create_task(self._deliver_all(), name="stream deliver")
        try:
            await asyncio.gather(*self._tasks.values())
        except asyncio.CancelledError:
            session.stop()  # nothing follows, also where the lease was just lost
            raise
        except BaseException as error:
            # Also what is no Exception, such as the failure of a test that a handler raises: a run that ends
            # by it has not ended well.
            session.conclude(EndReason.FAILED, error)
            logger.exception("subscription %s: the stream failed", session.subscription_id)
        finally:
            await self._close_up()

    async def _deliver_all(self) -> None:
        async for _ in self.batches():
            raise AssertionError("batches are handed over only where the user iterates")

    async def _close_up(self) -> None:
        """End the lanes, close the connection, and tell how the run went: also when cancelled meanwhile."""
        for task in self._tasks.values():
            task.cancel()
        # A cancellation is handed on, since a handler may swallow the first one and obey the second.
        cancelled = await wait_to_the_end(self._tasks.values(), hand_on=True)
        for task in self._tasks.values():
            if not task.cancelled():
                task.exception()  # it has been told by now
        cancelled |= await self._end()
        if cancelled:
            raise asyncio.CancelledError

    async def _end(self) -> bool:
        """Close the connection, and tell once how the run went; give whether this was cancelled meanwhile."""
        cancelled = False
        try:
            await self._disconnect(None)
        except asyncio.CancelledError:
            cancelled = True
        self.session.link.closed()  # also where the lanes were cancelled, and could not say so
        if not self._told:
            self._told = True
            self._context.ended(self, self.session.report())
        return cancelled

    def request_stop(self, reason: EndReason = EndReason.STOPPED) -> None:
        """Ask the run to stop, without waiting for it."""
        self.session.stop(reason)
        self._take_effects()

    async def stop(self, reason: EndReason = EndReason.STOPPED) -> None:
        """
        Stop, and wait until the batch in hand is finished and all is closed, at most `stop_timeout`.

        From within a handler of this very run there is nothing to wait for: the run ends behind the handler.
        """
        self.request_stop(reason)
        if self._main is None:
            await self.drive(Lane.READ, self.lanes.reader.give_back())
            return
        if self._main.done():
            return  # perhaps in an event loop that is closed by now, and can't be waited for
        if asyncio.current_task() is self.deliver_task and not self.lanes.in_hand.handed_over:
            self._leaving = True
            return
        done, _ = await asyncio.wait({self._main}, timeout=self.session.settings.stop_timeout)
        if not done:
            logger.warning(
                "subscription %s: stopping took longer than stop_timeout; a handler is broken off, "
                "and its batch will come again",
                self.session.subscription_id,
            )
            self._main.cancel()
            done, _ = await asyncio.wait({self._main}, timeout=CANCEL_GRACE)
            if not done:
                logger.warning(
                    "subscription %s: a handler that was cancelled is still running, and is left behind",
                    self.session.subscription_id,
                )
                self._leaving = True
                if self._deliver_steps is not None:
                    # When the handler ends some day, nothing follows from it: the next run may have gone on.
                    self._deliver_steps.close()
                self._left_behind.set()
                if await self._end():
                    raise asyncio.CancelledError

    async def finished(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - as on threads
        """Wait until the run is over, or a handler that does not end is left behind."""
        if self._main is None or self._main.done():
            return True
        left_behind = asyncio.ensure_future(self._left_behind.wait())
        try:
            done, _ = await asyncio.wait(
                {self._main, left_behind}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            left_behind.cancel()
        return bool(done)

    async def handlers_are_done(self) -> None:
        """Wait until no handler of the run is at work any more, also where it was left behind."""
        if self._main is not None and not self._main.done():
            await asyncio.wait({self._main})

    # --- lanes ---------------------------------------------------------------------------------

    async def drive(self, lane: Lane | None, steps: do.Steps[T]) -> T:
        """
        Run a lane, or a part of one, to its end.

        Args:
            lane: Which; `None` for steps that a task of the user's takes beside the lanes.
            steps: Its generator.
        """
        outcome: Any = None
        with closing(steps):  # at once: steps that are broken off must not keep others from going on
            while True:
                try:
                    command = steps.send(outcome)
                except StopIteration as end:
                    ended: T = end.value
                    return ended
                finally:
                    self._take_effects()
                outcome = await self._carry_out(lane, command)

    async def batches(self) -> AsyncGenerator[Batch]:
        """
        Run the deliver lane, in the task that asks for it.

        Yields:
            The batches for the user's loop; none where the user doesn't iterate.
        """
        if self._previous is not None and self._previous.deliver_task is not asyncio.current_task():
            await self._previous.handlers_are_done()
        self._previous = None
        self.deliver_task = asyncio.current_task()
        session, effects, in_hand = self.session, self.session.effects, self.lanes.in_hand
        steps = self._deliver_steps = self.lanes.steps(Lane.DELIVER)
        outcome: Any = None
        try:
            while True:
                try:
                    command = steps.send(outcome)
                except StopIteration:
                    return
                if effects.pending:
                    self._take_effects()
                if type(command) is do.Call:
                    # Not in a coroutine of its own: that alone is a tenth of a small batch.
                    try:
                        if command.timeout is None:
                            answer = command.function(command.argument)
                            if type(answer) is CoroutineType or (answer is not None and isawaitable(answer)):
                                await answer
                        else:
                            await call_in_time(command.function, command.argument, command.timeout)
                    except BaseException as error:  # noqa: BLE001 - what is the handler's failure goes to the core
                        outcome = self._failure(error)
                    else:
                        outcome = None
                    since = in_hand.since
                    if since is not None and since > self._slice_ends:
                        await asyncio.sleep(0)
                        self._slice_ends = session.clock() + SLICE
                elif type(command) is do.HandOver:
                    yield command.batch
                    self.deliver_task = asyncio.current_task()
                    outcome = None
                else:
                    outcome = await self._carry_out(Lane.DELIVER, command)
        finally:
            steps.close()
            self.deliver_task = None
            self._take_effects()

    def _take_effects(self) -> None:
        wake, break_off = self.session.effects.take()
        for lane in wake:
            self._flags[lane].set()
        if break_off and self._network_task is not None and not self._broken_off:
            self._broken_off = True
            self._network_task.cancel()

    async def _carry_out(self, lane: Lane | None, command: do.Command) -> Any:
        if type(command) is do.Wait:
            # A flag of its own where no lane waits: a second task at a lane's flag would take its wake-ups.
            flag = self._flags[lane] if lane is not None else Flag()
            return await flag.wait(command.seconds)
        return await self._perform[type(command)](command)

    # --- handlers ------------------------------------------------------------------------------

    def _failure(self, error: BaseException) -> BaseException:
        """Tell what a handler's exception means; what is none of its own is raised again."""
        if isinstance(error, asyncio.CancelledError):
            task = asyncio.current_task()
            if task is None or not task.cancelling():
                return error
        elif isinstance(error, Exception):
            return judged(error)
        raise error

    async def _ask(self, command: do.Ask) -> do.Answer | do.Failed:
        try:
            answer = command.function(command.argument)
            return do.Answer(await answer if isawaitable(answer) else answer)
        except Exception as error:  # noqa: BLE001 - as above
            return do.Failed(error)

    # --- network -------------------------------------------------------------------------------

    async def _breakable(self, action: Any) -> Any:
        """Await something that `break_off` may interrupt; then it counts as failed."""
        self._network_task = task = asyncio.current_task()
        try:
            return await action
        except asyncio.CancelledError:
            if not self._broken_off or task is None or task.cancelling() > 1:
                raise
            return do.Failed(EventStreamerTimeoutError("the connection was broken off"))
        except Exception as error:  # noqa: BLE001 - transports raise what they like; the core judges it
            return failed(error)
        finally:
            if self._broken_off and task is not None:
                # Also where a transport made another error of it: the next time would count as two.
                task.uncancel()
            self._network_task = None
            self._broken_off = False

    async def _connect(self, command: do.Connect) -> Any:
        return await self._breakable(self._open(command.resume_token))

    async def _open(self, resume_token: str | None) -> do.Connected | do.NoContent:
        self._response = response = await self._context.open_stream(resume_token)
        return opened(response)

    async def _read(self, _: do.Read) -> Any:
        if self._response is None:
            return do.Failed(EventStreamerConnectionError("there is no connection"))
        return await self._breakable(self._response.chunk()) or do.EndOfResponse()

    # --- stores --------------------------------------------------------------------------------

    async def _stored(self, store: Any, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            if getattr(store, "blocking", True) and not is_coroutine_function(function):
                return await in_thread(function, *arguments)
            answer = function(*arguments)
            return await answer if isawaitable(answer) else answer
        except Exception as error:  # noqa: BLE001 - the core judges it
            return do.Failed(error)
