"""Several nodes of one chain as one source: the first whose circuit breaker lets a call through is asked."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from typing import TypeVar

from attrs import frozen

from .breaker import CircuitBreaker
from .errors import BlockGone, ChainError, ChainMismatch, ChainTimeout, ChainUnavailable, RangeTooLarge
from .source import ChainSource
from .types import Block, Log, LogFilter

logger = logging.getLogger(__name__)

T = TypeVar("T")

TELL_SILENCE_AFTER = 5.0
"""Seconds without an answer after which that is told; the question's time-out, which ends it, is longer."""


@frozen
class Endpoint:
    """
    A node and its circuit breaker.

    Attributes:
        source: How it is asked.
        breaker: Whether it may be asked.
        pushes_heads: Its `new_heads` announces blocks by itself, so no polling is needed.
    """

    source: ChainSource
    breaker: CircuitBreaker
    pushes_heads: bool = False


class FailoverSource:
    """
    A `ChainSource` over several endpoints.

    An endpoint that fails is counted by its breaker and the next one is asked. A refused range is an answer:
    it closes breakers and goes to the caller. A block that one node does not know may be known to the next.

    Args:
        endpoints: In order of preference, at least one.
        chain_id: The chain that they have to serve; each is checked before its first question, and again
            after it has failed or when `chain_id()` is asked, since another node may answer at its address
            by then.
        poll_interval: Seconds between two polls of the head where no endpoint announces it.
        announcer: An endpoint that announces new heads; while it fails the head is polled.
        longest_silence: Seconds without an announcement after which the head is polled as a check.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        chain_id: int,
        poll_interval: float,
        announcer: Endpoint | None = None,
        longest_silence: float = 30.0,
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._chain_id = chain_id
        self._verified: set[str] = set()
        self._longest_silence = longest_silence
        self._poll_interval = poll_interval
        self._announcer = announcer or next((e for e in self._endpoints if e.pushes_heads), None)
        self._closed = asyncio.Event()
        self.on_silence: Callable[[ChainTimeout | None], None] | None = None
        """Told of a node that takes long to answer while it is still waited for; `None` once it has."""

    async def chain_id(self) -> int:
        """Return the chain's id, asked anew of each node before its next question."""
        self._verified.clear()
        return await self._ask(lambda source: source.chain_id())

    async def head(self) -> Block:
        """Return the newest block."""
        return await self._ask(lambda source: source.head())

    async def block(self, number: int) -> Block | None:
        """Return a block's header."""
        return await self._ask(lambda source: source.block(number))

    async def blocks(self, numbers: Sequence[int]) -> list[Block | None]:
        """Return several headers."""
        return await self._ask(lambda source: source.blocks(numbers))

    async def logs(self, from_block: int, to_block: int, log_filter: LogFilter) -> list[Log]:
        """Return the matching logs of a range."""
        return await self._ask(lambda source: source.logs(from_block, to_block, log_filter))

    async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        """Return the matching logs of each of these blocks."""
        return await self._ask(lambda source: source.block_logs(blocks, log_filter))

    async def new_heads(self) -> AsyncGenerator[Block, None]:
        """
        Yield the newest block now and whenever it changes.

        By announcements where an endpoint makes them; while it fails, or is silent for `longest_silence`, by
        polling.
        """
        async with aclosing(self._heads()) as heads:
            seen: str | None = None
            async for head in heads:
                if head.hash != seen:
                    seen = head.hash
                    yield head

    async def close(self) -> None:
        """End waiting iterators. The endpoints belong to the manager, which closes them."""
        self._closed.set()

    async def _heads(self) -> AsyncGenerator[Block, None]:
        announcer = self._announcer
        while not self._closed.is_set():
            if announcer is not None and announcer.breaker.allow():
                async with aclosing(self._announced(announcer)) as heads:
                    async for head in heads:
                        yield head
            if self._closed.is_set():
                return
            yield await self.head()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), self._poll_interval)

    async def _announced(self, announcer: Endpoint) -> AsyncGenerator[Block, None]:
        """Yield announced heads until the announcer fails; its breaker learns how it went."""
        breaker = announcer.breaker
        started = time.monotonic()
        judged = False
        heads = announcer.source.new_heads()
        waiting: asyncio.Task[Block] | None = None
        try:
            await self._verify(announcer)
            while not self._closed.is_set():
                waiting = waiting or asyncio.ensure_future(_next(heads))
                await asyncio.wait([waiting], timeout=self._longest_silence)
                if not waiting.done():
                    yield await self.head()
                    continue
                head = waiting.result()
                waiting = None
                if not judged:
                    judged = True
                    breaker.succeeded(time.monotonic() - started)
                yield head
        except StopAsyncIteration:
            pass  # the endpoint was closed by its owner
        except ChainError as error:
            self._verified.discard(breaker.name)
            breaker.failed(None if judged else time.monotonic() - started, str(error))
            judged = True
            logger.warning("%s: no announcements of new blocks: %s", breaker.name, error)
        finally:
            if not judged:
                breaker.abandoned()
            if waiting is not None:
                waiting.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration, ChainError):
                    await waiting
            await heads.aclose()

    async def _verify(self, endpoint: Endpoint) -> None:
        name = endpoint.breaker.name
        if name not in self._verified:
            served = await endpoint.source.chain_id()
            if served != self._chain_id:
                raise ChainMismatch(f"{name}: the node serves chain {served}, not chain {self._chain_id}")
            self._verified.add(name)

    @contextmanager
    def _silence_told(self, breaker: CircuitBreaker) -> Iterator[None]:
        """Tell of a silent node within seconds: a time-out that bears slow nodes is long for who waits."""
        tell = self.on_silence
        if tell is None:
            yield
            return
        silence = ChainTimeout(
            f"{breaker.name}: no answer for {TELL_SILENCE_AFTER:g} s,"
            f" and up to {breaker.settings.timeout:g} s are waited for it"
        )
        timer = asyncio.get_running_loop().call_later(TELL_SILENCE_AFTER, tell, silence)
        try:
            yield
        finally:
            if timer.when() <= asyncio.get_running_loop().time():
                tell(None)
            timer.cancel()

    async def _ask(self, question: Callable[[ChainSource], Awaitable[T]]) -> T:
        failures: list[ChainError] = []
        for endpoint in self._endpoints:
            breaker = endpoint.breaker
            if not breaker.allow():
                continue
            started = time.monotonic()
            try:
                with self._silence_told(breaker):
                    async with asyncio.timeout(breaker.settings.timeout):
                        await self._verify(endpoint)
                        answer = await question(endpoint.source)
            except RangeTooLarge:
                breaker.succeeded(time.monotonic() - started)
                raise
            except BlockGone as error:
                breaker.succeeded(time.monotonic() - started)
                failures.append(error)
            except TimeoutError:
                self._verified.discard(breaker.name)
                silence = f"{breaker.name}: no answer within {breaker.settings.timeout:g} s"
                breaker.failed(time.monotonic() - started, silence)
                failures.append(ChainTimeout(silence))
            except ChainError as error:
                self._verified.discard(breaker.name)
                breaker.failed(time.monotonic() - started, str(error))
                failures.append(error)
                logger.debug("%s failed: %s", breaker.name, error)
            except BaseException:
                breaker.abandoned()
                raise
            else:
                breaker.succeeded(time.monotonic() - started)
                return answer
        if failures:
            raise _gravest(failures)
        names = ", ".join(endpoint.breaker.name for endpoint in self._endpoints)
        causes = "".join(
            f"; {endpoint.breaker.name}: {endpoint.breaker.last_error}"
            for endpoint in self._endpoints
            if endpoint.breaker.last_error
        )
        raise ChainUnavailable(
            f"every node's circuit breaker is open ({names}){causes}",
            circuit_open=True,
            retry_after=min(endpoint.breaker.retry_after for endpoint in self._endpoints),
        )


def _gravest(failures: list[ChainError]) -> ChainError:
    """Return the failure that counts, with the words of all; a block that some node lacks is none of them."""
    counting = [failure for failure in failures if not isinstance(failure, BlockGone)] or failures[:1]
    words = list(dict.fromkeys(str(failure) for failure in counting))
    return counting[-1].reworded("; ".join(words))


async def _next(heads: AsyncGenerator[Block, None]) -> Block:
    return await anext(heads)
