"""
The common case of the deliver lane, with no more work than it needs.

A backfill is nearly all batches of one kind of event with one handler, acknowledged by the client: a
subscription is for one event. With an event or two a batch, what is done for each batch is most of what a
client costs. So these batches are handled here in one frame, and all others by `delivering`, which this must
not differ from: `tests/simulation/test_fast_path.py` runs both over the same streams.
"""

from __future__ import annotations

from typing import Any

from .commands import (
    Call,
    Steps,
)
from .committing import commit
from .handlers import batch_maker_var, current_batch_var
from .progress import Entry
from .session import Session
from .unhandled import Result, attempt


def applies(session: Session) -> bool:
    """
    Say whether a run's options leave batches for the fast path.

    Args:
        session: The run.
    """
    settings = session.settings
    return (
        settings.auto_acknowledge
        and not settings.typed
        and not session.iterating
        and session.dedupe is None
        and session.holding is None
    )


def take_plain_batches(session: Session, values: list[Any], position: int) -> Steps[int]:
    """
    Handle batches as long as they are plain ones.

    Args:
        session: The run, to which this `applies`.
        values: Decoded lines.
        position: Where to begin.

    Returns:
        The position of the first value that was not handled: the number of values where all were, or where
        the run is over or the connection that delivered them is not wanted any more.
    """
    settings = session.settings
    timeout = settings.handler_timeout
    has_store = settings.has_store
    connection = session.connection
    if connection is None or connection.id is None or session.may_go_back:
        return position
    only, progress, acknowledge = session.registry.only.get, session.progress, session.acks.add
    counters, notices, clock = session.counters, session.notices, session.clock
    batch_maker_var.set(session.batch_of)
    call = Call(_nobody, None, timeout)  # one for all: only one is under way at a time
    for value in values[position:]:
        if notices:
            break
        try:
            if value["type"] != "event_batch":
                break
            events, batch_id, token = value["events"], value["batch_id"], value["resume_token"]
            (name,) = events
            group = events[name]
            first, last = value.get("first_block"), value.get("last_block")
            if first is None or last is None:
                first, last = group[0]["block_number"], group[-1]["block_number"]
            size = len(group)
            if value["batch_size"] != size:
                break
        except (KeyError, ValueError, TypeError, IndexError):
            break  # no JSON, no batch, no events, or not those of one name
        handler = only(name)
        if (
            handler is None
            or type(group) is not list
            or not group
            or type(batch_id) is not str
            or not batch_id
            or type(token) is not str
            or type(events) is not dict
            or type(first) is not int
            or type(last) is not int
        ):
            break
        seen, committed = session.seen_block, progress.block
        if (seen is not None and first < seen) or (committed is not None and last < committed):
            break
        head = value.get("head_block")
        if type(head) is int:
            counters.head_block = head

        session.seen_block = last
        session.current = value
        current_batch_var.set(value)
        session.handler_since = clock()
        call.function, call.argument = handler, group
        error = yield call
        call.argument = None  # else this batch would be alive while the next one is decoded
        position += 1
        if error is not None:
            assert isinstance(error, BaseException)
            failed = [(Call(handler, group, timeout), error)]
            result = yield from attempt(session, [], batch_id, value, failed)
            if result is Result.NOT_HANDLED:
                break
        counters.batches += 1
        counters.events += size
        counters.handled_block = last
        counters.newest = group[-1]
        if has_store:
            session.handler_since = None  # a store that is away is no handler that hangs
            yield from commit(session, Entry(batch_id, token, last, None))
        else:
            progress.advance(token, last)
            acknowledge(batch_id)
        if (
            session.end is not None
            or session.stopping
            or session.connection is not connection
            or connection.dropped is not None
        ):
            position = len(values)
            break
    session.handler_since = None
    session.current = None
    current_batch_var.set(None)
    return position


def _nobody(argument: Any) -> None:
    """Stand in the call until the first handler does."""
