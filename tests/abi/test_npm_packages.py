"""Every artifact of four real packages, its events compared with eth-utils."""

import contextlib
import json
from pathlib import Path

import pytest
from eth_utils.abi import abi_to_signature, event_abi_to_log_topic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from event_streamer_sdk.abi import (
    ABIParsingError,
    extract_abi_event,
    extract_abi_events,
    human_readable,
    parse_contract_abi,
    signature,
    topic0,
)
from support.npm_abis import PACKAGES, event_items

pytestmark = pytest.mark.npm

HELD = {
    "@openzeppelin/contracts": (214, 428),
    "@uniswap/v3-core": (15, 35),
    "@opensea/seaport-js": (11, 22),
    "@chainlink/contracts": (170, 1209),
}
"""How many artifacts and events a package of this version has: the test can't pass by finding none."""


@pytest.mark.parametrize("package", PACKAGES)
def test_every_artifact_parses_as_eth_utils_has_it(package: str, artifacts: dict[str, list[Path]]) -> None:
    files = events = 0
    for path in artifacts[package]:
        items = event_items(json.loads(path.read_text(encoding="utf-8-sig")))
        if items is None:
            with pytest.raises(ABIParsingError):
                extract_abi_events(path)
            continue
        files += 1
        events += len(items)
        expected = {(abi_to_signature(item), f"0x{event_abi_to_log_topic(item).hex()}") for item in items}
        found = extract_abi_events(path)
        assert {(signature(event), topic0(event)) for event in found.values()} == expected, path.name
        assert parse_contract_abi(path.read_bytes())["events"].keys() == found.keys()
        for key, event in found.items():
            assert extract_abi_event(path, key) == event
            again = extract_abi_event(human_readable(event), key)
            assert human_readable(again) == human_readable(event)
    assert (files, events) == HELD[package]


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_mutated_artifacts_raise_only_our_error(
    artifacts: dict[str, list[Path]], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from([path for paths in artifacts.values() for path in paths]))
    text = path.read_text(encoding="utf-8-sig")
    # Near to the ABI, which stands at the beginning; bytecode makes up the rest.
    start = data.draw(st.integers(0, min(len(text), 5000)))
    end = data.draw(st.integers(start, min(len(text), start + 10)))
    changed = text[:start] + data.draw(st.text(alphabet='[]{}",:0e\\xé ', max_size=5)) + text[end:]
    with contextlib.suppress(ABIParsingError):
        extract_abi_events(changed)
