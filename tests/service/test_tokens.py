"""Resume tokens: what was put in comes out, and nothing else is taken."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from event_streamer_service import ManualClock
from event_streamer_service.chains.types import Position
from event_streamer_service.errors import TokenRefused
from event_streamer_service.store.database import Database
from event_streamer_service.store.subscriptions import Progress
from event_streamer_service.store.token_secrets import rotate, token_secrets
from event_streamer_service.tokens import Tokens, TokenScope

CLOCK = ManualClock()
SCOPE = TokenScope(1, 2, 0)
TOKENS = Tokens(b"k" * 32, lifetime=60, clock=CLOCK)
numbers = st.integers(0, 2**53 - 1)
positions = st.builds(
    Position, numbers, st.none() | numbers, st.none() | st.from_regex(r"0x[0-9a-f]{64}", fullmatch=True)
)


@given(numbers, numbers, numbers, positions, numbers)
def test_what_was_put_in_comes_out(
    subscription: int, chain: int, start: int, position: Position, total: int
) -> None:
    scope = TokenScope(subscription, chain, start)
    token = TOKENS.make(scope, position, total)
    assert token.startswith("rt_")
    assert TOKENS.read(token, scope) == Progress(position=position, events_delivered=total)


@given(positions, st.data())
def test_a_changed_token_is_refused(position: Position, data: st.DataObject) -> None:
    token = TOKENS.make(SCOPE, position, 3)
    at = data.draw(st.integers(0, len(token) - 1))
    changed = token[:at] + data.draw(st.characters()) + token[at + 1 :]
    if changed != token:
        with pytest.raises(TokenRefused):
            TOKENS.read(changed, SCOPE)


@given(st.text())
def test_no_text_is_a_token(text: str) -> None:
    for candidate in (text, f"rt_{text}", f"rt_{text}.{text}"):
        with pytest.raises(TokenRefused):
            TOKENS.read(candidate, SCOPE)


def test_another_secret_subscription_or_chain_is_refused() -> None:
    token = TOKENS.make(SCOPE, Position(3), 4)
    with pytest.raises(TokenRefused, match="not made by this service"):
        Tokens(b"j" * 32, lifetime=60, clock=CLOCK).read(token, SCOPE)
    for other in (TokenScope(9, 2, 0), TokenScope(1, 9, 0), TokenScope(1, 2, 9)):
        with pytest.raises(TokenRefused, match="another subscription"):
            TOKENS.read(token, other)


def test_a_token_expires() -> None:
    clock = ManualClock()
    tokens = Tokens(b"k" * 32, lifetime=60, clock=clock)
    token = tokens.make(SCOPE, Position(3), 4)
    clock.advance(59)
    tokens.read(token, SCOPE)
    clock.advance(1)
    with pytest.raises(TokenRefused, match="expired") as refused:
        tokens.read(token, SCOPE)
    assert refused.value.code == "RESUME_TOKEN_EXPIRED"


@pytest.mark.postgres
def test_of_two_new_secrets_made_at_once_both_are_believed(postgres_database: str) -> None:
    """The second one waits for the first, and takes that one's secret among those before."""
    first, second = Database(postgres_database), Database(postgres_database)
    first.run_now(token_secrets)
    thread = threading.Thread(target=second.run_now, args=(lambda held: rotate(held, keep=60),))
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")

    def make_one_meanwhile(connection: Connection) -> bytes:
        rotate(connection, keep=60)
        thread.start()
        while thread.is_alive() and not first.run_now(lambda other: other.scalar(waiting)):
            time.sleep(0.01)
        return token_secrets(connection)[0]

    made = first.run_now(make_one_meanwhile)
    thread.join()
    found = first.run_now(token_secrets)
    assert made in found
    assert len(found) == 3
    first.close()
    second.close()
