"""
Node to frame, beside web3.py with pandas; node to Parquet with decoded columns, beside cryo.

All of them read the same node, which answers from memory. What counts is the clock: our figure holds the
service and the client, each a process, and cryo works in several threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..processes import TRANSFERS_A_BLOCK, answering, serving
from ..report import Row, compared
from ..rounds import Sample, interleave, middle, ratio, work

BLOCKS = 1_000
BLOCKS_A_CALL = 100
"""Range of one get_logs of web3.py: 10,000 logs, what public nodes allow."""


def run(*, quick: bool) -> Iterator[Row]:
    """Yield two rows for each comparison: the peer's and ours."""
    blocks = BLOCKS // 20 if quick else BLOCKS
    last = blocks - 1
    with answering(blocks) as node, serving(node.url) as service:

        def ours(what: str) -> Callable[[], Sample]:
            def once() -> Sample:
                before = service.cpu()
                sample = work("sinks", "frame_ours", service.url, last, what)
                sample["cpu"] += service.cpu() - before
                return sample

            return once

        pairs: dict[str, tuple[str, Callable[[], Sample]]] = {
            "frame": (
                "web3.py and pandas",
                lambda: work("frames_web3", "frame_web3", node.url, last, BLOCKS_A_CALL),
            ),
            "parquet": ("cryo", lambda: work("cryo", "frame_cryo", node.url, last)),
        }
        for what, (peer, theirs) in pairs.items():
            # web3.py takes minutes for what takes us seconds: that needs no five rounds.
            rounds = 2 if quick or what == "frame" else 5
            yield from _rows(
                what, peer, blocks * TRANSFERS_A_BLOCK, interleave({peer: theirs, "ours": ours(what)}, rounds)
            )


def _rows(what: str, peer: str, events: int, results: dict[str, list[Sample]]) -> Iterator[Row]:
    for name, samples in results.items():
        if any(sample["events"] != events for sample in samples):
            raise RuntimeError(f"{name} did not see all {events} events")
        yield compared(
            f"node to {what}, {events:,} events: {name}",
            samples,
            ratio=ratio(results[peer], samples, "wall"),
            against=peer,
            bound=None if name == peer else 1.0,
            rate=events / middle(samples, "cpu"),
            note=f"by the clock {events / middle(samples, 'wall'):,.0f} events/s; "
            f"{1e6 * middle(samples, 'cpu') / events:.1f} µs of the processor an event",
        )
