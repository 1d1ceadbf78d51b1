"""What waits for its acknowledgement: nothing is lost, nothing overtakes, and what is given up is told."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from event_streamer_sdk._core.stream.acknowledging import AckBuffer

LIMIT, CHUNK, ATTEMPTS = 7, 3, 2

pytestmark = pytest.mark.quick


class Acknowledging(RuleBasedStateMachine):
    """An `AckBuffer` beside a list of what must wait, in the order in which it must be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.due = self.told_given_up = self.number = 0
        self.waiting: list[str] = []
        self.sending: list[str] = []
        self.failures: dict[str, int] = {}
        self.buffer = AckBuffer(
            limit=LIMIT,
            chunk=CHUNK,
            attempts=ATTEMPTS,
            on_due=self.count_due,
            on_given_up=self.count_given_up,
        )

    def count_due(self) -> None:
        self.due += 1

    def count_given_up(self) -> None:
        self.told_given_up += 1

    @rule()
    def commit(self) -> None:
        """A batch is committed; the acknowledge lane hears of the first one, and of a full chunk."""
        due, given_up = self.due, self.told_given_up
        self.number += 1
        self.waiting.append(f"b{self.number}")
        self.buffer.add(f"b{self.number}")
        over = len(self.sending) + len(self.waiting) > LIMIT
        assert self.told_given_up - given_up == over
        assert self.due - due == (not over and len(self.waiting) in (1, CHUNK))
        if over:
            self.failures.pop(self.waiting.pop(0), None)

    @rule()
    def ask(self) -> None:
        """The oldest are to be sent, and the same ones again until it is told what came of them."""
        if not self.sending:
            self.sending, self.waiting = self.waiting[:CHUNK], self.waiting[CHUNK:]
        assert self.buffer.next_chunk() == self.sending == self.buffer.next_chunk()

    @precondition(lambda self: self.sending)
    @rule(refused=st.sets(st.integers(0, CHUNK - 1)))
    def answer(self, refused: set[int]) -> None:
        """The service takes some and refuses others, which come behind all that wait, but not for ever."""
        chunk, self.sending = self.sending, []
        failed = [batch_id for place, batch_id in enumerate(chunk) if place in refused]
        taken = [batch_id for batch_id in chunk if batch_id not in failed]
        for batch_id in taken:
            self.failures.pop(batch_id, None)
        given_up = []
        for batch_id in failed:
            self.failures[batch_id] = self.failures.get(batch_id, 0) + 1
            if self.failures[batch_id] >= ATTEMPTS:
                del self.failures[batch_id]
                given_up.append(batch_id)
            else:
                self.waiting.append(batch_id)
        self.buffer.sent(taken)
        assert self.buffer.failed(failed) == given_up

    @rule()
    def connect(self) -> None:
        """A new connection: what waits is dropped, and an answer that comes too late changes nothing."""
        late = self.sending or ["b0"]
        self.waiting, self.sending, self.failures = [], [], {}
        self.buffer.clear()
        self.buffer.sent(late[:1])
        assert self.buffer.failed(late) == []

    @invariant()
    def counts_what_waits(self) -> None:
        assert len(self.buffer) == len(self.waiting) + len(self.sending) <= LIMIT


TestAcknowledging = Acknowledging.TestCase
TestAcknowledging.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)


def test_an_id_that_was_committed_twice_is_sent_once() -> None:
    buffer = AckBuffer(limit=9, chunk=9, attempts=1, on_due=lambda: None, on_given_up=lambda: None)
    for batch_id in ("b1", "b2", "b1"):
        buffer.add(batch_id)
    assert buffer.next_chunk() == ["b1", "b2"]
    buffer.sent(["b1", "b2"])
    assert len(buffer) == 0
