"""
Node to handler: a real node's logs, through the service to a handler, against web3.py on the same node.

The CPU of both of our processes counts, the service and the client; the node's own does not, for it is the
same in both cases.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import emitter, peers
from ..report import Row, compared
from ..rounds import Sample, interleave, middle, ratio, work

LOGS = 20_000
BLOCKS_A_CALL = 20
"""Range of one get_logs of web3.py: 10,000 logs, what public nodes allow."""
CHAIN_ID = 31_337
WEB3 = "web3.py"


class Service:
    """A running ``event-streamer serve``."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.pid = process.pid
        self.url = url

    def cpu(self) -> float:
        """User and system seconds that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(node: str) -> Iterator[Service]:
    """
    Run the service on a node.

    Args:
        node: The node's JSON-RPC address.
    """
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                str(peers.python("service").parent / "event-streamer"),
                "serve",
                *("--database", f"sqlite:///{folder}/service.db", "--port", "0"),
                *("--chain", f"{CHAIN_ID}={node}", "--log-level", "warning"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if "http://" in line:
                    yield Service(process, "http://" + line.split("http://")[1].split()[0].rstrip("/"))
                    break
            else:
                raise RuntimeError("the service did not start")
        finally:
            process.terminate()
            process.wait(timeout=20)
            process.stdout.close()


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
