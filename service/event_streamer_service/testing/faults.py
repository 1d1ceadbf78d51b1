"""
Fault injection: what can go wrong between a service and its client, on demand.

    service.faults.add("drop", after=3)                  # the fourth batch never comes
    service.faults.add("status", status=503, path="/ack/", times=2)
    service.faults.add("reset", subscription_id=7)

A fault waits until it fits, lets `after` occasions pass, strikes `times` times and is gone.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from typing import Any

from attrs import asdict, define, field

KINDS = {
    "drop": "batch",
    "end": "batch",
    "reset": "batch",
    "truncate": "batch",
    "corrupt": "batch",
    "duplicate": "batch",
    "slow": "batch",
    "status": "request",
    "expired_token": "token",
    "mute": "heartbeat",
}
"""Kind of fault → occasion at which it strikes."""

_ids = itertools.count(1)


@define(kw_only=True)
class Fault:
    """
    A fault that waits to strike.

    Attributes:
        kind: What happens. To a batch of a stream: `drop` (the connection closes before it, without an end
            of the response), `end` (the response ends before it), `reset` (RST in the middle of its line),
            `truncate` (half of its line, then the stream goes on), `corrupt` (its line is no UTF-8),
            `duplicate` (it comes twice), `slow` (its bytes dribble). To a request: `status`. To a connect
            with a resume token: `expired_token`. To the service's heartbeats: `mute`.
        after: Occasions that pass unharmed first.
        times: How often it strikes; `None` means until it is removed.
        subscription_id: Only streams of this subscription; requests only where their path names it.
        path: For `status`: only requests whose path holds this text.
        status: For `status`: the HTTP status, 400 to 599.
        retry_after: For `status`: what the Retry-After header says, seconds or a date.
        bytes_per_second: For `slow`: the speed, 1 or more; `None` takes 2 seconds for a line of any length.
        id: Names the fault.
        seen: Occasions so far.
        struck: How often it has struck.
    """

    kind: str = field()
    after: int = 0
    times: int | None = 1
    subscription_id: int | None = None
    path: str | None = None
    status: int = 503
    retry_after: str | None = None
    bytes_per_second: float | None = None
    id: int = field(factory=lambda: next(_ids), init=False)
    seen: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no fault {self.kind!r}; there are: {', '.join(KINDS)}.")
        for name, value, least in (
            ("after", self.after, 0),
            ("times", self.times, 1),
            ("subscription_id", self.subscription_id, 1),
            ("bytes_per_second", self.bytes_per_second, 1),
        ):
            if value is not None and (isinstance(value, bool) or value < least):
                raise ValueError(f"A fault's {name} must be {least} or more, not {value!r}.")
        if not 400 <= self.status <= 599:
            raise ValueError(f"A fault's status must lie between 400 and 599, not be {self.status!r}.")

    @property
    def spent(self) -> bool:
        """It has struck as often as it was to."""
        return self.times is not None and self.struck >= self.times

    def to_dict(self) -> dict[str, Any]:
        """Return the fault as JSON has it."""
        return asdict(self)


class Faults:
    """The faults that wait. May be used from any thread."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, kind: str, **options: Any) -> Fault:
        """
        Let something go wrong; the arguments are those of `Fault`.

        Raises:
            ValueError: There is no such fault, or an option is out of its range.
        """
        try:
            fault = Fault(kind=kind, **options)
        except TypeError as problem:
            raise ValueError(f"A fault can't be made of this: {problem}.") from problem
        with self._lock:
            self._faults.append(fault)
        return fault

    def pending(self) -> list[Fault]:
        """Return the faults that have yet to strike, oldest first."""
        with self._lock:
            return list(self._faults)

    def remove(self, fault_id: int) -> bool:
        """Take a fault back; tell whether it was there."""
        with self._lock:
            before = len(self._faults)
            self._faults = [fault for fault in self._faults if fault.id != fault_id]
            return len(self._faults) < before

    def clear(self) -> None:
        """Take all faults back."""
        with self._lock:
            self._faults.clear()

    def on_batch(self, subscription_id: int) -> list[Fault]:
        """Return the faults that strike the next batch of a stream."""
        return self._strike("batch", lambda fault: fault.subscription_id in (None, subscription_id))

    def on_heartbeat(self, subscription_id: int) -> bool:
        """Tell whether a heartbeat is to be left out."""
        return bool(self._strike("heartbeat", lambda fault: fault.subscription_id in (None, subscription_id)))

    def on_token(self, subscription_id: int) -> bool:
        """Tell whether a resume token is to count as expired."""
        return bool(self._strike("token", lambda fault: fault.subscription_id in (None, subscription_id)))

    def on_request(self, path: str) -> Fault | None:
        """Return the fault that answers a request in the service's place."""

        def fits(fault: Fault) -> bool:
            mine = fault.subscription_id is None or f"/subscriptions/{fault.subscription_id}/" in f"{path}/"
            return mine and (fault.path is None or fault.path in path)

        return next(iter(self._strike("request", fits, most=1)), None)

    def _strike(
        self, occasion: str, fits: Callable[[Fault], bool], *, most: int | None = None
    ) -> list[Fault]:
        if not self._faults:  # the usual case: no lock, no list
            return []
        with self._lock:
            struck: list[Fault] = []
            for fault in self._fitting(occasion, fits):
                fault.seen += 1
                if fault.seen > fault.after and (most is None or len(struck) < most):
                    fault.struck += 1
                    struck.append(fault)
            if struck:
                self._faults = [fault for fault in self._faults if not fault.spent]
            return struck

    def _fitting(self, occasion: str, fits: Callable[[Fault], bool]) -> Iterable[Fault]:
        return (fault for fault in self._faults if KINDS[fault.kind] == occasion and fits(fault))
