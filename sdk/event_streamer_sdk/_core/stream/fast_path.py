"""
The common case of the deliver lane, with no more work than it needs.

A backfill is nearly all batches of one kind of event with one handler, acknowledged by the client: a
subscription is for one event. With an event or two a batch, what is done for each batch is most of what a
client costs: without this one a batch of one event takes 2.5 times as long, one of a hundred 1.13 times. So
these batches are handled here in one frame, by the same rules as all others: `plain_fields` says which they
are, `Blocks.follow` follows their blocks, `Committer` commits. `tests/simulation/test_fast_path.py` runs both
ways over the same streams.
"""

from __future__ import annotations

from typing import Any

from .blocks import Blocks
from .commands import Call, Steps
from .committing import Committer, Entry
from .handler_errors import Result, Unhandled
from .handlers import batch_maker_var
from .in_hand import InHand
from .messages import plain_fields
from .options import CheckedOptions
from .session import Session


def applies(settings: CheckedOptions, *, iterating: bool, dedupes: bool) -> bool:
    """Tell whether a run's options leave batches for the fast path."""
    return (
        settings.auto_acknowledge
        and not settings.typed
        and not settings.confirmations
        and not iterating
        and not dedupes
    )


class FastPath:
    """Handles plain batches for the deliver lane."""

    def __init__(
        self,
        session: Session,
        committer: Committer,
        in_hand: InHand,
        blocks: Blocks,
        unhandled: Unhandled,
    ) -> None:
        self._session = session
        self._committer = committer
        self._in_hand = in_hand
        self._blocks = blocks
        self._unhandled = unhandled
        # One for all: only one is under way at a time.
        self._call = Call(_nobody, None, session.settings.handler_timeout)

    def take(self, values: list[Any], position: int) -> Steps[int]:
        """
        Handle batches as long as they are plain ones.

        Args:
            values: Decoded lines, whatever they are.
            position: Where to begin.

        Returns:
            The position of the first value that was not handled: the number of values where all were, or
            where the run is over or the connection that delivered them is not wanted any more.
        """
        session, committer, in_hand = self._session, self._committer, self._in_hand
        link = session.link
        connection = link.connection
        if connection is None or connection.id is None or self._blocks.doubtful:
            return position
        has_store, call, waiting = session.settings.has_store, self._call, session.notices.waiting
        only, progress = session.registry.only, committer.progress
        take, counters, commit = in_hand.take, session.counters, committer.commit_plain
        seen = self._blocks.seen
        batch_maker_var.set(in_hand.batch_of)
        for value in values[position:]:
            if waiting:
                break
            plain = plain_fields(value)
            if plain is None:
                break
            name, group, batch_id, token, size, first, last = plain
            committed = progress.block
            if (
                name not in only
                or (seen is not None and first < seen)  # it may go back: `Blocks` says so
                or (committed is not None and last < committed)
            ):
                break
            seen = last
            handler = only[name]
            if "head_block" in value and type(value["head_block"]) is int:
                counters.saw_head(value["head_block"])
            take(value)
            call.aim(handler, group)
            error = yield call
            position += 1
            if error is not None:
                assert isinstance(error, BaseException)
                failed = [(Call(handler, group, call.timeout), error)]
                result = yield from self._unhandled.attempt([], batch_id, value, failed)
                if result is Result.NOT_HANDLED:
                    break
            counters.handled(size, last, group[-1])
            if has_store:
                in_hand.pause()  # a store that is away is no handler that hangs
                yield from committer.commit(Entry(batch_id, token, last))
            else:
                commit(batch_id, token, last)
            if (
                session.end is not None  # as after every `stop`
                or link.connection is not connection
                or connection.dropped is not None
            ):
                position = len(values)
                break
        if seen is not None:
            self._blocks.follow(seen, seen)
        call.aim(_nobody, None)  # else the last batch would be alive while the next ones are decoded
        in_hand.put_down()
        return position


def _nobody(argument: Any) -> None:
    """Stand in the call until the first handler does."""
