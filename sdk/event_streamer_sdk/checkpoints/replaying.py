"""
Dead letters handed to handlers once more.

They are streamed by the client as any batches are, from a service that exists in memory alone: so handlers
get what they got the first time, in the same form, with the same retries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import httpx
from attrs import define, field

from .._core.stream.checkpoint import DeadLetterRecord
from .letters import DeadLetter

TOKEN = "dead-letter"  # noqa: S105 - no service takes it for a position
ACKNOWLEDGING = re.compile(r"/ack/batch/bulk$")


@define
class Replayed:
    """
    How a replay went.

    Attributes:
        handled: Those that were handled.
        failed: Those whose handlers failed again, with the reason.
        unreadable: Those that hold no batch: a line that couldn't be read, and still can't.
        signal: The signal that ended it early.
    """

    handled: list[DeadLetter] = field(factory=list)
    failed: list[tuple[DeadLetter, str]] = field(factory=list)
    unreadable: list[DeadLetter] = field(factory=list)
    signal: int | None = None


def by_subscription(letters: Iterable[DeadLetter], replayed: Replayed) -> list[tuple[int, list[DeadLetter]]]:
    """Give the batches of each subscription, and note what is none."""
    batches: list[DeadLetter] = []
    for letter in letters:
        whole = letter.record.kind == "batch" and letter.record.message is not None
        (batches if whole else replayed.unreadable).append(letter)
    batches.sort(key=_subscription)
    return [(number, list(part)) for number, part in groupby(batches, _subscription)]


def _subscription(letter: DeadLetter) -> int:
    return letter.record.subscription_id


class Memory:
    """A service that streams a subscription's dead letters once, and the place for those that fail again."""

    def __init__(self, letters: Sequence[DeadLetter]) -> None:
        self._letters = letters
        self._acknowledged: set[str] = set()
        self._failed: dict[str, str] = {}
        self.options: dict[str, Any] = {
            "client_metadata": {"replay": True},
            "handler_retries": 0,  # somebody waits for the answer, and can replay once more
            "on_handler_error": "dead_letter",
            "dead_letter": self,
        }

    blocking = False  # it never waits

    def write(self, record: DeadLetterRecord) -> None:
        """Note what failed again."""
        self._failed[record.batch_id or ""] = record.reason

    def close(self) -> None:
        """Do nothing."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of the client's."""
        if request.url.path.endswith("/stream"):
            return httpx.Response(200, headers={"X-Connection-Id": "replay"}, content=self._lines())
        if not ACKNOWLEDGING.search(request.url.path):
            return httpx.Response(404, json={"detail": "there is no service while dead letters are replayed"})
        ids = json.loads(request.content)["batch_ids"]
        self._acknowledged.update(ids)
        return httpx.Response(
            200,
            json={
                "total_batches": len(ids),
                "acknowledged_batches": len(ids),
                "failed_batches": 0,
                "failed_batch_ids": [],
                "total_events_acknowledged": 0,
            },
        )

    def _lines(self) -> bytes:
        # A batch that came again, and failed again, was written down twice.
        batches = {each.record.batch_id: each.record.message or {} for each in self._letters}
        messages = [{**message, "resume_token": TOKEN} for message in batches.values()]
        end = {"type": "end", "reason": "end_block_reached"}
        return b"".join(json.dumps(each).encode() + b"\n" for each in [*messages, end])

    def settle(self, replayed: Replayed) -> None:
        """Tell how it went with each."""
        for letter in self._letters:
            batch_id = letter.record.batch_id or ""
            if batch_id in self._failed:
                replayed.failed.append((letter, self._failed[batch_id]))
            elif batch_id in self._acknowledged:
                replayed.handled.append(letter)
