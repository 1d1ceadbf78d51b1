"""An install with msgspec and one without take the same documents, and give the same answers."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from event_streamer_sdk.abi import ABIParsingError, _json, extract_abi_event, parse_abi, parse_contract_abi
from support.abi_strategies import events, json_values, mutated

pytestmark = pytest.mark.quick

EVENT = {"type": "event", "name": "E", "inputs": [{"name": "a", "type": "bool", "indexed": False}]}
FUNCTION = {"type": "function", "name": "f", "inputs": [], "outputs": [], "stateMutability": "view"}
DOCUMENTS = [
    [EVENT, FUNCTION],
    {"abi": [EVENT], "contractName": "C", "bytecode": {"object": "0x", "ids": [1, 2.5, {"3": "\u00e9"}]}},
    {"output": {"abi": [EVENT]}, "version": 1},
    {"contracts": {"a.sol": {"C": {"abi": [EVENT], "evm": {}}, "D": {"abi": []}}}, "sources": {}},
    {"contracts": {"a.sol:C": {"abi": json.dumps([EVENT])}}},
    {"status": "1", "result": [{"ABI": json.dumps([EVENT]), "ContractName": "C"}]},
    EVENT,
]
ODD = [
    '"\\ud800"', '{"\\ud800": 1}', '"\\q"', '"\\u12"', '"\x01"', "1e999", "-1e999", "1" * 5000,
    "-" + "1" * 5000, "01", "1.", "-", "+1", "-0", "NaN", "Infinity", "[NaN]", "tru", "[1,]", '{"a":1,}',
    '{"a":1,"a":2}', '{"type":1}', '{"type":"event","type":"function"}', "[[]", "1 2", "\u00a0", "'a'", "//",
    '{"type":"function","type":"event","name":"F"}', '{"type":"event","name":"F","name":"G"}', '"\u2028"',
    "null", '"event E()"', "[" * 2000 + "]" * 2000, '{"a":' * 500 + "1" + "}" * 500,
]  # fmt: skip
"""Values that readers of JSON differ on, and some that are not JSON."""


def asked(document: str | bytes) -> list[Any]:
    """Everything that is asked of a document, and what it answered: a value, or that it was refused."""
    questions: list[Callable[[], Any]] = [
        lambda: parse_abi(document).read_events(),
        lambda: extract_abi_event(document, "E").to_dict(),
        lambda: parse_contract_abi(document),
    ]
    answers: list[Any] = []
    for question in questions:
        try:
            answer = question()
        except ABIParsingError as error:
            answers.append(f"refused at {error.path!r}")
        else:
            if isinstance(answer, tuple):
                answer = {key: event.to_dict() for key, event in answer[0].items()}, len(answer[1])
            answers.append(repr(answer))
    return answers


def both_ways(document: str | bytes) -> None:
    assert _json._Raw is not None, "msgspec belongs to the developers' tools"
    with_msgspec = asked(document)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_json, "_Raw", None)
        assert asked(document) == with_msgspec


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:24])
def test_odd_values_wherever_they_stand(odd: str) -> None:
    for document in DOCUMENTS:
        text = json.dumps(document)
        both_ways(odd + text)
        both_ways(text + odd)
        for position, sign in enumerate(text):
            if sign in "[{":
                both_ways(f"{text[: position + 1]}{odd},{text[position + 1 :]}")
                both_ways(f'{text[: position + 1]}"x":{odd},{text[position + 1 :]}')


@given(st.sampled_from(DOCUMENTS).flatmap(mutated), st.data())
def test_mutated_documents(document: Any, data: st.DataObject) -> None:
    both_ways(json.dumps(document))
    both_ways(json.dumps(document, ensure_ascii=False, indent=1).encode(errors="surrogatepass"))


@given(st.sampled_from(DOCUMENTS).map(json.dumps), st.data())
def test_mutated_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    piece = data.draw(st.text(alphabet='[]{}",:0-e.\\u d8é\n', max_size=6) | st.sampled_from(ODD))
    both_ways(text[:start] + piece + text[end:])


@given(st.lists(events(), max_size=3) | json_values)
@example([{"type": "event", "name": "E", "inputs": [{"type": "bool"}]}, {"type": None}])
@example([{"name": "f"}, {}])
def test_generated_documents(document: Any) -> None:
    both_ways(json.dumps(document))
