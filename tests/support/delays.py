"""
Delays at the places where threads and tasks hand over, so that a race shows that a quiet machine hides.

`make test-delays` runs the tests this way. What is delayed, now and then and at random: a thread after it has
set an event, put something into a queue or written to a socket; a thread before it begins or closes a socket;
an event loop before it goes on. A busy machine does all of this to a process anyway. So where a test fails
here, it (or the code) waits for something near to what it needs, and not for the thing itself.
"""

import asyncio
import queue
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

#: How often a place is delayed, and for how many seconds at most.
SHARE, LONGEST = 0.1, 0.03
#: An event loop goes round much more often than the others happen.
LOOP_SHARE, LOOP_LONGEST = 0.01, 0.02


def install(seed: int) -> None:
    """
    Delay from now on, in this process.

    Args:
        seed: What the delays are drawn from. A run isn't repeatable, since threads don't take turns.
    """
    draw = random.Random(seed)

    def pause(share: float = SHARE, longest: float = LONGEST) -> None:
        if draw.random() < share:
            time.sleep(draw.random() * longest)

    def after(method: Callable[..., Any]) -> Callable[..., Any]:
        def delayed(*args: Any, **options: Any) -> Any:
            result = method(*args, **options)
            pause()
            return result

        return delayed

    def before(method: Callable[..., Any], *limits: float) -> Callable[..., Any]:
        def delayed(*args: Any, **options: Any) -> Any:
            pause(*limits)
            return method(*args, **options)

        return delayed

    one_round = asyncio.BaseEventLoop._run_once  # type: ignore[attr-defined]
    replaced: list[tuple[Any, str, Callable[..., Any]]] = [
        (threading.Event, "set", after(threading.Event.set)),
        (threading.Thread, "run", before(threading.Thread.run)),
        (queue.Queue, "put", after(queue.Queue.put)),
        (socket.socket, "sendall", after(socket.socket.sendall)),
        (socket.socket, "close", before(socket.socket.close)),
        (asyncio.BaseEventLoop, "_run_once", before(one_round, LOOP_SHARE, LOOP_LONGEST)),
    ]
    for owner, name, delayed in replaced:
        setattr(owner, name, delayed)
    sys.setswitchinterval(0.0001)
