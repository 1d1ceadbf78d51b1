"""
What the core asks of a shell, and what the shell answers.

The core's lanes are generators. A lane yields one of these commands, the shell carries it out (on threads,
on an event loop, or in a simulation) and sends the outcome back. A command is one verb and holds all that
it needs; a shell decides nothing.

For each command with an outcome there is a function at the end that yields it and gives the outcome with its
type: `answer = yield from connect(token)`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, frozen

from event_streamer_api.errors import EventStreamerValidationError

from .checkpoint import Checkpoint, DeadLetterRecord

if TYPE_CHECKING:
    from .messages import Batch


class Lane(Enum):
    """The concurrent strands of one run. Each has at most one command under way."""

    READ = "read"
    DELIVER = "deliver"
    ACKNOWLEDGE = "acknowledge"
    WATCH = "watch"


class OutputClosedError(BrokenPipeError):
    """Nobody reads any more what a handler writes to standard output: the next try can't succeed, either."""


@frozen
class Wait:
    """
    Rest until the lane is woken or the time is over. Being woken early is no error.

    Attributes:
        seconds: At most so long; `None` waits for the wake-up alone.
    """

    seconds: float | None = None


@frozen
class Connect:
    """
    Open the stream. Outcome: `Connected`, `NoContent` or `Failed`.

    Attributes:
        resume_token: Where to go on; `None` leaves it to the service.
    """

    resume_token: str | None


@frozen
class Read:
    """Read some bytes. Outcome: `bytes`, `EndOfResponse` or `Failed`."""


@frozen
class Disconnect:
    """Close the response. Outcome: `None`."""


class Call:
    """Call a handler. Outcome: `None`, or the exception that it raised."""

    __slots__ = ("argument", "function", "timeout")

    def __init__(
        self, function: Callable[[Any], Any], argument: object, timeout: float | None = None
    ) -> None:
        self.function = function
        self.argument = argument
        self.timeout = timeout

    def aim(self, function: Callable[[Any], Any], argument: object) -> None:
        """Make another call of it, for whoever keeps one for many."""
        self.function = function
        self.argument = argument


@frozen
class Ask:
    """Call a user's function and want its answer. Outcome: `Answer` or `Failed`."""

    function: Callable[[Any], Any]
    argument: object


@frozen
class Answer:
    """What a user's function answered."""

    value: Any


class HandOver:
    """Give a batch to the user's loop. Outcome: `None`, when the loop asks for the next one."""

    __slots__ = ("batch",)

    def __init__(self, batch: Batch) -> None:
        self.batch = batch


@frozen
class AskForSubscription:
    """Ask the service for the subscription. Outcome: `KnownSubscription` or `Failed`."""


@frozen
class LoadCheckpoint:
    """Read the stored position. Outcome: `Checkpoint`, `None` or `Failed`."""


@frozen
class SaveCheckpoint:
    """Store the position durably. Outcome: `None` or `Failed`."""

    checkpoint: Checkpoint


@frozen
class AcquireLease:
    """Take the lease on the subscription where the store has leases. Outcome: bool or `Failed`."""


@frozen
class RenewLease:
    """Prolong the lease. Outcome: `None` or `Failed`."""


@frozen
class ReleaseLease:
    """Give the lease back. Outcome: `None` or `Failed`."""


@frozen
class WriteDeadLetter:
    """Write down durably what could not be handled. Outcome: `None` or `Failed`."""

    record: DeadLetterRecord


@frozen
class Acknowledge:
    """Acknowledge batches. Outcome: `Acknowledged` or `Failed`."""

    connection_id: str
    batch_ids: Sequence[str]


@frozen
class SendHeartbeat:
    """
    Tell the service that we live. Outcome: `None` or `Failed`.

    Attributes:
        connection_id: The connection.
        sequence_number: Counts up from 1 within a client.
        timeout: Seconds the call may take.
    """

    connection_id: str
    sequence_number: int
    timeout: float


@frozen
class Connected:
    """
    The stream is open.

    Attributes:
        connection_id: Its id, where the header told it.
        heartbeat_interval: Seconds between heartbeats, where the header told it.
        encoding: The `Content-Encoding`, `None` for plain bytes.
    """

    connection_id: str | None = None
    heartbeat_interval: float | None = None
    encoding: str | None = None


@frozen
class NoContent:
    """The service answered 204: the subscription is done."""


