"""
When Python looks for cyclic garbage in a service's process: often, and never at much of it at once.

Most objects go with the last reference to them. For those that refer to each other in a circle Python looks
through all objects that there are, at 0.7 µs each, and nothing else runs meanwhile. It does so whenever they
have become a quarter more. A stream is some 250 objects: with 1,000 streams everybody waited 0.2 s for it.
"""

from __future__ import annotations

import asyncio
import gc

_YOUNG = 10_000
"""
New objects after which those are looked through, 7 ms at most: more than an answer of a node has, which is
gone again before it has to be looked through.
"""
_ROUNDS = 1
"""Such looks after which those are looked through again that were left over: some 15 ms at most."""
_NEVER = 1_000_000
"""Looks of that kind after which Python would look through everything."""
_EVERY = 0.2
"""Seconds after which what is left of that, too, is left alone."""
_GROWTH = 2.0
"""By how much what is left alone grows before all of it is looked through: so little of it is garbage."""


class Collector:
    """
    Decides for the whole process, so it is for processes that do nothing but serve.

    What has lived for a moment is left alone. Only when that has become twice as much it is looked through,
    which happens some few times while streams are opened, and hardly ever while they are open.
    """

    def __init__(self) -> None:
        self._left_alone = 0
        self._room = 0.0
        """New objects that there may be before those left alone can be too many: to count them takes long."""

    async def run(self) -> None:
        """Take over from Python until cancelled."""
        before = gc.get_threshold()
        gc.set_threshold(_YOUNG, _ROUNDS, _NEVER)
        self.look_at_everything()
        try:
            while True:
                await asyncio.sleep(_EVERY)
                self.look()
        finally:
            gc.unfreeze()
            gc.set_threshold(*before)

    def look(self) -> None:
        """Look through what is new, and through everything where there is much more than the last time."""
        rounds = gc.get_count()[2]
        if not rounds:
            return  # so little happens that nothing has grown old
        gc.collect(1)
        gc.freeze()
        self._room -= (rounds + 1) * _ROUNDS * _YOUNG
        if self._room < 0:
            self._room = _GROWTH * self._left_alone - gc.get_freeze_count()
            if self._room < 0:
                self.look_at_everything()

    def look_at_everything(self) -> None:
        """Look through all objects, and leave alone what is in use."""
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._left_alone = gc.get_freeze_count()
        self._room = (_GROWTH - 1) * self._left_alone
