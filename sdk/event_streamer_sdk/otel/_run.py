"""
One run, told as spans: reads off the commands of the lanes, and changes none of them.

The lanes are generators, and both clients run the same ones. So this is written once: it stands between a
lane and the shell, passes commands down and outcomes up, and times what lies between.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import Span

from event_streamer_api.models import StreamingReorg

from .._core.stream import commands as do
from .._core.stream.queue import ReadQueue
from . import _names as names
from ._current import WhileOpen
from ._spans import Processing, RunSpans, TimedQueue

T = TypeVar("T")


class RunTelemetry(RunSpans):
    """Looks at one run."""

    queue_class: type[ReadQueue] | None = TimedQueue

    def watch(self, steps: do.Steps[T]) -> do.Steps[T]:
        """
        Look at a lane, or a part of one.

        Returns:
            A generator of the same commands.
        """
        return _Watch(self).run(steps)

    @contextmanager
    def settling(self, batch_ids: Sequence[str]) -> Iterator[None]:
        """Tell of a call of the user's that acknowledges batches."""
        operation = self.acknowledging(batch_ids, contexts.get_current())
        try:
            with trace.use_span(operation.span, record_exception=False, set_status_on_exception=False):
                yield
        except BaseException as error:
            operation.end(error)
            raise
        operation.end()


class _Watch:
    """Looks at one lane."""

    def __init__(self, run: RunTelemetry) -> None:
        self._run = run
        self._in_hand = run.lanes.in_hand
        self._processing: Processing | None = None
        self._watched: dict[type, Callable[[Any], Generator[Any, Any, Any]]] = {
            do.Call: self._call,
            do.HandOver: self._hand_over,
            do.Connect: self._connect,
            do.SaveCheckpoint: self._save,
            do.Acknowledge: self._acknowledge,
            do.WriteDeadLetter: self._dead_letter,
        }

    def run(self, steps: do.Steps[T]) -> do.Steps[T]:
        """Pass commands down and outcomes up."""
        outcome: Any = None
        try:
            while True:
                try:
                    command = steps.send(outcome)
                except StopIteration as end:
                    ended: T = end.value
                    return ended
                processing = self._processing
                if processing is not None and not self._belongs(command, processing):
                    self._processing = None
                    processing.end()
                watch = self._watched.get(type(command))
                if watch is None:
                    outcome = yield command
                else:
                    outcome = yield from watch(command)
        finally:
            steps.close()
            if self._processing is not None:
                self._processing.end()

    def _belongs(self, command: do.Command, processing: Processing) -> bool:
        """Whether a command is part of handling the message whose handlers were called last."""
        if type(command) is do.SaveCheckpoint:
            return False
        work = self._in_hand.message
        return work is processing.work if work is not None else _reorg(command) is processing.work

    def _call(self, command: do.Call) -> Generator[Any, Any, Any]:
        reorg = _reorg(command)
        events = isinstance(command.argument, list | dict)
        work = reorg if reorg is not None else self._in_hand.message if events else None
        if work is None:
            return (yield command)  # a notice
        processing = self._of(work, reorg=reorg is not None)
        outcome = yield from _within(processing.span, command, processing.broken_off)
        processing.called(outcome)
        return outcome

    def _hand_over(self, command: do.HandOver) -> Generator[Any, Any, Any]:
        processing = self._of(command.batch.message, reorg=False)
        current = WhileOpen(processing.span, trace.get_current_span())
        try:
            outcome = yield from _within(current, command, processing.broken_off)
        finally:
            current.close()
        processing.called(None)
        return outcome

    def _of(self, work: object, *, reorg: bool) -> Processing:
        if self._processing is None:
            self._processing = Processing(self._run, work, reorg=reorg)
        return self._processing

    def _connect(self, command: do.Connect) -> Generator[Any, Any, Any]:
        operation = self._run.connecting()
        outcome = yield from _within(operation.span, command, operation.end)
        if isinstance(outcome, do.Connected) and outcome.connection_id is not None:
            operation.span.set_attribute(names.CONNECTION_ID, outcome.connection_id)
        operation.end(_error(outcome))
        return outcome

    def _save(self, command: do.SaveCheckpoint) -> Generator[Any, Any, Any]:
        operation = self._run.committing()
        if command.checkpoint.block is not None:
            operation.span.set_attribute(names.LAST_BLOCK, command.checkpoint.block)
        outcome = yield from _within(operation.span, command, operation.end)
        operation.end(_error(outcome))
        return outcome

    def _acknowledge(self, command: do.Acknowledge) -> Generator[Any, Any, Any]:
        operation = self._run.acknowledging(command.batch_ids)
        operation.span.set_attribute(names.CONNECTION_ID, command.connection_id)
        outcome = yield from _within(operation.span, command, operation.end)
        error = _error(outcome)
        if isinstance(outcome, do.Acknowledged) and outcome.failed:
            error = RefusedError(f"{len(outcome.failed)} of {len(command.batch_ids)} batches were refused")
        operation.end(error)
        return outcome

    def _dead_letter(self, command: do.WriteDeadLetter) -> Generator[Any, Any, Any]:
        outcome = yield command
        if self._processing is not None and not isinstance(outcome, do.Failed):
            self._processing.span.add_event("dead letter", {"reason": command.record.reason})
        return outcome


def _within(
    span: Span, command: do.Command, broken_off: Callable[[], object]
) -> Generator[do.Command, Any, Any]:
    """Have a command carried out within a span; `broken_off` is called where its lane ends meanwhile."""
    token = contexts.attach(trace.set_span_in_context(span))
    try:
        return (yield command)
    except GeneratorExit:  # a handler was broken off, or the user's loop was left
        broken_off()
        raise
    finally:
        # Else it was closed from another thread or task, whose context is not the one that was changed.
        if trace.get_current_span() is span:
            contexts.detach(token)


class RefusedError(Exception):
    """The service did not take some of the batches that were acknowledged."""


def _reorg(command: do.Command) -> StreamingReorg | None:
    argument = command.argument if type(command) is do.Call else None
    return argument if isinstance(argument, StreamingReorg) else None


def _error(outcome: object) -> BaseException | None:
    return outcome.error if isinstance(outcome, do.Failed) else None
