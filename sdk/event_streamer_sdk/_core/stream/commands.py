"""
What the core asks of a shell, and what the shell answers.

The core's lanes are generators. A lane yields one of these commands, the shell carries it out (on threads,
on an event loop, or in a simulation) and sends the outcome back. A command is one verb and holds all that
it needs; a shell decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from attrs import define, frozen

if TYPE_CHECKING:
    from .checkpoint import Checkpoint, DeadLetterRecord
    from .messages import Batch


class Lane(Enum):
    """The concurrent strands of one run. Each has at most one command under way."""

    READ = "read"
    DELIVER = "deliver"
    ACKNOWLEDGE = "acknowledge"
    WATCH = "watch"


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
    """
    Call a handler. Outcome: `None`, or the exception that it raised.

    Attributes:
        function: A plain or (async client only) a coroutine function.
        argument: Its one argument.
        timeout: Seconds it may take; `None` lets it take its time.
    """

    __slots__ = ("argument", "function", "timeout")

    def __init__(
        self, function: Callable[[Any], Any], argument: object, timeout: float | None = None
    ) -> None:
        self.function = function
        self.argument = argument
        self.timeout = timeout


@frozen
class Ask:
    """
    Call a user's function and want its answer. Outcome: `Answer` or `Failed`.

    Attributes:
        function: A plain or (async client only) a coroutine function.
        argument: Its one argument.
    """

    function: Callable[[Any], Any]
    argument: object


@frozen
class Answer:
    """
    What a user's function answered.

    Attributes:
        value: The answer.
    """

    value: Any


class HandOver:
    """
    Give a batch to the user's loop. Outcome: `None`, when the loop asks for the next one.

    Attributes:
        batch: The batch.
    """

    __slots__ = ("batch",)

    def __init__(self, batch: Batch) -> None:
        self.batch = batch


@frozen
class AskForEvent:
    """Ask the service for the name of the subscription's event. Outcome: `str` or `Failed`."""


@frozen
class LoadCheckpoint:
    """Read the stored position. Outcome: `Checkpoint`, `None` or `Failed`."""


@frozen
class SaveCheckpoint:
    """
    Store the position durably. Outcome: `None` or `Failed`.

    Attributes:
        checkpoint: What to store.
    """

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
    """
    Write down durably what could not be handled. Outcome: `None` or `Failed`.

    Attributes:
        record: What to write.
    """

    record: DeadLetterRecord


@frozen
class Acknowledge:
    """
    Acknowledge batches. Outcome: `Acknowledged` or `Failed`.

    Attributes:
        connection_id: The connection that delivered them.
        batch_ids: Their ids.
    """

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
    | AskForEvent
    | LoadCheckpoint
    | SaveCheckpoint
    | AcquireLease
    | RenewLease
    | ReleaseLease
    | WriteDeadLetter
    | Acknowledge
    | SendHeartbeat
)
