"""
What can go wrong while reading a chain.

    ChainError
    ├── TooMuch              the node wants less in one question
    │   ├── RangeTooLarge    … fewer blocks; the reader of history shrinks its ranges
    │   ├── FilterTooLarge   … fewer addresses or topics; `nodelogs` asks in parts
    │   └── BatchTooLarge    … fewer requests in a batch; `batches` sends smaller ones
    ├── BlockGone            a block that was asked for by its hash is not part of the chain (any more)
    ├── RpcError             the node answered with an error
    ├── ChainUnavailable     no answer: connection, refusal, every circuit breaker open
    │   ├── RateLimited      the node asks for patience
    │   ├── ChainTimeout     the node took too long; of a large range it may manage a smaller one
    │   └── UnreadableAnswer the answer is not JSON-RPC, or says something that can't be read with certainty
    ├── ChainMismatch        a node serves another chain than its configuration says
    ├── UnknownChain         no chain with this id is configured (also a KeyError)
    └── ChainClosed          the chain was removed or reconfigured while it was read

Messages never hold a whole RPC URL: its path and query often carry an API key.
"""

from __future__ import annotations

from typing import Self


class ChainError(Exception):
    """
    Root of all errors of the chain sources.

    Attributes:
        refused: The node itself refused the question, in words or by a status; it may take a smaller one.
    """

    refused = False

    def reworded(self, words: str) -> Self:
        """Return the same error in other words."""
        error = type(self).__new__(type(self))
        error.__dict__.update(self.__dict__)
        error.args = (words,)
        return error


class TooMuch(ChainError):  # noqa: N818 - a request to shrink, named after what the node says
    """
    A node refused a question for its size.

    Attributes:
        suggested: How many the node says would work for this question, where it says so.
        limit: Most that the node ever takes in one question, where it says so.
    """

    refused = True

    def __init__(self, message: str, *, suggested: int | None = None, limit: int | None = None) -> None:
        super().__init__(message)
        self.suggested = suggested
        self.limit = limit


class RangeTooLarge(TooMuch):
    """A node refused a range of blocks; `suggested` and `limit` are blocks."""


class FilterTooLarge(TooMuch):
    """A node refused the number of addresses or topics of a filter; `limit` is one of these."""


class BatchTooLarge(TooMuch):
    """A node refused the number of requests in a batch; `limit` is requests."""


class BlockGone(ChainError):  # noqa: N818 - a state of the chain more than a fault
    """A block asked for by its hash is unknown to the node: a reorg took it, or the node lags behind."""


class RpcError(ChainError):
    """
    A node's JSON-RPC error that is none of the other classes.

    Attributes:
        code: The JSON-RPC error code.
    """

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class ChainUnavailable(ChainError):  # noqa: N818 - reads as the state it reports
    """
    No node of the chain gave an answer.

    Attributes:
        circuit_open: Every node was skipped because its circuit breaker is open.
        retry_after: Seconds until a further attempt makes sense, where known.
    """

    def __init__(self, message: str, *, circuit_open: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.circuit_open = circuit_open
        self.retry_after = retry_after


class RateLimited(ChainUnavailable):
    """The node refused because of too many requests (HTTP 429, or its wording of it)."""


class ChainTimeout(ChainUnavailable):
    """The node did not answer in time."""


class UnreadableAnswer(ChainUnavailable):
    """A node's answer can't be read with certainty, or is about something else than what was asked."""


class ChainMismatch(ChainError):  # noqa: N818 - reads as the state it reports
    """A node serves another chain than its configuration says."""


class UnknownChain(ChainError, KeyError):  # noqa: N818 - mirrors KeyError
    """No chain with this id is configured."""

    def __str__(self) -> str:
        return str(self.args[0])


class ChainClosed(ChainError):  # noqa: N818 - reads as the state it reports
    """The chain was removed or reconfigured; follow it anew from the manager."""
