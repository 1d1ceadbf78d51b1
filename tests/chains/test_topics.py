"""Logs by topics behind the first: what a node is asked for, and what is left where it answers with more."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_service import DevChain
from event_streamer_service.chains import Log, LogFilter
from event_streamer_service.chains.livelogs import union
from event_streamer_service.chains.values import bloom_admits
from support.odd_nodes import TOKENS, is_logs, odd_node, of_block, of_range, places

pytestmark = pytest.mark.quick

words = st.sampled_from(["0x" + each * 64 for each in "abc"])
positions = st.lists(st.none() | st.frozensets(words, min_size=1), max_size=3).map(tuple)
filters = st.builds(LogFilter, st.none() | words | st.frozensets(words, min_size=1), further=positions)
logs = st.builds(
    Log,
    st.just("0x" + "11" * 20),
    st.lists(words, max_size=4).map(tuple),
    *(st.just(each) for each in ("0x", 1, "0x", "0x", 0)),
)


@given(st.lists(filters, min_size=1, max_size=4), logs)
def test_what_is_asked_for_many_covers_what_each_asks_for(wanted: list[LogFilter], log: Log) -> None:
    whole = union(wanted)
    for one in wanted:
        assert whole.covers(one)
        assert whole.matches(log) or not one.matches(log)


@given(filters, filters, logs)
def test_a_filter_that_covers_another_takes_its_logs(wide: LogFilter, narrow: LogFilter, log: Log) -> None:
    if wide.covers(narrow) and narrow.matches(log):
        assert wide.matches(log)


def test_a_bloom_without_a_wanted_topic_settles_it() -> None:
    topic, other = "0x" + "ab" * 32, "0x" + "cd" * 32
    full = (1 << 2048) - 1
    assert bloom_admits(full, LogFilter(topic, further=(None, frozenset({other}))))
    assert not bloom_admits(1, LogFilter(None, further=(None, frozenset({other}))))


def _wanted(chain: DevChain) -> LogFilter:
    receiver = "0x" + "0" * 24 + chain.accounts[0][2:]
    return LogFilter(TOKENS.topic0, further=(None, frozenset({receiver})))


def test_a_node_is_asked_for_them() -> None:
    chain = DevChain(blocks=30, logs_per_block=40)
    wanted = _wanted(chain)
    with odd_node(chain) as front:
        found = of_range(front, 0, 29, wanted)
        of_block(front, 20, wanted)
    assert found
    asked = [each["params"][0]["topics"] for each in front.asked if is_logs(each)]
    assert len(asked) >= 2
    assert all(each[1] is None and each[2] == sorted(wanted.further[1] or ()) for each in asked)


def test_logs_that_a_node_gives_beyond_them_are_left_out() -> None:
    chain = DevChain(blocks=30, logs_per_block=40)
    wanted = _wanted(chain)

    with odd_node(chain) as honest:
        expected, whole = of_range(honest, 0, 29, wanted), of_range(honest, 0, 29, TOKENS)

        def forgets_topics(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
            if not is_logs(request):
                return answer
            condition = request["params"][0] | {"topics": request["params"][0]["topics"][:1]}
            asked = httpx.post(honest.url, json=request | {"params": [condition]}, trust_env=False)
            given: dict[str, Any] = asked.json()
            return given

        with odd_node(chain, forgets_topics) as front:
            assert places(of_range(front, 0, 29, wanted)) == places(expected)
            assert places(of_block(front, 20, wanted)) == [each for each in places(expected) if each[0] == 20]
    assert 0 < len(expected) < len(whole)
