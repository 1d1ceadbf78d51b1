"""Requests to a node in batches of a size that it takes: all at once, some, or one by one."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from . import refusals
from .envelopes import Answer, Request
from .errors import BatchTooLarge, ChainError, FilterTooLarge, RangeTooLarge, RateLimited, UnreadableAnswer
from .range_size import AdaptiveSize

logger = logging.getLogger(__name__)

LARGEST = 50
"""Requests in one batch: half of what the strictest well-known providers take."""
LOGS = "eth_getLogs"


class Transport(Protocol):
    """Carries requests to one node."""

    node: str
    """How the node is named in messages: its host, without what may be secret."""

    async def send(self, requests: Sequence[Request], *, blocks: int | None = None) -> list[Answer | None]:
        """
        Send requests (several are one batch) and return their answers, in the order of the requests.

        A request without an answer has `None`. The refusal of a batch as a whole comes alone.

        Args:
            requests: At least one.
            blocks: How many blocks a question for logs is about: says what a failure may mean.

        Raises:
            ChainUnavailable: The node can't be reached or gives no proper answer.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class RpcBatches:
    """
    Sends requests and finds out how many at a time a node takes.

    A batch may be refused as a whole, by item, by a status or by a lost connection. Whatever the words: a
    smaller one is tried before the refusal counts.

    Args:
        transport: The way to the node.
        largest: Most requests in a batch.
    """

    def __init__(self, transport: Transport, largest: int = LARGEST) -> None:
        self._transport = transport
        self.node = transport.node
        self._size = AdaptiveSize(largest, first=largest)

    async def send(self, requests: Sequence[Request], *, blocks: int | None = None) -> list[Answer]:
        """
        Send requests and return their answers in order; an answer may be an error.

        Args:
            requests: Any number.
            blocks: How many blocks the questions for logs among them are about.

        Raises:
            ChainError: The node can't be reached, or refuses even a single request without an answer.
        """
        answers: dict[int, Answer] = {}
        waiting = deque(range(len(requests)))
        while waiting:
            part = [waiting.popleft() for _ in range(min(self._size.size, len(waiting)))]
            again = await self._send_part(requests, part, answers, blocks)
            waiting.extendleft(reversed(again))
        return [answers[i] for i in range(len(requests))]

    def judge(self, request: Request, answer: Answer, blocks: int | None) -> ChainError | None:
        """Return what an answer to a request means where it is an error."""
        if answer.error is None:
            return None
        of_logs = blocks if request[0] == LOGS else None
        failure = answer.error
        return refusals.from_rpc_error(
            failure.code, failure.message, failure.data, node=self.node, blocks=of_logs
        )

    async def _send_part(
        self, requests: Sequence[Request], part: list[int], answers: dict[int, Answer], blocks: int | None
    ) -> list[int]:
        """Send one batch, note its answers, and return which requests have to be sent again."""
        batch = [requests[i] for i in part]
        try:
            found = await self._transport.send(batch, blocks=blocks)
            if len(found) < len(batch):
                alone = found[0] and self.judge((LOGS, []), found[0], blocks)
                assert alone, "a lone answer to a batch is its refusal"
                raise alone
        except ChainError as refusal:
            if len(part) == 1 or not _for_its_size(refusal):
                raise
            self._shrink(len(part), refusal)
            return part
        if len(part) == 1:
            if found[0] is None:
                raise UnreadableAnswer(f"{self.node} left a request unanswered")
            answers[part[0]] = found[0]
            return []
        return self._take(requests, part, found, answers, blocks)

    def _take(
        self,
        requests: Sequence[Request],
        part: list[int],
        found: Sequence[Answer | None],
        answers: dict[int, Answer],
        blocks: int | None,
    ) -> list[int]:
        """Note the answers of a batch that was answered by item; return what was refused for its company."""
        refused: dict[int, ChainError | None] = {}
        errors = []
        for i, answer in zip(part, found, strict=True):
            error = None if answer is None else self.judge(requests[i], answer, blocks)
            if error is not None:
                errors.append(error)
            if answer is None or (error is not None and _for_company(error, requests[i])):
                refused[i] = error
            else:
                answers[i] = answer
        if len(errors) == len(part) and len(set(map(str, errors))) == 1 and _for_its_size(errors[0]):
            refused = dict(zip(part, errors, strict=True))  # all in the same words
        if refused:
            self._shrink(len(part), next((error for error in refused.values() if error), None))
        else:
            self._size.answered(len(part), 0)
        return sorted(refused)

    def _shrink(self, size: int, refusal: ChainError | None) -> None:
        self._size.refused(size, limit=refusal.limit if isinstance(refusal, BatchTooLarge) else None)
        logger.debug("%s: a batch of %d was refused (%s)", self.node, size, refusal or "answers were missing")


def _for_its_size(refusal: ChainError) -> bool:
    """Tell whether a refused batch may be answered where it is smaller."""
    if isinstance(refusal, RangeTooLarge | FilterTooLarge) or not refusal.refused:
        return False
    return not (isinstance(refusal, RateLimited) and refusal.retry_after)


def _for_company(error: ChainError, request: Request) -> bool:
    """Tell whether one request of a batch was refused for the others that came with it."""
    if isinstance(error, BatchTooLarge | RateLimited):
        return _for_its_size(error)
    # Of logs the refusal is more likely about the logs; whoever asked for them finds out.
    return request[0] != LOGS and _for_its_size(error)
