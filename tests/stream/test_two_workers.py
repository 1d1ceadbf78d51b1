"""The guide's example of workers that share a subscription: as it stands, in two processes at once."""

import json
import subprocess
import sys
from pathlib import Path

from event_streamer_service import LocalService
from support.documents import blocks

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "streaming.md"
WORKER = """
import json


@stream.on_event("Transfer")
def handle(transfers):
    for transfer in transfers:
        print(json.dumps([transfer["block_number"], transfer["log_index"]]), flush=True)


stream.run()
client.close()
"""


def test_two_workers_of_the_lease_example_share_the_work(tmp_path: Path) -> None:
    (example,) = [block for block in blocks(GUIDE) if "lease_seconds" in block.code]
    with LocalService() as service:
        code = example.code.replace("http://localhost:8000", service.url) + WORKER
        workers = [
            subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        told = [worker.communicate(timeout=60)[0].splitlines() for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0]
        events = [tuple(json.loads(line)) for lines in told for line in lines]
        assert len(events) > 20
        assert len(set(events)) == len(events)  # and not each of them twice
