"""What both streaming clients do without I/O: options, and what can be read off them."""

from __future__ import annotations

import abc
import json
import random
import time
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, Unpack

from event_streamer_api.api import stream as calls
from event_streamer_api.api import subscriptions
from event_streamer_api.errors import EventStreamerSDKError, EventStreamerValidationError
from event_streamer_api.models import (
    BulkBatchAcknowledgmentRequest,
    BulkBatchAcknowledgmentResponse,
    ClientHeartbeatRequest,
    SubscriptionResponse,
)
from event_streamer_api.types import Operation
from event_streamer_sdk.checkpoints import FileCheckpoint, dead_letters_from, store_from
from event_streamer_sdk.exceptions import EventStreamerConnectionError

from .._core.stream.checkpoint import CheckpointStore, DeadLetters, LeasingStore
from .._core.stream.commands import Acknowledge, SendHeartbeat
from .._core.stream.committing import Progress
from .._core.stream.dedupe import Deduplicator
from .._core.stream.event_names import without_handler
from .._core.stream.lanes import Lanes
from .._core.stream.messages import Batch
from .._core.stream.options import StreamOptions, settings_from
from .._core.stream.reports import Counters, EndReason, Gauges, Report, Stats, stats_of, summed_up
from .._runs.context import RunContext
from .decorators import HandlerDecorators

_LEFT_TO_PARENT: list[Any] = []
"""Runs of a parent process, kept so that nothing of them is closed when it is collected."""

HEADERS = {"Accept": "application/x-ndjson", "Accept-Encoding": "identity"}
"""Headers of the stream's request: lines should come as they are written, not as a compressor lets go."""


