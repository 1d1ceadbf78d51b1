"""From dates to blocks: a binary search over the times of a chain's blocks, which the service tells."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, datetime

import typer
from attrs import frozen

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.exceptions import EventStreamerNotFoundError, EventStreamerSDKError

__all__ = ["Span", "blocks_between"]

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
"""The time of blocks that lie before those that the chain has here."""


@frozen
class Span:
    """
    The blocks between two dates.

    Attributes:
        first: The first block at or after `since`; `None` where no such date was given.
        last: The last block at or before `until`; `None` where no such date was given.
    """

    first: int | None
    last: int | None


def blocks_between(
    client: SyncEventStreamer, chain_id: int, since: datetime | None, until: datetime | None
) -> Span | None:
    """
    Find the first block at or after a date, and the last one at or before another.

    Some 25 calls for each date, on a chain of 30 million blocks. Of blocks with the same time, as chains
    with several blocks a second have them, all are in.

    Returns:
        The blocks; `None` where the service can't tell the times of blocks.

    Raises:
        typer.BadParameter: A date is later than the newest block, or no block lies between them.
        EventStreamerSDKError: The service, or its node, doesn't answer.
    """
    if since is not None and until is not None and since > until:
        raise typer.BadParameter(f"--since {_written(since)} is later than --until {_written(until)}")
    head = client.get_chain(chain_id).head_block
    newest = None if head is None else _time_of(client, chain_id, head)
    if head is None or newest is None:
        return None
    for name, date in (("--since", since), ("--until", until)):
        if date is not None and date > newest:
            raise typer.BadParameter(
                f"{name} {_written(date)} is later than the newest block of chain {chain_id}, {head:,} of "
                f"{_written(newest)}: {_WAYS_OUT[name]}"
            )
    return _search(chain_id, head, _asking(client, chain_id), since, until)


_WAYS_OUT = {
    "--since": "name an earlier date",
    "--until": "name an earlier date, or say --follow to wait for it",
}


def _search(
    chain_id: int,
    head: int,
    time_of: Callable[[int], datetime],
    since: datetime | None,
    until: datetime | None,
) -> Span:
    blocks = range(head + 1)
    first = None if since is None else bisect_left(blocks, since, key=time_of)
    last = None if until is None else bisect_right(blocks, until, key=time_of) - 1
    if last is not None and (last < 0 or time_of(last) == _BEFORE_ALL):
        assert until is not None, "it has led to a last block"
        raise typer.BadParameter(
            f"--until {_written(until)} is before the first block of chain {chain_id}: name a later date"
        )
    if first is not None and last is not None and first > last:
        assert since is not None, "it has led to a first block"
        raise typer.BadParameter(
            f"no block of chain {chain_id} lies between --since {_written(since)} and --until: block "
            f"{last:,} is of {_written(time_of(last))}, and {first:,} of {_written(time_of(first))}"
        )
    return Span(first, last)


def _asking(client: SyncEventStreamer, chain_id: int) -> Callable[[int], datetime]:
    """Give a function that tells a block's time; each block is asked for once."""
    known: dict[int, datetime] = {}
    # A recording, or a node that has dropped old blocks, begins later: what lies before it is not there.
    begins_later = _time_of(client, chain_id, 0) is None

    def time_of(block: int) -> datetime:
        if block not in known:
            found = _time_of(client, chain_id, block)
            if found is None and not begins_later:
                raise EventStreamerSDKError(f"chain {chain_id} doesn't tell the time of block {block:,}")
            known[block] = _BEFORE_ALL if found is None else found
        return known[block]

    return time_of


def _time_of(client: SyncEventStreamer, chain_id: int, block: int) -> datetime | None:
    try:
        return client.get_block(chain_id, block).timestamp
    except EventStreamerNotFoundError:  # there is no such block, or no such call
        return None


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