@frozen
class KnownSubscription:
    """
    What a run needs to know of its subscription.

    Attributes:
        event_name: The name of its event.
        events_delivered: Events that were delivered and acknowledged before; `None` where it isn't told.
    """

    event_name: str
    events_delivered: int | None = None


@frozen
class EndOfResponse:
    """The response ended as it should."""


@define
class Failed:
    """
    A command could not be carried out.

    Attributes:
        error: Why.
        certificate: Whether the peer's certificate was refused; trying again would not help.
    """

    error: BaseException
    certificate: bool = False


@frozen
class Acknowledged:
    """
    The service's answer to an acknowledgement.

    Attributes:
        failed: Ids that it did not take.
    """

    failed: Sequence[str] = ()


Command = (
    Wait
    | Connect
    | Read
    | Disconnect
    | Call
    | Ask
    | HandOver
    | AskForSubscription
    | LoadCheckpoint
    | SaveCheckpoint
    | AcquireLease
    | RenewLease
    | ReleaseLease
    | WriteDeadLetter
    | Acknowledge
    | SendHeartbeat
)

T = TypeVar("T")

Steps = Generator[Command, object, T]
"""A lane, or a part of one, that ends with a `T`."""


def connect(resume_token: str | None) -> Steps[Connected | NoContent | Failed]:
    """Open the stream, as `Connect`."""
    outcome = yield Connect(resume_token)
    assert isinstance(outcome, Connected | NoContent | Failed)
    return outcome


def read() -> Steps[bytes | EndOfResponse | Failed]:
    """Read some bytes, as `Read`."""
    outcome = yield _READ
    assert isinstance(outcome, bytes | EndOfResponse | Failed)
    return outcome


def call(command: Call) -> Steps[BaseException | None]:
    """Call a handler, as `Call`."""
    error = yield command
    assert error is None or isinstance(error, BaseException)
    return error


def ask(function: Callable[[Any], Any], argument: object) -> Steps[Answer | Failed]:
    """Call a user's function and want its answer, as `Ask`."""
    outcome = yield Ask(function, argument)
    assert isinstance(outcome, Answer | Failed)
    return outcome


def ask_for_subscription() -> Steps[KnownSubscription | Failed]:
    """Ask what the subscription is for and how far it is, as `AskForSubscription`."""
    outcome = yield AskForSubscription()
    assert isinstance(outcome, KnownSubscription | Failed)
    return outcome


def load_checkpoint() -> Steps[Checkpoint | Failed | None]:
    """Read the stored position, as `LoadCheckpoint`; what a user's own store gives may be anything."""
    found = yield LoadCheckpoint()
    if found is None or isinstance(found, Checkpoint | Failed):
        return found
    problem = f"load of the checkpoint store must return a Checkpoint or None, not {type(found).__name__}"
    return Failed(EventStreamerValidationError(problem))


def save_checkpoint(checkpoint: Checkpoint) -> Steps[Failed | None]:
    """Store the position, as `SaveCheckpoint`."""
    return _failure((yield SaveCheckpoint(checkpoint)))


def acquire_lease() -> Steps[bool | Failed]:
    """Take the lease, as `AcquireLease`."""
    outcome = yield AcquireLease()
    return outcome if isinstance(outcome, Failed) else bool(outcome)


def renew_lease() -> Steps[Failed | None]:
    """Prolong the lease, as `RenewLease`."""
    return _failure((yield RenewLease()))


def write_dead_letter(record: DeadLetterRecord) -> Steps[Failed | None]:
    """Write down what could not be handled, as `WriteDeadLetter`."""
    return _failure((yield WriteDeadLetter(record)))


def acknowledge(connection_id: str, batch_ids: Sequence[str]) -> Steps[Acknowledged | Failed]:
    """Acknowledge batches, as `Acknowledge`."""
    outcome = yield Acknowledge(connection_id, batch_ids)
    assert isinstance(outcome, Acknowledged | Failed)
    return outcome


def send_heartbeat(connection_id: str, sequence_number: int, timeout: float) -> Steps[Failed | None]:
    """Tell the service that we live, as `SendHeartbeat`."""
    return _failure((yield SendHeartbeat(connection_id, sequence_number, timeout)))


def _failure(outcome: object) -> Failed | None:
    """Give the failure, where there is one: what a user's store returns else means nothing."""
    return outcome if isinstance(outcome, Failed) else None


_READ = Read()
