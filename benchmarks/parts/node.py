"""
Node to handler: a real node's logs, through the service to a handler, against web3.py on the same node.

The CPU of both of our processes counts, the service and the client; the node's own does not, for it is the
same in both cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .. import emitter
from ..processes import CHAIN_ID, serving
from ..report import Row, compared
from ..rounds import Sample, interleave, middle, ratio, work

LOGS = 20_000
BLOCKS_A_CALL = 20
"""Range of one get_logs of web3.py: 10,000 logs, what public nodes allow."""
WEB3 = "web3.py"


def run(*, quick: bool) -> Iterator[Row]:
    """Yield a row for web3.py and one for us."""
    from event_streamer_service.devchain.anvil import Anvil

    logs = LOGS // 4 if quick else LOGS
    with Anvil(chain_id=CHAIN_ID, options=["--gas-limit", "100000000"]) as node:
        address, last_block, found = emitter.fill(node.url, logs)
        with serving(node.url) as service:

            def ours() -> Sample:
                before = service.cpu()
                sample = work("fast", "node_client", service.url, CHAIN_ID, address, last_block, found)
                sample["cpu"] += service.cpu() - before
                return sample

            def web3() -> Sample:
                return work("web3", "node_web3", node.url, address, last_block, BLOCKS_A_CALL)

            contestants: dict[str, Callable[[], Sample]] = {WEB3: web3, "service and client": ours}
            results = interleave(contestants, 2 if quick else 5)
    for name, samples in results.items():
        if any(sample["events"] != found for sample in samples):
            raise RuntimeError(f"{name} did not see all {found} logs")
        yield compared(
            f"node to handler, {found:,} logs: {name}",
            samples,
            ratio=ratio(results[WEB3], samples, "cpu"),
            against=WEB3,
            bound=None if name == WEB3 else 5.0,
            rate=found / middle(samples, "cpu"),
            note="" if name == WEB3 else f"by the clock {ratio(results[WEB3], samples, 'wall'):.1f} ×",
        )
