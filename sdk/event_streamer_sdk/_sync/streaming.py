# Printed from _async/streaming.py by `make generate`. Change it there, never here.
"""
The streaming client, blocking.

What it promises is decided in `_core.stream` and carried out by a run of `_runs`; what needs no I/O is in
`_streaming.base`, and what has no other half (locks, signals, handlers) in `_streaming.client_on_threads`.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from event_streamer_api.api import stream as calls
from event_streamer_api.models import (
    BatchAcknowledgmentRequest,
    BulkBatchAcknowledgmentResponse,
    ClientHeartbeatResponse,
    ProcessingStatusResponse,
)
from event_streamer_api.types import Operation

from .._core.stream.commands import Acknowledge, Failed, Lane, NoContent, SendHeartbeat
from .._core.stream.messages import Batch
from .._core.stream.reports import EndReason, Report
from .._runs.answers_on_threads import settled
from .._runs.on_threads import SyncRun
from .._streaming.base import HEADERS
from .._streaming.client_on_threads import SyncStreaming

if TYPE_CHECKING:
    from event_streamer_sdk.sinks.protocol import Sink

    from .._streaming.typed import Values


class SyncBatch(Batch):
    """A batch of events, blocking."""

    __slots__ = ()

    owner: SyncStreamingClient

    def ack(self) -> None:
        """
        Say that the batch is done (with `auto_acknowledge=False`): it is committed and acknowledged.

        Raises:
            EventStreamerSDKError: It could not be committed, or the service does not take it.
        """
        self.owner.acknowledge_batch(self.batch_id)


class SyncStreamingClient(SyncStreaming):
    """
    Receives the events of a subscription, blocking.

    Events arrive at least once and in order, through lost connections and restarts. Get one from
    `SyncEventStreamer.create_streaming_client`; register handlers and call `start_streaming()` or `run()`, or
    loop over it with `for`.

    Example:
        >>> streaming_client = client.create_streaming_client(subscription.id)
        >>> @streaming_client.on_event("Transfer")
        ... def handle(events):
        ...     print(len(events))
        >>> report = streaming_client.run()
    """

    _batch_class = SyncBatch

    _run: SyncRun | None

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.disconnect()

    # --- life ----------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """
        Whether handlers may still be called, which is so from the start to the end of a stream.

        Also true before the first connection and while it is lost: the client keeps trying.
        `is_connected` tells whether there is one, `report` how a stream has ended.
        """
        return self._run is not None and self._run.running

    def connect(self) -> None:
        """
        Open the connection, without reading from it yet.

        Not needed before `start_streaming()`; it tells at once whether the service can be reached. While
        streaming, or when connected already, it does nothing.

        Raises:
            EventStreamerSDKError: The service can't be reached, or refuses.
        """
        with self._succession:
            self._connect()

    def start_streaming(self) -> None:
        """
        Start to receive events; returns at once, handlers are called in the background.

        The connection is made there as well, and made again as the `reconnect` policy says. What ends the
        stream for good is raised by `wait()` and `stop_streaming()`, logged (on standard error where the
        program has not set logging up), told to `on_status` handlers, and stands in `report`.
        Register a handler for events before: the first batch that nobody hears ends the stream with an error,
        and is not acknowledged.
        """
        with self._succession:
            if not self.is_running:
                self._begin(iterating=False, deliver=True)

    def stop_streaming(self) -> None:
        """
        Stop: the batch in hand is finished, committed and acknowledged; what is queued comes again next time.

        Takes at most `stop_timeout`. From within a handler it returns at once, and the stream ends behind it.

        Raises:
            BaseException: What ended the stream badly, where neither `wait()` nor an earlier call has raised
                it: a handler's own exception, or an `EventStreamerSDKError`. It is stopped in any case.
        """
        self.disconnect()
        self._raise_untold()

    def disconnect(self) -> None:
        """
        Stop streaming, and close the connection.

        The checkpoint store stays open: the client can be started again. Unlike `stop_streaming()` this
        raises nothing, so that it can stand in a `finally`.
        """
        self._stop()

    def resume(self, resume_token: str) -> None:
        """
        Go to another position: connect there, and go on streaming if that was so before.

        Args:
            resume_token: The position, as `get_current_resume_token` gave it. It comes before a stored one,
                and a checkpoint store takes it over with the next commit. With `dedupe`, events that were
                handled before are held back here, too.

        Raises:
            EventStreamerSDKError: The service can't be reached, or refuses the token.
        """
        self._stream_call(resume_token)
        was_running = self.is_running
        while True:
            before = self._run
            self.disconnect()
            with self._succession:
                if self._run is not before:
                    continue  # somebody else has connected or started meanwhile
                self._go_to(resume_token)
                self._connect()
                if was_running:
                    self._begin(iterating=False, deliver=True)
                return

    def wait(self, timeout: float | None = None) -> Report:
        """
        Wait until the stream has ended.

        Args:
            timeout: Seconds to wait at most; `None` waits as long as it takes.

        Returns:
            How it went.

        Raises:
            TimeoutError: It has not ended in time. It goes on.
            BaseException: What ended it, where it was a bad end: a handler's own exception, or an
                `EventStreamerSDKError`.
        """
        give_up = None if timeout is None else time.monotonic() + timeout
        run = self._run
        while run is not None:
            if not run.finished(None if give_up is None else max(0.0, give_up - time.monotonic())):
                raise TimeoutError(
                    f"subscription {self.subscription_id} is still streaming after {timeout:g} s"
                )
            run = run.successor
        return self._result()

    def run(self, into: Sink | None = None, *, handle_signals: bool | None = None) -> Report:
        """
        Stream until the subscription is done, or SIGINT or SIGTERM comes.

        The first signal stops all runs of the process in good order, as `stop_streaming()` does, and `run()`
        returns: the program decides its exit code. A second one raises KeyboardInterrupt at once.

        A handler that is still running after `stop_timeout` is interrupted. In blocking code that takes
        the main thread: where `run()` was called there and takes a signal, handlers run in it. Elsewhere they
        run in a thread of the client's, which is left behind then.

        Args:
            into: Where all events go, besides the handlers (see `event_streamer_sdk.sinks`). The position is
                stored with them, and the stream goes on from there.
            handle_signals: `None` (default) takes a signal where the program has no handler of its own for
                it. `True` takes both in any case, and calls the program's handlers, too; `False` takes none.
                Handlers are put back when the last run ends.

        Returns:
            How it went.

        Raises:
            SinkError: The sink can't take the events.
            EventStreamerValidationError: No handler gets events and there is no `into`, or
                `handle_signals=True` in a thread that is not the main one.
            BaseException: What ended it, where it was a bad end, as in `wait()`.

        Example:
            >>> report = streaming_client.run()
            >>> print(report.events, report.reason)
            >>> report = streaming_client.run(into=sink_for("transfers.parquet"))
        """
        if into is not None:
            from event_streamer_sdk.sinks._feed import feeding

            with feeding(self, into) as conclude:
                report: Report = conclude(self.run(handle_signals=handle_signals))
                return report
        return self._run_to_the_end(handle_signals)

    # --- iteration -----------------------------------------------------------------------------

    def __iter__(self) -> Generator[SyncBatch]:
        """
        Receive batches in a loop.

        A batch is committed when the loop asks for the next one; with `auto_acknowledge=False` when
        `batch.ack()` says so. Leaving the loop stops the stream; the batch in hand comes again.
        The loop ends with the stream, and raises what ended it badly.

        Returns:
            A generator of batches.

        Example:
            >>> for batch in streaming_client:
            ...     print(batch.batch_id, batch.events)
        """
        return self._iterate()

    def events(self) -> Iterator[dict[str, Any]]:
        """
        Receive single events in a loop; a batch is committed when its last event is done.

        Yields:
            Events, in order, each with its name under no key of its own: use batches where names matter.
        """
        with closing(self._iterate()) as batches:
            for batch in batches:
                for group in batch.events.values():
                    yield from group

    def _iterate(self) -> Generator[Any]:
        with self._succession:
            run = self._begin(iterating=True, deliver=False, raises=True)
        try:
            following: SyncRun | None = run
            while following is not None:
                run = following
                with closing(run.batches()) as batches:
                    for batch in batches:
                        if self._values is not None:
                            values = self._known(self._values)
                            batch.events = values.of_batch(batch.events)
                        yield batch
                if run.session.gives_way:
                    run.finished()
                following = run.successor
        finally:
            run.stop()
        self._result()

    # --- typed events --------------------------------------------------------------------------

    def _known(self, values: Values) -> Values:
        """Ask for the subscription's event, once."""
        if not values.is_known:
            subscription = self.event_streamer.get_subscription(self.subscription_id)
            values.learn(subscription.event_signature)
        return values

    def _taking_values(
        self, handler: Callable[..., Any], convert: Callable[[Any], Any]
    ) -> Callable[[Any], Any]:
        @functools.wraps(handler)
        def handle(events: Any) -> None:
            assert self._values is not None
            self._known(self._values)
            settled(handler(convert(events)), handler)

        return handle

    # --- calls ---------------------------------------------------------------------------------

    def check_processing_status(self) -> ProcessingStatusResponse:
        """
        Ask whether the subscription is being processed.

        Returns:
            The service's answer.

        Raises:
            EventStreamerSDKError: The call failed.
        """
        answer: ProcessingStatusResponse = self.event_streamer.check_processing_status(self.subscription_id)
        return answer

    def send_heartbeat(self) -> ClientHeartbeatResponse:
        """
        Tell the service that this client lives. While streaming that is done without being asked.

        Returns:
            The service's answer.

        Raises:
            EventStreamerConnectionError: There is no connection, or it is gone.
        """
        command = SendHeartbeat(self._open_connection_id(), self._next_sequence(), 0)
        answer: ClientHeartbeatResponse = self.event_streamer._call(self._heartbeat_call(command))
        return answer

    def acknowledge_batch(self, batch_id: str) -> None:
        """
        Say that a batch is done; with `auto_acknowledge=False` this commits it, and then acknowledges it.

        A batch behind one that is still open is not committed yet: it waits, and is acknowledged by itself
        as soon as all before it are done. The order in which you say so does not matter.

        Args:
            batch_id: Its id: `streaming_client.current_batch_id` in a handler, `batch.batch_id` in a loop.

        Raises:
            EventStreamerSDKError: It could not be committed, or the service does not take it.
        """
        for ready in self._commit([batch_id]):
            request = BatchAcknowledgmentRequest(batch_id=ready)
            connection_id = self._open_connection_id()
            call = calls.acknowledge_batch(self.subscription_id, connection_id, request)
            with self._settling([ready]):
                self.event_streamer._call(call)
            self._counters.add("acks")

    def acknowledge_batch_bulk(self, batch_ids: list[str]) -> BulkBatchAcknowledgmentResponse:
        """
        Say that several batches are done, in one call; otherwise as `acknowledge_batch`.

        Args:
            batch_ids: Their ids.

        Returns:
            The service's answer; `failed_batch_ids` are those it did not take. Batches that have to wait
            for one before them are in none of its figures.

        Raises:
            EventStreamerSDKError: They could not be committed, or the call failed.
        """
        ready = self._commit(batch_ids)
        if batch_ids and not ready:
            return self._nothing_sent()
        command = Acknowledge(self._open_connection_id(), ready)
        with self._settling(ready):
            answer: BulkBatchAcknowledgmentResponse = self.event_streamer._call(self._ack_call(command))
        self._counters.add("acks", answer.acknowledged_batches)
        return answer

    def _commit(self, batch_ids: Sequence[str]) -> Sequence[str]:
        """Commit before acknowledging; give the batches that are to be acknowledged now."""
        run = self._run
        if run is None or self.auto_acknowledge:
            return batch_ids
        ready: Sequence[str] | None = run.drive(
            None, run.lanes.watched(run.lanes.committer.finish(batch_ids))
        )
        if ready is None:
            raise self._commit_error()
        return ready

    # --- what the run asks of its client -------------------------------------------------------

    def _connect(self) -> None:
        if self.is_running or self.is_connected:
            return
        run = SyncRun(self._context(), self._new_lanes(iterating=False), self._run)
        self._run = run
        outcome = run.drive(Lane.READ, run.lanes.watched(run.lanes.reader.connect_once()))
        if isinstance(outcome, Failed):
            raise outcome.error
        if isinstance(outcome, NoContent):
            run.stop()
            self._report = Report(reason=EndReason.FINISHED)

    def _begin(self, *, iterating: bool, deliver: bool, raises: bool = False) -> SyncRun:
        """Start the run that `connect()` made, or a new one; `raises`: its caller is given what ends it."""
        self._refuse_second(self.is_running)
        run = self._run
        if run is None or run.lanes.session.link.adopted is None:
            run = SyncRun(self._context(), self._new_lanes(iterating=iterating), self._run)
            self._run = run
        run.lanes.deliverer.iterate(iterating)
        self._report = self._untold = None
        self._gave_way.clear()
        if raises:
            run.session.will_raise()  # before it starts: it may end at once
        run.start(deliver=deliver)
        return run

    def _run_is_over(self, run: Any, report: Report) -> None:
        current = self._run
        if current is None or current is not run:
            return
        if current.session.gives_way:
            self._gives_way(report)
            self._stand_by(current)
        else:
            self._ended(report)

    def _stand_by(self, run: SyncRun) -> None:
        """Have another run wait for the lease that one has lost, and go on where its successor was."""
        iterating = run.lanes.deliverer.iterating
        following = SyncRun(self._context(), self._new_lanes(iterating=iterating), run)
        if run.session.is_raised:
            following.session.will_raise()
        self._run = run.successor = following
        following.start(deliver=run.delivers)

    def _stop(self, reason: EndReason = EndReason.STOPPED) -> None:
        """Stop the run, and the one that stands by for it where that has just begun."""
        run = self._run
        while run is not None:
            run.stop(reason)
            run = run.successor

    def _open_stream(self, resume_token: str | None) -> Any:
        service = self.event_streamer._service_now()
        call = self._stream_call(resume_token)
        return self.event_streamer._http.open_stream(call, headers=HEADERS, service=service)

    def _request(self, operation: Operation[Any], timeout: float | None) -> Any:
        service = self.event_streamer._service_now()
        return self.event_streamer._http.request(operation, retries=0, timeout=timeout, service=service)
