"""The ledger: whatever order acknowledgements come in, progress is the end of the unbroken run."""

from hypothesis import given
from hypothesis import strategies as st

from event_streamer_service.chains.types import Position
from event_streamer_service.delivery.ledger import Delivery, Ledger, applied, merged, position_key
from event_streamer_service.store.subscriptions import Progress

NOWHERE = Progress()


def filled(sizes: list[int], *, limit: int = 1000) -> tuple[Ledger, list[str]]:
    """A ledger that has sent a batch for each size, batch n covering block n."""
    ledger, ids, total = Ledger("x", limit), [], 0
    for block, size in enumerate(sizes):
        ids.append(ledger.next_id())
        total += size
        ledger.sent(Delivery(Position(block), total, size, f"{block}:{size}"))
    return ledger, ids


@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=30),
    data=st.data(),
)
def test_progress_is_the_unbroken_run(sizes: list[int], data: st.DataObject) -> None:
    ledger, ids = filled(sizes)
    order = data.draw(st.lists(st.sampled_from(range(len(ids))), max_size=60))
    progress, acknowledged = NOWHERE, set()
    for index in order:
        assert ledger.acknowledge(ids[index]) == (0 if index in acknowledged else sizes[index])
        acknowledged.add(index)
        progress = applied(ledger.settle(), progress)
        run = next((i for i in range(len(ids)) if i not in acknowledged), len(ids))
        assert progress.events_delivered == sum(sizes[:run])
        assert progress.position == (Position(run - 1) if run else None)
        assert ledger.unacknowledged == len(ids) - run


@given(st.text(max_size=30) | st.from_regex(r"batch_x_\d{1,30}"))
def test_no_text_is_an_id_that_was_not_given(text: str) -> None:
    ledger, ids = filled([3, 4])
    assert (ledger.acknowledge(text) is None) == (text not in ids)


def test_an_id_of_another_connection_is_unknown() -> None:
    ledger, ids = filled([1])
    assert Ledger("y", 10).acknowledge(ids[0]) is None
    assert ledger.acknowledge("batch_x_01") is None
    assert ledger.acknowledge("batch_x_" + "9" * 5000) is None


def test_two_streams_never_count_an_event_twice() -> None:
    (first, ids), (second, more) = filled([5, 5, 5]), filled([5, 5, 5])
    progress = NOWHERE
    for ledger, batch_id in ((first, ids[0]), (second, more[0]), (second, more[1]), (first, ids[1])):
        ledger.acknowledge(batch_id)
        progress = applied(ledger.settle(), progress)
    assert progress == Progress(position=Position(1), events_delivered=10, last_event_id="1:5")


def test_blocks_without_events_count_when_nothing_waits() -> None:
    ledger, ids = filled([2])
    ledger.scanned(Position(9), 2)
    assert applied(ledger.settle(), NOWHERE) == NOWHERE, "the batch before them is not acknowledged"
    ledger.acknowledge(ids[0])
    assert applied(ledger.settle(), NOWHERE).position == Position(9)
    ledger.sent(Delivery(Position(10), 3, 1))
    assert applied(ledger.settle(), Progress(position=Position(9))).position == Position(9)


def test_a_reorg_takes_progress_back_once_it_is_acknowledged() -> None:
    ledger, ids = filled([1, 1, 1])
    reorg = ledger.next_id()
    ledger.sent(Delivery(Position(0), 3, reorg=True))
    anew = ledger.next_id()
    ledger.sent(Delivery(Position(1), 4, 1, "1:0"))
    progress = NOWHERE
    for batch_id in ids:
        ledger.acknowledge(batch_id)
        progress = applied(ledger.settle(), progress)
    assert progress.position == Position(2)
    ledger.acknowledge(reorg)
    progress = applied(ledger.settle(), progress)
    assert progress.position == Position(0)
    assert progress.events_delivered == 3, "they were delivered"
    ledger.acknowledge(anew)
    assert applied(ledger.settle(), progress) == Progress(
        position=Position(1), events_delivered=4, last_event_id="1:0"
    )


def test_a_reorg_above_the_progress_changes_nothing() -> None:
    reorg = Delivery(Position(9), 3, reorg=True)
    assert reorg.applied_to(NOWHERE) == NOWHERE
    behind = Progress(position=Position(5), events_delivered=1)
    assert reorg.applied_to(behind) == behind


def test_what_is_forgotten_ends_the_run_for_good() -> None:
    ledger, ids = filled([1] * 5, limit=3)
    assert ledger.broken
    assert ledger.unacknowledged == 3
    assert [ledger.acknowledge(i) for i in ids] == [None, None, 1, 1, 1]
    assert applied(ledger.settle(), NOWHERE) == NOWHERE
    ledger.scanned(Position(99), 5)
    assert applied(ledger.settle(), NOWHERE) == NOWHERE


@given(st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 9))))
def test_positions_sort_with_whole_blocks_last(pairs: list[tuple[int, int | None]]) -> None:
    keys = sorted(position_key(Position(block, index)) for block, index in pairs)
    wanted = sorted((block, index is None, index or 0) for block, index in pairs)
    assert [key[0] for key in keys] == [want[0] for want in wanted]
    assert [key[1] == float("inf") for key in keys] == [want[1] for want in wanted]


@given(
    st.lists(
        st.builds(
            Delivery, st.builds(Position, st.integers(0, 6), st.none() | st.integers(0, 2)),
            st.integers(0, 9), st.integers(0, 3), st.none() | st.just("x"), st.booleans(),
        )
    ),
    st.builds(Progress, position=st.none() | st.builds(Position, st.integers(0, 6))),
)  # fmt: skip
def test_merged_deliveries_lead_any_progress_to_the_same_place(
    deliveries: list[Delivery], stored: Progress
) -> None:
    few = merged(deliveries)
    assert applied(few, stored) == applied(deliveries, stored)
    assert merged(few) == few


def test_deliveries_of_a_long_outage_take_no_more_room_than_two() -> None:
    waiting: list[Delivery] = []
    for block in range(1000):
        waiting = merged([*waiting, Delivery(Position(2 * block), block, 1, f"{block}:0")])
        waiting = merged([*waiting, Delivery(Position(2 * block + 1), block)])
    assert len(waiting) == 2
