"""
Logs become batches: decoded, encoded once, cut by number and size. Pure, no I/O.

Each event is encoded by itself and the line is joined from the parts, so that a batch's size is
known before it is cut and nothing is encoded twice.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from event_streamer_api.models import ABIEvent
from event_streamer_sdk.abi import EventDecoder, LogDecodeError
from event_streamer_service.chains.tracker import REORG_DEPTH
from event_streamer_service.chains.types import Block, Log, LogFilter, LogRange, Position
from event_streamer_service.clock import isoformat
from event_streamer_service.delivery.batch import Batch
from event_streamer_service.delivery.recent import RecentEvents, RecentRuns, Undecodable


class EventEncoder:
    """
    Turns the logs of one event into JSON objects as the wire has them.

    Args:
        event: The event that a subscription asks for.
        undecodable: Told of logs that are not such an event.
        recent: What other streams have encoded of recent blocks.
        runs: What they have made batches of.
    """

    def __init__(
        self,
        event: ABIEvent,
        *,
        undecodable: Undecodable,
        recent: RecentEvents | None = None,
        runs: RecentRuns | None = None,
    ) -> None:
        self.name = event.name
        self._recent = RecentEvents(0) if recent is None else recent
        self._runs = RecentRuns(0, 1) if runs is None else runs
        self._definition = sys.intern(orjson.dumps(event.to_dict(), option=orjson.OPT_SORT_KEYS).decode())
        decoder = EventDecoder(event)
        self._topics = decoder.topic_count
        self._write = decoder.json_writer()
        self._decode = decoder.decode_json
        self._decode_dirty = EventDecoder(event, strict=False).decode_json
        self._undecodable = undecodable

    def shared(self, logs: LogRange, asked: LogFilter, *, max_events: int, max_bytes: int) -> Iterator[Batch]:
        """
        Cut a range near the head into batches, together with all streams that ask for the same.

        Args:
            logs: A complete run of blocks.
            asked: What its logs were chosen by.
            max_events: As for `cut`.
            max_bytes: As for `cut`.
        """
        tip = logs.blocks.get(logs.to_block)
        if tip is None or not logs.logs:
            return cut(logs, self, max_events=max_events, max_bytes=max_bytes)
        # The hash of the last block stands for all before it. Of the first, a stream may have a part already.
        first = logs.logs[0]
        place = (logs.from_block, tip.hash, logs.head, first.block_number, first.log_index, len(logs.logs))
        key = (self._definition, asked, place, max_events, max_bytes)

        def make(undecodable: Undecodable) -> Iterator[Batch]:
            encoder = copy.copy(self)
            encoder._undecodable = undecodable
            return cut(logs, encoder, max_events=max_events, max_bytes=max_bytes)

        return self._runs.run(key, make).batches(self._undecodable)

    def make(self, logs: Sequence[Log], times: Mapping[int, str]) -> list[bytes | str]:
        """
        Make events of logs.

        Args:
            logs: The logs.
            times: The times of their blocks by number, as JSON, where known.

        Returns:
            For each log the event's JSON, or why the log is not such an event.
        """
        write = self._write
        if write is None:
            return [self._make_any(log, times.get(log.block_number, "null")) for log in logs]
        # An event is never empty, so what the writer leaves is `None`.
        return [
            write(log, time := times.get(log.block_number, "null")) or self._make_any(log, time)
            for log in logs
        ]

    def make_recent(self, logs: Sequence[Log], times: Mapping[int, str]) -> list[bytes | str]:
        """Do as `make` does for logs of recent blocks, which other streams most likely want too."""
        all_made = []
        for log in logs:
            key = (self._definition, log.block_hash, log.log_index)
            made = self._recent.get(key)
            if made is None:
                (made,) = self.make((log,), times)
                self._recent.keep(key, made)
            all_made.append(made)
        return all_made

    def pass_over(self, log: Log, reason: str) -> None:
        """Tell that a log is not such an event, and why."""
        self._undecodable(log, reason, 1)

    def _make_any(self, log: Log, time: str) -> bytes | str:
        """Do as `make` does, for one log of any form."""
        if len(log.topics) != self._topics:
            # Usual, and so worth a look of its own: ERC-20's and ERC-721's Transfer share their topic0.
            return (
                f"it has {_topics(len(log.topics))}, and the subscription's event has {self._topics}; "
                "mark those parameters as indexed that the contract's ABI marks so"
            )
        try:
            event = self._decode(log.topics, log.data)
        except LogDecodeError:
            # A contract may leave bits in its padding. The event did happen, so it is delivered as it reads:
            # its topic0 says so. An anonymous event has none, so what isn't clean is a log of something else:
            # then this decoder is as strict as the first.
            try:
                event = self._decode_dirty(log.topics, log.data)
            except LogDecodeError as problem:
                return str(problem)
        event["block_number"] = log.block_number
        event["transaction_hash"] = log.transaction_hash
        event["log_index"] = log.log_index
        event["address"] = log.address
        event["block_hash"] = log.block_hash
        event["timestamp"] = orjson.Fragment(time)
        return orjson.dumps(event)


def _topics(count: int) -> str:
    return "1 topic" if count == 1 else f"{count} topics"


def cut(logs: LogRange, encoder: EventEncoder, *, max_events: int, max_bytes: int) -> Iterator[Batch]:
    """
    Cut a range of logs into batches; nothing comes of a range without events.

    Args:
        logs: A complete run of blocks.
        encoder: Of the subscription's event.
        max_events: Events in a batch, at most.
        max_bytes: Bytes of a batch's events, at most, unless one alone is larger.
    """
    make = encoder.make_recent if is_recent(logs) else encoder.make
    times = {number: f'"{isoformat(block.timestamp)}"' for number, block in logs.blocks.items()}
    first_block = logs.from_block
    waiting: list[Log] = []
    """Logs of events that no batch has yet."""
    parts: list[bytes] = []
    """These events."""
    for start in range(0, len(logs.logs), max_events):
        some = logs.logs[start : start + max_events]
        for log, made in zip(some, make(some, times), strict=True):
            if isinstance(made, str):
                encoder.pass_over(log, made)
            else:
                waiting.append(log)
                parts.append(made)
        # The last ones wait for what follows them: a batch ends where the next event is not of its block.
        while (count := _fitting(parts, max_events, max_bytes)) < len(parts):
            last = waiting[count - 1]
            end = _between(last, waiting[count])
            yield Batch(b",".join(parts[:count]), count, end, _event_id(last), first_block, logs.head)
            first_block = end.block + 1 if end.log_index is None else end.block
            del waiting[:count], parts[:count]
    if waiting:
        last = waiting[-1]
        yield Batch(b",".join(parts), len(parts), range_end(logs), _event_id(last), first_block, logs.head)


def _fitting(parts: Sequence[bytes], max_events: int, max_bytes: int) -> int:
    """Return how many of some events fit into a batch: one of them always does."""
    size = -1
    for count, part in enumerate(parts[:max_events]):
        size += len(part) + 1
        if size > max_bytes and count:
            return count
    return min(len(parts), max_events)


def is_recent(logs: LogRange) -> bool:
    """Tell whether a range lies near the head, where all streams read the same."""
    return logs.head - logs.from_block < REORG_DEPTH


def range_end(logs: LogRange) -> Position:
    """Return the position of a reader who has the whole range."""
    block = logs.blocks.get(logs.to_block)
    return Position(logs.to_block, None, None if block is None else block.hash)


def _between(last: Log, following: Log) -> Position:
    """Return the position of a reader who has `last`, where `following` is the next event."""
    whole = following.block_number > last.block_number
    return Position(last.block_number, None if whole else last.log_index, last.block_hash)


def _event_id(log: Log) -> str:
    return f"{log.block_number}:{log.log_index}"


class Lines:
    """
    Writes the messages of one connection as lines of NDJSON.

    Args:
        event_name: Name of the subscription's event.
        subscription_id: The subscription.
        connection_id: The connection.
        chain_id: The chain that is followed.
    """

    def __init__(self, *, event_name: str, subscription_id: int, connection_id: str, chain_id: int) -> None:
        self._chain_id = chain_id
        self._about = {"connection_id": connection_id, "subscription_id": subscription_id}
        self._events_open = b',"events":{' + orjson.dumps(event_name) + b":["

    def batch(
        self, batch: Batch, *, batch_id: str, token: str, timestamp: str, traceparent: str | None = None
    ) -> bytes:
        """A batch of events; with the trace of its delivery where the client wants it."""
        traced = {} if traceparent is None else {"traceparent": traceparent}
        head = orjson.dumps(
            {
                "type": "event_batch",
                "response_id": batch_id,
                "batch_id": batch_id,
                **self._about,
                "chain_id": self._chain_id,
                "resume_token": token,
                "batch_size": batch.size,
                "first_block": batch.first_block,
                "last_block": batch.end.block,
                "head_block": batch.head,
                "timestamp": timestamp,
                **traced,
            }
        )
        return b"".join((head[:-1], self._events_open, batch.events, b"]}}\n"))

    def reorg(
        self, ancestor: int, removed: tuple[Block, ...], *, batch_id: str, token: str, timestamp: str
    ) -> bytes:
        """The notice that delivered blocks were lost; acknowledged like a batch."""
        return self._line(
            "reorg",
            timestamp,
            response_id=batch_id,
            batch_id=batch_id,
            resume_token=token,
            chain_id=self._chain_id,
            common_ancestor=ancestor,
            removed_blocks=[{"number": block.number, "hash": block.hash} for block in removed],
        )

    def heartbeat(self, timestamp: str) -> bytes:
        """A sign of life."""
        return self._line("heartbeat", timestamp)

    def error(self, code: str, message: str, *, recoverable: bool, timestamp: str) -> bytes:
        """An error; unless it is recoverable, a client must not connect again."""
        return self._line("error", timestamp, error_code=code, error_message=message, recoverable=recoverable)

    def end(self, reason: str, *, token: str, timestamp: str) -> bytes:
        """The end of a subscription that has one."""
        return self._line("end", timestamp, reason=reason, resume_token=token)

    def _line(self, kind: str, timestamp: str, **fields: Any) -> bytes:
        return orjson.dumps({"type": kind, **self._about, **fields, "timestamp": timestamp}) + b"\n"
