"""
The threads that all blocking streams of a process share, for lanes that mostly wait.

A stream has a thread that reads and one that calls handlers. Its acknowledgements, heartbeats and looks at
the clock take a moment every few seconds: threads of its own would be idle, so a few do this for all streams.
One of them at a time watches the clock; another begins where one is held up by a service or a store that is
slow, up to `MOST_THREADS`, and ends when there is nothing for it to do.
"""

from __future__ import annotations

import heapq
import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable

from .._core.stream.commands import Wait

MOST_THREADS = 32
"""How many calls may be under way at once; beyond it chores wait for each other."""
IDLE_SECONDS = 1.0
"""How long a thread that nobody needs just now is kept, while there are streams."""


MOST_STALE_TIMES = 64
"""So many times of waits that are over may be kept besides as many as there are chores, twice."""


class Chore:
    """
    A lane that mostly waits.

    Args:
        work: Runs it until it waits again, and says for how long; `None` at its end. Must not raise.
    """

    __slots__ = ("_is_waiting", "_ticket", "_woken", "_work")

    def __init__(self, work: Callable[[], Wait | None]) -> None:
        self._work = work
        self._is_waiting = False
        self._woken = False
        self._ticket = 0

    def run(self) -> Wait | None:
        """Run it until it waits again."""
        return self._work()

    def begin(self) -> int:
        """Note that it waits from now on; give the ticket that a later time must show."""
        self._is_waiting = True
        self._ticket += 1
        return self._ticket

    def take_wake_up(self) -> bool:
        """Tell whether it was woken while it was at work, once."""
        woken, self._woken = self._woken, False
        return woken

    def wake(self) -> bool:
        """Wake it; tell whether it waited. One at work will look again before it waits."""
        waiting, self._is_waiting = self._is_waiting, False
        self._woken = not waiting
        return waiting

    def waits_with(self, ticket: int) -> bool:
        """Tell whether it still waits for the time that it was given this ticket for."""
        return self._is_waiting and self._ticket == ticket

    def is_due(self, ticket: int) -> bool:
        """Tell whether it still waits for the time that it was given this ticket for, and end the wait."""
        due = self.waits_with(ticket)
        if due:
            self._is_waiting = False
        return due


class Housekeeping:
    """Carries out the chores of all streams of a process."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget all, as in a forked child: threads and chores are its parent's, whose lock may be held."""
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._ready: deque[Chore] = deque()
        self._later: list[tuple[float, int, int, Chore]] = []
        self._order = itertools.count()
        self._chores = 0
        self._threads = 0
        self._idle = 0

    def begin(self, chore: Chore) -> None:
        """
        Take a chore over, until its end.

        Raises:
            RuntimeError: There is no thread for it, and the system gives none.
        """
        with self._lock:
            self._chores += 1
            self._ready.append(chore)
            try:
                self._have_a_thread()
            except RuntimeError:
                self._chores -= 1
                self._ready.remove(chore)
                raise

    def wake(self, chore: Chore) -> None:
        """Have a chore looked at, should it wait."""
        with self._lock:
            if chore.wake():
                self._ready.append(chore)
                self._have_a_thread()

    def _have_a_thread(self) -> None:
        """See that somebody takes what is ready. Called with the lock."""
        if self._idle >= len(self._ready):
            self._changed.notify()
        elif self._threads < MOST_THREADS:
            thread = threading.Thread(target=self._serve, name="event-streamer-housekeeping", daemon=True)
            self._threads += 1
            try:
                thread.start()
            except RuntimeError:
                self._threads -= 1
                if not self._threads:  # else those that there are come to it
                    raise

    def _serve(self) -> None:
        """Do one chore after the other, in a thread of its own."""
        while True:
            with self._lock:
                chore = self._next()
                if chore is None:
                    self._threads -= 1
                    return
            pause = chore.run()
            with self._lock:
                self._put_aside(chore, pause)

    def _next(self) -> Chore | None:
        """Wait for something to do; `None` where this thread is not needed any more. Called with the lock."""
        self._idle += 1
        try:
            until = time.monotonic() + IDLE_SECONDS
            while True:
                now = time.monotonic()
                while self._later and self._later[0][0] <= now:
                    _, _, ticket, chore = heapq.heappop(self._later)
                    if chore.is_due(ticket):
                        self._ready.append(chore)
                if self._ready:
                    chore = self._ready.popleft()
                    break
                if not self._chores or (self._idle > 1 and now >= until):
                    return None
                # Of several idle ones only the last to stay looks at the clock.
                due = self._later[0][0] if self._later else None
                if self._idle > 1:
                    due = min(until, due) if due is not None else until
                self._changed.wait(None if due is None else due - now)
        finally:
            self._idle -= 1
        if self._ready:
            self._have_a_thread()
        return chore

    def _put_aside(self, chore: Chore, pause: Wait | None) -> None:
        """Have a chore wait as long as it says. Called with the lock."""
        if pause is None:
            self._chores -= 1
            if not self._chores:
                self._later.clear()
                self._changed.notify_all()
        elif chore.take_wake_up():
            self._ready.append(chore)
        else:
            ticket = chore.begin()
            if pause.seconds is not None:
                due = time.monotonic() + pause.seconds
                heapq.heappush(self._later, (due, next(self._order), ticket, chore))
                self._forget_stale_times()
                if self._later[0][3] is chore and self._idle:
                    self._changed.notify()  # whoever looks at the clock looks too late

    def _forget_stale_times(self) -> None:
        """
        Drop the times of waits that a wake-up has ended, once they are the larger part. Called with the lock.

        A chore may be woken a hundred times a second, and each of its waits would be kept for half a minute.
        """
        if len(self._later) > 2 * self._chores + MOST_STALE_TIMES:
            self._later = [each for each in self._later if each[3].waits_with(each[2])]
            heapq.heapify(self._later)


SHARED = Housekeeping()
"""The housekeeping of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SHARED.begin_anew)
