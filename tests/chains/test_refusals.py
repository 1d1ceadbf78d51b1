"""The words of nodes: what each means, and which size it suggests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_service.chains import (
    BlockGone,
    ChainError,
    ChainTimeout,
    ChainUnavailable,
    RangeTooLarge,
    RateLimited,
    RpcError,
)
from event_streamer_service.chains.errors import TooMuch
from event_streamer_service.chains.refusals import from_rpc_error, from_status

pytestmark = pytest.mark.quick

TOO_LARGE = [
    # (code, words, suggested blocks, fixed limit)
    (-32005, "query returned more than 10000 results", None, None),
    (-32005, "query returned more than 10000 results. Try with this block range [0x1, 0x64].", 100, None),
    (-32602, "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and "
     "no limit on the response size, or you can request any block range with a cap of 10K logs in the "
     "response. Based on your parameters, this block range should work: [0x10, 0x1f]", 16, None),
    (-32614, "eth_getLogs is limited to a 10,000 range", None, 10_000),
    (-32600, "eth_getLogs and eth_newFilter are limited to a 10,000 blocks range", None, 10_000),
    (-32000, "block range is too wide", None, None),
    (-32000, "block range is too wide (maximum 1024)", None, 1024),
    (-32047, "Invalid eth_getLogs request. 'fromBlock'-'toBlock' range too large. Max range: 800", None, 800),
    (-32000, "exceed maximum block range: 5000", None, 5000),
    (-32000, "requested too many blocks from 0 to 5000, maximum is set to 2048", None, 2048),
    (-32602, "query exceeds max block range 100000", None, 100_000),
    (-32602, "query exceeds max results 20000, retry with the range 1-10", 10, None),
    (-32005, "Too many logs requested. Max logs per response is 20000.", None, None),
    (-32000, "Requested range exceeds maximum RPC range limit", None, None),
    (-32701, "Please specify an address in your request or, to remove restrictions, order a dedicated full "
     "node here. Block range limit exceeded.", None, None),
    (35, "ranges over 10000 blocks are not supported on freetier", None, 10_000),
    (-32000, "eth_getLogs is limited to 0 - 50 blocks range", None, 50),
    (-32000, "backend response too large", None, None),
    (-32000, "response size is larger than 10000000 bytes", None, None),
    (-32008, "Response is too big", None, None),
    (-32000, "range too large", None, None),
    (-32000, "block range greater than 10000 max", None, 10_000),
    (-32000, "logs matched by query exceeds limit of 10000", None, None),
    (-32602, "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range.",
     None, 10),
]  # fmt: skip


@pytest.mark.parametrize(("code", "words", "suggested", "limit"), TOO_LARGE)
def test_a_refused_range_is_known_by_its_words(
    code: int, words: str, suggested: int | None, limit: int | None
) -> None:
    error = from_rpc_error(code, words, blocks=100_000)
    assert isinstance(error, RangeTooLarge)
    assert (error.suggested, error.limit) == (suggested, limit)


@pytest.mark.parametrize("words", [words for _, words, _, _ in TOO_LARGE])
def test_only_a_question_for_logs_is_too_large(words: str) -> None:
    assert not isinstance(from_rpc_error(-32000, words), RangeTooLarge)


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (-32005, "daily request count exceeded, request rate limited", RateLimited),
        (429, "Your app has exceeded its compute units per second capacity.", RateLimited),
        (-32005, "limit exceeded", RateLimited),
        (-32000, "too many requests", RateLimited),
        (-32029, "Too Many Requests", RateLimited),
        (-32007, "50/second request limit reached - reduce calls per second", RateLimited),
        (-32000, "query timeout exceeded", ChainTimeout),
        (-32002, "request timed out", ChainTimeout),
        (-32000, "context deadline exceeded", ChainTimeout),
        (-32000, "execution aborted (timeout = 5s)", ChainTimeout),
        (-32000, "unknown block", BlockGone),
        (-32001, "block not found: hash 0xabc", BlockGone),
        (-32000, "header for hash not found", BlockGone),
        (-32602, "BlockOutOfRangeError: block height is 6 but requested was 7", BlockGone),
        (-32000, "requested from block 9 after last accepted block 7", BlockGone),
        (-32601, "the method eth_getLogs does not exist/is not available", RpcError),
        (-32603, "internal error", RpcError),
        (-32602, "invalid argument 0: hex string without 0x prefix", RpcError),
    ],
)
def test_other_errors_are_told_apart(code: int, words: str, kind: type[ChainError]) -> None:
    assert type(from_rpc_error(code, words, blocks=50)) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, RateLimited),
        (413, TooMuch),
        (408, ChainTimeout),
        (504, ChainTimeout),
        (500, ChainUnavailable),
        (502, ChainUnavailable),
        (401, ChainUnavailable),
        (403, ChainUnavailable),
    ],
)
def test_statuses_are_told_apart(status: int, kind: type[ChainError]) -> None:
    assert type(from_status(status, None, blocks=50)) is kind


def test_retry_after_is_read_in_seconds() -> None:
    error = from_status(429, "7")
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7
    error = from_status(503, "Wed, 21 Oct 2015 07:28:00 GMT")
    assert isinstance(error, ChainUnavailable)
    assert error.retry_after is None


@given(code=st.integers(), words=st.text(), blocks=st.none() | st.integers(1, 10**6))
def test_any_words_have_a_meaning(code: int, words: str, blocks: int | None) -> None:
    error = from_rpc_error(code, words, blocks=blocks)
    assert isinstance(error, ChainError)
    assert len(str(error)) < 400
    if isinstance(error, RangeTooLarge):
        assert error.limit is None or error.limit >= 1
        assert error.suggested is None or error.suggested >= 1
