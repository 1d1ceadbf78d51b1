"""Chain configurations, and what of a URL may be shown."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_service.chains.config import ChainConfig, chain_name, redact_url

pytestmark = pytest.mark.quick


def config(**fields: Any) -> ChainConfig:
    return ChainConfig(**{"chain_id": 1, "name": "Ethereum", "rpc_urls": ["https://node.example"], **fields})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://mainnet.example/v3/0123secret", "https://mainnet.example/…"),
        ("https://mainnet.example/?key=secret", "https://mainnet.example/…"),
        ("https://user:secret@mainnet.example:8545", "https://mainnet.example:8545"),
        ("wss://secret@node.example/ws/secret", "wss://node.example/…"),
        ("http://[::1]:8545", "http://[::1]:8545"),
        ("http://node.example:secret/", "http://node.example"),
        ("embedded:devchain-1", "embedded:devchain-1"),
    ],
)
def test_only_scheme_host_and_port_of_a_url_are_shown(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@given(st.text(alphabet="abcdefghij0123456789", min_size=8))
def test_no_key_gets_through(key: str) -> None:
    key = "K" + key
    for url in (f"https://a.b/{key}", f"https://a.b?x={key}", f"https://{key}@a.b", f"https://a.b/x#{key}"):
        assert key not in redact_url(url)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"chain_id": 0}, "chain_id must be 1 or more, not 0"),
        ({"name": " "}, "name must not be empty"),
        ({"rpc_urls": []}, "rpc_urls or historical_rpc_url must name at least one node"),
        ({"rpc_urls": ["ftp://node.example/secret"]}, "rpc_urls must hold full URLs"),
        ({"rpc_urls": ["node.example:8545"]}, "rpc_urls must hold full URLs"),
        ({"rpc_urls": ["https://"]}, "rpc_urls must hold full URLs"),
        ({"historical_rpc_url": "x"}, "historical_rpc_url must hold full URLs"),
        ({"live_websocket_url": "https://node.example"}, "live_websocket_url must hold full URLs"),
        ({"average_block_time": -1}, "average_block_time must be 0 s or more"),
        ({"max_blocks_per_request": 0}, "max_blocks_per_request must be 1 or more"),
        ({"confirmation_blocks": -1}, "confirmation_blocks must be 0 or more"),
        ({"historical_max_chunk_size": 0}, "historical_max_chunk_size must be 1 or more"),
        ({"historical_max_retries": -1}, "historical_max_retries must be 0 or more"),
        ({"historical_max_concurrent": 0}, "historical_max_concurrent must be 1 or more"),
        ({"historical_progress_interval": 0}, "historical_progress_interval must be 1 or more"),
        ({"live_max_retries": -1}, "live_max_retries must be 0 or more"),
        ({"live_retry_delay": -1}, "live_retry_delay must be 0 s or more"),
        ({"live_reconnect_delay": -1}, "live_reconnect_delay must be 0 s or more"),
        ({"live_max_gap_size": -1}, "live_max_gap_size must be 0 or more"),
        ({"live_block_check_interval": -1}, "live_block_check_interval must be 0 s or more"),
        ({"live_gap_fill_chunk_size": 0}, "live_gap_fill_chunk_size must be 1 or more"),
    ],
)
def test_a_wrong_field_is_named_and_no_secret_is_told(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match="must") as refusal:
        config(**fields)
    assert words in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_defaults_are_the_documented_ones() -> None:
    made = config()
    assert (made.historical_max_chunk_size, made.historical_max_retries) == (10_000, 3)
    assert (made.historical_max_concurrent, made.historical_progress_interval) == (5, 100)
    assert (made.live_max_retries, made.live_retry_delay, made.live_reconnect_delay) == (5, 5, 30)
    assert (made.live_enable_gap_detection, made.live_max_gap_size) == (True, 1000)
    assert (made.live_block_check_interval, made.live_gap_fill_chunk_size) == (10, 100)


def test_history_prefers_its_own_node() -> None:
    made = config(rpc_urls=["https://a.example", "https://b.example"], historical_rpc_url="https://h.example")
    assert made.historical_urls == ("https://h.example", "https://a.example", "https://b.example")
    assert made.live_urls == ("https://a.example", "https://b.example")
    only_history = config(rpc_urls=(), historical_rpc_url="https://h.example")
    assert only_history.live_urls == only_history.historical_urls == ("https://h.example",)
    assert config(rpc_urls=["https://a.example"] * 2).rpc_urls == ("https://a.example",)


def test_sizes_and_intervals_follow_from_the_fields() -> None:
    assert config().largest_range == 10_000
    assert config(max_blocks_per_request=500).largest_range == 500
    assert config(max_blocks_per_request=50_000, historical_max_chunk_size=99).largest_range == 99
    assert config(max_blocks_per_request=7).largest_gap_fill == 7
    assert config().poll_interval == 10
    assert config(average_block_time=2).poll_interval == 2
    assert config(average_block_time=12, live_block_check_interval=3).poll_interval == 3
    assert config(live_block_check_interval=0).poll_interval == 0.05


def test_well_known_chains_have_their_names() -> None:
    assert chain_name(1) == "Ethereum Mainnet"
    assert chain_name(424_242) == "Chain 424242"
