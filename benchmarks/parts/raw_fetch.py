"""
Node to handler beside the raw fetch: the same logs of the same node, fetched and parsed and nothing else.

The node answers from memory, once with each log's time and once without: then the headers of all blocks are
fetched too. The raw fetch is one process, and we are two, which work side by side: so the rate is compared by
the clock, and the rows below say what each process costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..processes import CHAIN_ID, TRANSFERS_A_BLOCK, Process, answering, serving
from ..report import Row, compared
from ..rounds import Sample, interleave, middle, ratio, work

BLOCKS = 4_000
BLOCKS_A_CALL = 50
"""5,000 logs, as the service aims at."""
GOAL = 0.7
RAW = "httpx and orjson alone"
OURS = "service and client"


def run(*, quick: bool) -> Iterator[Row]:
    """Yield rows for a node that tells times in its logs, and for one that doesn't."""
    blocks = BLOCKS // 4 if quick else BLOCKS
    for times in (True, False):
        with answering(blocks, *(["--times"] if times else [])) as node, serving(node.url) as service:
            yield from _compared(node, service, blocks, times=times, rounds=2 if quick else 5)


def _compared(node: Process, service: Process, blocks: int, *, times: bool, rounds: int) -> Iterator[Row]:
    events = blocks * TRANSFERS_A_BLOCK

    def raw() -> Sample:
        before = node.cpu()
        asked = "none" if times else "headers"
        sample = work("service", "node_raw", node.url, blocks - 1, BLOCKS_A_CALL, asked)
        return sample | {"node": node.cpu() - before}

    def ours() -> Sample:
        before = node.cpu(), service.cpu()
        sample = work("fast", "node_client", service.url, CHAIN_ID, "", blocks - 1, events)
        parts = {
            "node": node.cpu() - before[0],
            "service": service.cpu() - before[1],
            "client": sample["cpu"],
        }
        return sample | parts | {"cpu": parts["service"] + parts["client"]}

    contestants: dict[str, Callable[[], Sample]] = {RAW: raw, OURS: ours}
    results = interleave(contestants, rounds)
    title = "times in the logs" if times else "times from headers"
    for name, samples in results.items():
        if any(sample["events"] != events for sample in samples):
            raise RuntimeError(f"{name} did not see all {events} logs")
        wall = middle(samples, "wall")
        parts = [part for part in ("node", "service", "client") if part in samples[0]]
        costs = ", ".join(f"{part} {1e6 * middle(samples, part) / events:.1f}" for part in parts)
        yield compared(
            f"memory to handler, {events:,} logs, {title}: {name}",
            samples,
            ratio=ratio(results[RAW], samples, "wall"),
            against=RAW,
            bound=None if name == RAW else GOAL,
            rate=events / middle(samples, "cpu"),
            note=f"by the clock {events / wall:,.0f} logs/s; µs of the processor a log: {costs}",
        )
