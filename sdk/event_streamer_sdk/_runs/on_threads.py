"""
The blocking shell: runs the lanes of a session on threads, and carries out their commands.

Every step of a lane runs under one lock; commands are carried out outside of it. A stream has two threads:
the one that reads is never the one that handlers run in, so stopping takes effect at once while the socket is
silent. Acknowledging and watching are done by threads that all streams share (`housekeeping.py`).
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from event_streamer_sdk.exceptions import EventStreamerConnectionError, EventStreamerSDKError

from .._core.stream import commands as do
from .._core.stream.commands import Lane
from .._core.stream.lanes import Lanes
from .._core.stream.messages import Batch
from .._core.stream.reports import EndReason
from ..exceptions import HandlerTimeoutError
from ._sync.commands import SyncCommands
from .answers_on_threads import settled
from .context import RunContext
from .housekeeping import SHARED as SHARED_HOUSEKEEPING
from .housekeeping import Chore
from .output import judged
from .responses import failed, opened
from .signals import SHARED, BrokenOff

T = TypeVar("T")

logger = logging.getLogger(__name__)

READER_GRACE = 0.1
"""Seconds that the end of a run waits for the reading thread; one stuck in a connect is left behind."""


class SyncRun(SyncCommands):
    """One run of a `SyncStreamingClient`."""

    def __init__(self, context: RunContext, lanes: Lanes, previous: SyncRun | None) -> None:
        super().__init__(context, lanes)
        # One that was never started has no handler at work, but the one before it may.
        if previous is not None and not previous._started:
            previous = previous._previous
        self._previous: SyncRun | None = previous
        self.successor: SyncRun | None = None
        """The run that stands by for this one, which has lost its lease."""
        self.delivers = False
        """Whether handlers are called in a thread of the run's own."""
        self._lock = threading.Lock()
        self._flags = {lane: threading.Event() for lane in Lane}
        self._threads: dict[Lane, threading.Thread] = {}
        self._chores = {lane: Chore(partial(self._do_chore, lane)) for lane in (Lane.ACKNOWLEDGE, Lane.WATCH)}
        self._chore_steps: dict[Lane, do.Steps[None]] = {}
        self._at_work = 0  # lanes that the end of the run waits for
        self._deliver_steps: do.Steps[None] | None = None
        self._handler_thread: int | None = None
        self._helper_thread: int | None = None
        self._in_handler = False
        self._started: bool = False
        self._leaving = False
        self._over = threading.Event()

    # --- life ----------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the lanes are at work, and not only ending behind the handler that has stopped them."""
        return self._started and not self._over.is_set() and not self._leaving

    def start(self, *, deliver: bool) -> None:
        """
        Set the lanes to work.

        Args:
            deliver: Whether to call handlers in a thread, too; else somebody runs `batches()`.
        """
        self._started = True
        self.delivers = deliver
        self._at_work = len(self._chores) + deliver
        work: dict[Lane, Callable[[], Any]] = {Lane.READ: self._read_all}
        if deliver:
            work[Lane.DELIVER] = self._deliver_to_the_end
        for lane, function in work.items():
            name = f"stream-{self.session.subscription_id}-{lane.value}"
            self._threads[lane] = threading.Thread(target=function, name=name, daemon=True)
        started: list[threading.Thread] = []
        try:
            for thread in self._threads.values():
                thread.start()
                started.append(thread)
            for lane, chore in self._chores.items():
                self._chore_steps[lane] = self.lanes.steps(lane)
                SHARED_HOUSEKEEPING.begin(chore)
        except RuntimeError as error:
            self._fail(error)
            for thread in started:
                thread.join(READER_GRACE)
            self._end()
            raise EventStreamerSDKError(
                f"the stream can't start: it takes {len(self._threads)} threads, and the system gives no "
                f"more ({error}); EventStreamer, the asyncio client, needs none"
            ) from error

    def _guarded(self, work: Callable[[], Any]) -> None:
        """Run a lane; a defect in it ends the run instead of leaving the others waiting."""
        try:
            work()
        except BaseException as error:
            logger.exception("subscription %s: the stream failed", self.session.subscription_id)
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self.session.conclude(EndReason.FAILED, error)
        self._give_up()

    def _give_up(self) -> None:
        """Have the lanes end without the batch in hand."""
        with self._lock:
            self.session.give_up()
            self._take_effects()

    def _lane_has_ended(self) -> None:
        """Close up behind the last lane, in whichever thread that ran."""
        with self._lock:
            self._at_work -= 1
            last = self._at_work == 0
        if last:
            self._close_up()

    def _close_up(self) -> None:
        """End the reading thread and the connection, then let everybody know that the run is over."""
        self._locked(self.session.effects.break_off)
        reader = self._threads[Lane.READ]
        reader.join(READER_GRACE)
        if not reader.is_alive():
            self._disconnect(None)  # where a defect has ended it, nobody else does
            self._locked(self.session.link.closed)
        self._end()

    def _end(self) -> None:
        if not self._over.is_set():
            try:
                self._context.ended(self, self.session.report())
            finally:
                self._over.set()

    def _deliver_all(self) -> None:
        for _ in self.batches():
            raise AssertionError("batches are handed over only where the user iterates")

    def deliver_here(self) -> None:
        """Run the deliver lane in this thread, the main one, to its end or until a handler is broken off."""
        with suppress(BrokenOff):
            self._deliver_all()

    def request_stop(self, reason: EndReason = EndReason.STOPPED) -> None:
        """Ask the run to stop, without waiting for it."""
        self._locked(lambda: self.session.stop(reason))

    def stop(self, reason: EndReason = EndReason.STOPPED) -> None:
        """
        Stop, and wait until the batch in hand is finished and all is closed, at most `stop_timeout`.

        From within a handler of this very run there is nothing to wait for: the run ends behind the handler.
        """
        self.request_stop(reason)
        if not self._started:
            self.drive(Lane.READ, self.lanes.reader.give_back())
            return
        here = threading.get_ident()
        if here in (self._handler_thread, self._helper_thread) and not self.lanes.in_hand.handed_over:
            self._leaving = True
            return
        if not self._over.wait(self.session.settings.stop_timeout):
            logger.warning(
                "subscription %s: stopping took longer than stop_timeout; a handler is broken off or "
                "left behind, and its batch will come again",
                self.session.subscription_id,
            )
            self._give_up()
            if self._handler_thread == threading.main_thread().ident:
                SHARED.break_off(lambda: self._in_handler)
            if self._deliver_steps is not None:
                # When the handler ends some day, nothing follows from it: the next run may have gone on.
                self._locked(self._deliver_steps.close)
            self._end()

    def finished(self, timeout: float | None = None) -> bool:
        """Wait until the run is over."""
        return not self._started or self._over.wait(timeout)

    # --- lanes ---------------------------------------------------------------------------------

    def drive(self, lane: Lane | None, steps: do.Steps[T]) -> T:
        """
        Run a lane, or a part of one, to its end.

        Args:
            lane: Which; `None` for steps that a thread of the user's takes beside the lanes.
            steps: Its generator.
        """
        outcome: Any = None
        try:
            while True:
                with self._lock:
                    try:
                        command = steps.send(outcome)
                    except StopIteration as end:
                        ended: T = end.value
                        return ended
                    finally:
                        self._take_effects()
                outcome = self._carry_out(lane, command)
        finally:
            # At once: steps that are broken off, as by Ctrl-C, must not keep others from going on.
            self._locked(steps.close)

    def _read_all(self) -> None:
        self._guarded(lambda: self.drive(Lane.READ, self.lanes.steps(Lane.READ)))

    def _deliver_to_the_end(self) -> None:
        self._guarded(self._deliver_all)
        self._lane_has_ended()

    def _do_chore(self, lane: Lane) -> do.Wait | None:
        """Run a lane until it waits again, and say for how long; `None` at its end."""
        pause: do.Wait | None = None

        def run() -> None:
            nonlocal pause
            pause = self._until_it_waits(self._chore_steps[lane])

        self._guarded(run)
        if pause is None:
            self._lane_has_ended()
        return pause

    def _until_it_waits(self, steps: do.Steps[None]) -> do.Wait | None:
        outcome: Any = None
        while True:
            with self._lock:
                try:
                    command = steps.send(outcome)
                except StopIteration:
                    return None
                finally:
                    self._take_effects()
            if type(command) is do.Wait:
                return command
            outcome = self._perform[type(command)](command)

    def batches(self) -> Generator[Batch]:
        """
        Run the deliver lane, in the thread that asks for it.

        Yields:
            The batches for the user's loop; none where the user doesn't iterate.
        """
        if self._previous is not None:
            self._previous.finished()
            self._previous = None
        self._handler_thread = threading.get_ident()
        effects, lock = self.session.effects, self._lock
        steps = self._deliver_steps = self.lanes.steps(Lane.DELIVER)
        outcome: Any = None
        try:
            while True:
                with lock:
                    try:
                        command = steps.send(outcome)
                    except StopIteration:
                        return
                    if effects.pending:
                        self._take_effects()
                if type(command) is do.Call:
                    if command.timeout is not None:
                        outcome = self._call_in_time(command, command.timeout)
                        continue
                    # Not in a method of its own: that alone is some hundredths of a small batch.
                    outcome = None
                    self._in_handler = True
                    try:
                        answer = command.function(command.argument)
                        if answer is not None:
                            settled(answer, command.function)
                    except Exception as error:  # noqa: BLE001 - a handler's failure, whatever it is, goes to the core
                        outcome = judged(error)
                    finally:
                        self._in_handler = False
                elif type(command) is do.HandOver:
                    yield command.batch
                    self._handler_thread = threading.get_ident()
                    outcome = None
                else:
                    outcome = self._carry_out(Lane.DELIVER, command)
        finally:
            self._handler_thread = None
            self._locked(steps.close)

    def _locked(self, action: Callable[[], Any]) -> None:
        with self._lock:
            action()
            self._take_effects()

    def _take_effects(self) -> None:
        wake, break_off = self.session.effects.take()
        for lane in wake:
            if lane in self._chores:
                SHARED_HOUSEKEEPING.wake(self._chores[lane])
            else:
                self._flags[lane].set()
        response = self._response  # its thread may forget it meanwhile
        if break_off and response is not None:
            response.break_off()

    def _carry_out(self, lane: Lane | None, command: do.Command) -> Any:
        if type(command) is do.Wait:
            # A flag of its own where no lane waits: a second thread at a lane's flag would take its wake-ups.
            flag = self._flags[lane] if lane is not None else threading.Event()
            flag.wait(command.seconds)
            flag.clear()
            return None
        return self._perform[type(command)](command)

    # --- handlers ------------------------------------------------------------------------------

    def _call_in_time(self, command: do.Call, timeout: float) -> BaseException | None:
        """Call a handler in a thread of its own, since a thread can be left behind and not be stopped."""
        outcome: list[BaseException | None] = []
        context = contextvars.copy_context()

        def call() -> None:
            self._helper_thread = threading.get_ident()
            try:
                settled(context.run(command.function, command.argument), command.function)
            except BaseException as error:  # noqa: BLE001 - as above; nobody else sees what a thread raises
                outcome.append(judged(error))
            else:
                outcome.append(None)

        thread = threading.Thread(target=call, name="stream-handler", daemon=True)
        thread.start()
        thread.join(timeout)
        self._helper_thread = None
        if not outcome:
            problem = f"the handler took longer than handler_timeout={timeout:g} s, and is still running"
            return HandlerTimeoutError(problem, abandoned=True)
        return outcome[0]

    def _ask(self, command: do.Ask) -> do.Answer | do.Failed:
        try:
            return do.Answer(settled(command.function(command.argument), command.function))
        except Exception as error:  # noqa: BLE001 - as above
            return do.Failed(error)

    # --- network -------------------------------------------------------------------------------

    def _connect(self, command: do.Connect) -> Any:
        try:
            self._response = response = self._context.open_stream(command.resume_token)
        except Exception as error:  # noqa: BLE001 - transports raise what they like; the core judges it
            return failed(error)
        return opened(response)

    def _read(self, _: do.Read) -> Any:
        response = self._response
        if response is None:
            return do.Failed(EventStreamerConnectionError("there is no connection"))
        try:
            return response.chunk() or do.EndOfResponse()
        except Exception as error:  # noqa: BLE001 - as above
            return failed(error)

    # --- stores --------------------------------------------------------------------------------

    def _stored(self, store: Any, function: Callable[..., Any], *arguments: Any) -> Any:
        del store  # whether it may block is no question here
        try:
            return settled(function(*arguments), function)
        except Exception as error:  # noqa: BLE001 - the core judges it
            return do.Failed(error)