class StreamingBase(HandlerDecorators):
    """What both streaming clients do without I/O."""

    _batch_class: type[Batch] = Batch
    _run: Any

    def __init__(
        self,
        event_streamer: Any,
        subscription_id: int,
        *,
        resume_token: str | None = None,
        client_metadata: Mapping[str, Any] | None = None,
        auto_acknowledge: bool = True,
        batch_ack_interval: float = 3.0,
        **options: Unpack[StreamOptions],
    ) -> None:
        self.event_streamer = event_streamer
        self.subscription_id = subscription_id
        self.client_metadata: dict[str, Any] = dict(client_metadata or {})
        self.auto_acknowledge = auto_acknowledge
        self._store: CheckpointStore | None = store_from(options.get("checkpoint"))
        self._dead_letters: DeadLetters | None = dead_letters_from(options.get("dead_letter"))
        self._check_store(self._store)
        self._check_store(self._dead_letters)
        leases = isinstance(self._store, LeasingStore) and self._store.lease_seconds is not None
        self._settings = settings_from(
            options,
            auto_acknowledge=auto_acknowledge,
            batch_ack_interval=batch_ack_interval,
            has_lease=leases,
        )
        owner = event_streamer.subscriber_id
        self._key = options.get("checkpoint_key") or f"{f'{owner}:' if owner else ''}{subscription_id}"
        self._metadata = _metadata_header(self.client_metadata)
        # Checked now, so that a wrong id or token is told where it was given.
        self._stream_call(resume_token)
        super().__init__(typed=self._settings.typed)
        self._progress = Progress(resume_token)
        self._counters = Counters()
        self._dedupe = Deduplicator(self._settings.dedupe) if self._settings.dedupe else None
        self._lanes: Lanes | None = None
        self._run = None
        # Held while a run takes the place of another, and never while one is waited for.
        self._succession = self._new_lock()
        self._report: Report | None = None
        # How runs went that have lost their lease, and were followed by one that stood by for it.
        self._gave_way: list[Report] = []
        # What ended a stream in the background badly, until somebody is told of it.
        self._untold: BaseException | None = None
        event_streamer._streams.add(self)

    @abc.abstractmethod
    def _new_lock(self) -> Any:
        """Make the lock that is held while a run takes the place of another."""

    def _check_store(self, store: object) -> None:
        """Refuse a store, or a place for dead letters, that this client can't call."""

    def _leave_to_parent(self) -> None:
        """After a fork, in the child: the run is the parent's, which has its threads, tasks and sockets."""
        _LEFT_TO_PARENT.append((self._run, self._lanes))
        self._run = self._lanes = None
        self._succession = self._new_lock()

    # --- what can be read off ------------------------------------------------------------------

    @property
    @abc.abstractmethod
    def is_running(self) -> bool:
        """
        Whether handlers may still be called, which is so from the start to the end of a stream.

        Also true before the first connection and while it is lost: the client keeps trying.
        `is_connected` tells whether there is one, `report` how a stream has ended.
        """

    @property
    def is_connected(self) -> bool:
        """Whether a connection to the service is open."""
        return self._lanes is not None and self._lanes.session.link.is_connected

    @property
    def connection_id(self) -> str | None:
        """The service's name for the connection, `None` while there is none."""
        return self._lanes.session.link.connection_id if self._lanes is not None else None

    @property
    def current_batch(self) -> Batch | None:
        """The batch that is being handled, `None` between two batches."""
        return self._lanes.in_hand.batch if self._lanes is not None else None

    @property
    def current_batch_id(self) -> str | None:
        """The id of the batch that is being handled, to acknowledge it by hand."""
        batch = self.current_batch
        return batch.batch_id if batch is not None else None

    @property
    def current_resume_token(self) -> str | None:
        """The same as `get_current_resume_token()`."""
        return self._progress.token

    @property
    def stats(self) -> Stats:
        """The figures since this client was made, a snapshot."""
        gauges = self._lanes.gauges if self._lanes is not None else Gauges()
        return stats_of(self._counters, gauges, time.monotonic(), _age(self._counters.handled_time))

    @property
    def report(self) -> Report | None:
        """How the last run went, `None` before the first one has ended."""
        return self._report

    def get_current_resume_token(self) -> str | None:
        """
        Give the committed resume token: everything up to it is handled.

        Saving it at any moment is safe: it never lies behind a batch that is still to be handled.

        Returns:
            The token, `None` before the first commit.
        """
        return self._progress.token

    # --- what the shells are made of -----------------------------------------------------------

    @abc.abstractmethod
    def acknowledge_batch(self, batch_id: str) -> Awaitable[None] | None:
        """Say that a batch is done."""

    def _new_lanes(self, *, iterating: bool) -> Lanes:
        self._lanes = Lanes(
            settings=self._settings,
            registry=self._registry,
            progress=self._progress,
            counters=self._counters,
            dedupe=self._dedupe,
            subscription_id=self.subscription_id,
            clock=time.monotonic,
            utc_now=lambda: datetime.now(UTC),
            random=random.random,
            iterating=iterating,
            batch_class=self._batch_class,
            owner=self,
            observers=self.event_streamer._observers,
        )
        return self._lanes

    @abc.abstractmethod
    def _begin(self, *, iterating: bool, deliver: bool, raises: bool = False) -> Any:
        """Start a run; `raises`: its caller is given what ends it, so that it isn't logged as well."""

    @abc.abstractmethod
    def _open_stream(self, resume_token: str | None) -> Any:
        """Open the stream: give the response, whose body is still to come."""

    @abc.abstractmethod
    def _request(self, operation: Operation[Any], timeout: float | None) -> Any:
        """Send a call once, in so many seconds."""

    @abc.abstractmethod
    def _run_is_over(self, run: Any, report: Report) -> None:
        """Keep how a run went; behind one that has lost its lease a further one stands by."""

    def _context(self) -> RunContext:
        """Give a run what it needs of this client."""
        return RunContext(
            open_stream=self._open_stream,
            send=self._request,
            acknowledgement=self._ack_call,
            heartbeat=self._heartbeat_call,
            subscription=self._subscription_call,
            store=self._store,
            claims=isinstance(self._store, FileCheckpoint),
            key=self._key,
            dead_letters=self._dead_letters,
            ended=self._run_is_over,
        )

    def _go_to(self, resume_token: str) -> None:
        """Begin the next run at a position of the user's, and not at the stored one."""
        self._progress = self._progress.elsewhere(resume_token)

    def _gives_way(self, report: Report) -> None:
        """Keep the figures of a run that has lost its lease, and is followed by one that stands by."""
        self._gave_way = [summed_up([*self._gave_way, report])]

    def _ended(self, report: Report) -> None:
        """Keep how a run went, and those that it has followed."""
        if isinstance(self._store, FileCheckpoint):
            self._store.let_go()
        self._report = summed_up([*self._gave_way, report])
        self._untold = report.error

    def _raise_untold(self) -> None:
        """Raise what ended a stream badly, once, where nobody has been told of it yet."""
        error, self._untold = self._untold, None
        if error is not None:
            raise error

    def _result(self) -> Report:
        """Give the last run's report, or raise what it ended with."""
        report = self._report or Report(reason=EndReason.STOPPED)
        self._untold = None
        if report.error is not None:
            raise report.error
        return report

    def _refuse_second(self, running: bool) -> None:
        if running:
            raise EventStreamerSDKError(
                f"subscription {self.subscription_id} is already being streamed by this client: "
                "stop_streaming() first, or make another client"
            )

    def _refuse_unheard(self) -> None:
        """
        Refuse a `run()` that nobody would hear.

        `start_streaming()` is not refused, since handlers may be registered right behind it: there the first
        batch that nobody hears ends the stream.
        """
        if not self.is_running and not self._registry.hears_events:
            raise without_handler(self.subscription_id)

    def _next_sequence(self) -> int:
        assert self._lanes is not None
        return self._lanes.watcher.next_sequence()

    def _commit_error(self) -> BaseException:
        end = self._lanes.session.end if self._lanes is not None else None
        return (end and end.error) or EventStreamerSDKError("the position could not be committed")

    def _stream_call(self, resume_token: str | None) -> Operation[None]:
        return calls.stream_subscription(self.subscription_id, resume_token, x_client_metadata=self._metadata)

    def _subscription_call(self) -> Operation[SubscriptionResponse]:
        return subscriptions.get_subscription(self.subscription_id, self.event_streamer.subscriber_id)

    def _ack_call(self, command: Acknowledge) -> Operation[Any]:
        request = BulkBatchAcknowledgmentRequest(
            batch_ids=list(command.batch_ids), connection_id=command.connection_id
        )
        return calls.acknowledge_batch_bulk(self.subscription_id, command.connection_id, request)

    def _nothing_sent(self) -> BulkBatchAcknowledgmentResponse:
        """What comes of acknowledging batches that all have to wait for one before them."""
        return BulkBatchAcknowledgmentResponse(
            total_batches=0,
            acknowledged_batches=0,
            failed_batches=0,
            failed_batch_ids=[],
            total_events_acknowledged=0,
        )

    def _settling(self, batch_ids: Sequence[str]) -> AbstractContextManager[object]:
        """Show those who look at the run a call that acknowledges batches."""
        return self._lanes.settling(batch_ids) if self._lanes is not None else nullcontext()

    def _heartbeat_call(self, command: SendHeartbeat) -> Operation[Any]:
        request = ClientHeartbeatRequest(timestamp=datetime.now(UTC), sequence_number=command.sequence_number)
        return calls.send_heartbeat(command.connection_id, request)

    def _open_connection_id(self) -> str:
        connection_id = self.connection_id
        if connection_id is None:
            raise EventStreamerConnectionError(
                f"subscription {self.subscription_id} has no open connection: call connect() first"
            )
        return connection_id


def _metadata_header(metadata: Mapping[str, Any]) -> str | None:
    """Write the client's metadata as a header: compact, and ASCII, since a header can hold nothing else."""
    if not metadata:
        return None
    try:
        return json.dumps(metadata, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise EventStreamerValidationError(f"client_metadata can't be written as JSON: {error}") from None


def _age(moment: Any) -> float | None:
    """Tell how many seconds ago an event's `timestamp` was."""
    if isinstance(moment, str):
        try:
            at = datetime.fromisoformat(moment)
        except ValueError:
            return None
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return max(0.0, (datetime.now(UTC) - at).total_seconds())
    if isinstance(moment, datetime):
        return max(0.0, (datetime.now(UTC) - moment).total_seconds())
    if isinstance(moment, int | float) and not isinstance(moment, bool):
        return max(0.0, time.time() - moment)
    return None
