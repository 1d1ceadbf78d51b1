"""A short round of the attacks and of the fuzzer, so that both stay able to run."""

import pytest

from attack import attack, fuzz, pace

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["nested bodies", "nodes of the inside", "what is not HTTP"])
def test_an_attack_is_held(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_seconds", 1.0)
    assert not attack.run(name, attack.ATTACKS[name]).problem


def test_a_round_of_fuzzing_finds_nothing() -> None:
    assert fuzz.fuzz(1, examples=60) > 200
