"""Resume tokens: what was put in comes out, and nothing else is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_service import ManualClock
from event_streamer_service.chains.types import Position
from event_streamer_service.errors import TokenRefused
from event_streamer_service.store.subscriptions import Progress
from event_streamer_service.tokens import Tokens

CLOCK = ManualClock()
TOKENS = Tokens(b"k" * 32, lifetime=60, clock=CLOCK)
numbers = st.integers(0, 2**53 - 1)
positions = st.builds(
    Position, numbers, st.none() | numbers, st.none() | st.from_regex(r"0x[0-9a-f]{64}", fullmatch=True)
)


@given(numbers, numbers, positions, numbers)
def test_what_was_put_in_comes_out(subscription: int, chain: int, position: Position, total: int) -> None:
    token = TOKENS.make(subscription, chain, position, total)
    assert token.startswith("rt_")
    assert TOKENS.read(token, subscription_id=subscription, chain_id=chain) == Progress(
        position=position, events_delivered=total
    )


@given(positions, st.data())
def test_a_changed_token_is_refused(position: Position, data: st.DataObject) -> None:
    token = TOKENS.make(1, 2, position, 3)
    at = data.draw(st.integers(0, len(token) - 1))
    changed = token[:at] + data.draw(st.characters()) + token[at + 1 :]
    if changed != token:
        with pytest.raises(TokenRefused):
            TOKENS.read(changed, subscription_id=1, chain_id=2)


@given(st.text())
def test_no_text_is_a_token(text: str) -> None:
    for candidate in (text, f"rt_{text}", f"rt_{text}.{text}"):
        with pytest.raises(TokenRefused):
            TOKENS.read(candidate, subscription_id=1, chain_id=2)


def test_another_secret_subscription_or_chain_is_refused() -> None:
    token = TOKENS.make(1, 2, Position(3), 4)
    with pytest.raises(TokenRefused, match="not one of this service"):
        Tokens(b"j" * 32, lifetime=60, clock=CLOCK).read(token, subscription_id=1, chain_id=2)
    for subscription, chain in ((9, 2), (1, 9)):
        with pytest.raises(TokenRefused, match="another subscription"):
            TOKENS.read(token, subscription_id=subscription, chain_id=chain)


def test_a_token_expires() -> None:
    clock = ManualClock()
    tokens = Tokens(b"k" * 32, lifetime=60, clock=clock)
    token = tokens.make(1, 2, Position(3), 4)
    clock.advance(59)
    tokens.read(token, subscription_id=1, chain_id=2)
    clock.advance(1)
    with pytest.raises(TokenRefused, match="expired") as refused:
        tokens.read(token, subscription_id=1, chain_id=2)
    assert refused.value.code == "RESUME_TOKEN_EXPIRED"
