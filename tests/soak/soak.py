"""
Ten minutes of trouble: a real node, the service, and clients that are killed and broken off at random.

    python tests/soak/soak.py [--seconds 600] [--seed N]

anvil mines transfers without pause. The service reads them, with faults injected at random. Two consumers,
one blocking and one asyncio, are killed with SIGKILL at random and started again from their checkpoints; two
more are left alone, so that their memory can be watched. In the end the union of what each has handled must
be what the node says, and the memory of the steady ones must be flat.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from event_streamer_sdk import SyncEventStreamer
from event_streamer_service.devchain.anvil import Anvil
from event_streamer_service.devchain.node import DevToken
from support.service_process import ServiceProcess

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
TOPIC0 = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
FAULTS = ["drop", "end", "reset", "truncate", "corrupt", "duplicate", "mute", "expired_token", "status"]
FLAT = 1.10
"""How much the memory of a steady consumer may grow from the second quarter of the run to the last."""


class Consumer:
    """A consumer's process, its folder, and how often it was killed."""

    def __init__(self, kind: str, url: str, subscription: int, folder: Path) -> None:
        self.kind, self.url, self.subscription, self.folder = kind, url, subscription, folder
        self.kills = 0
        self.memory: list[float] = []
        folder.mkdir()
        self.start()

    def start(self) -> None:
        arguments = [self.kind, self.url, str(self.subscription), str(self.folder)]
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("consumer.py")), *arguments],
            stdout=(self.folder / "out").open("a"),
            stderr=(self.folder / "log").open("a"),
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.kills += 1
        self.start()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def sample(self) -> None:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        self.memory.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)

    def handled(self) -> set[str]:
        lines = (self.folder / "handled").read_text().split("\n")[:-1]  # the last one has no end yet
        return {line for line in lines if ":" in line}

    def count(self) -> int:
        return sum(":" in line for line in (self.folder / "handled").read_text().split("\n"))

    @property
    def growth(self) -> float:
        quarter = len(self.memory) // 4
        return statistics.median(self.memory[-quarter:]) / statistics.median(
            self.memory[quarter : 2 * quarter]
        )


def ask(method: str, url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as response:
        text = response.read()
        return json.loads(text) if text else None


def mine(token: DevToken, choose: random.Random, stop: threading.Event) -> None:
    """Make transfers until told to stop."""
    to = "0x" + "22" * 20
    while not stop.is_set():
        token.transfer_many(to, 1, choose.randrange(1, 60))
        stop.wait(choose.uniform(0.02, 0.3))


def soak(seconds: float, seed: int, folder: Path) -> bool:
    choose = random.Random(seed)
    stop = threading.Event()
    with Anvil() as anvil:
        token = DevToken.deploy(anvil)
        service = ServiceProcess(
            *("--database", f"sqlite:///{folder}/service.db", "--chain", f"31337={anvil.url}"),
            *("--port", "0", "--testing", "--heartbeat-interval", "1", "--block-time", "0.5"),
        )
        miner = threading.Thread(target=mine, args=(token, random.Random(seed), stop))
        consumers: list[Consumer] = []
        try:
            with SyncEventStreamer(service.url, "soak") as client:
                for number, kind in enumerate(["sync", "async", "sync", "async"]):
                    subscription = client.subscribe(
                        TRANSFER, chain_id=31337, start_block=0, addresses=token.address
                    )
                    consumers.append(Consumer(kind, service.url, subscription.id, folder / f"c{number}"))
            miner.start()
            faults = trouble(choose, service.url, consumers, seconds)
            stop.set()
            miner.join()
            ask("DELETE", f"{service.url}/admin/faults")
            return judge(anvil, token, consumers, faults, seconds)
        finally:
            stop.set()
            for consumer in consumers:
                if consumer.process.poll() is None:
                    consumer.process.kill()
                consumer.process.wait()
            service.end(signal.SIGTERM, patience=30)


def trouble(choose: random.Random, url: str, consumers: list[Consumer], seconds: float) -> dict[str, int]:
    """Inject faults and kill consumers for so long; tell how many faults of each kind there were."""
    faults: dict[str, int] = {}
    began = time.monotonic()
    told = began
    while (now := time.monotonic()) < began + seconds:
        time.sleep(choose.uniform(0.3, 1.5))
        if choose.random() < 0.15:
            choose.choice(consumers[:2]).kill()
        else:
            kind = choose.choice(FAULTS)
            body: dict[str, Any] = {"kind": kind, "after": choose.randrange(3)}
            if kind == "status":
                body |= {"status": choose.choice([429, 500, 503]), "times": choose.randrange(1, 4)}
                body["path"] = choose.choice(["/ack/", "/stream", "/heartbeat"])
            ask("POST", f"{url}/admin/faults", body)
            faults[kind] = faults.get(kind, 0) + 1
        for consumer in consumers[2:]:
            consumer.sample()
        if now - told > 30:
            told = now
            print(f"{now - began:4.0f} s: {[consumer.count() for consumer in consumers]} events", flush=True)
    return faults


def judge(
    anvil: Anvil, token: DevToken, consumers: list[Consumer], faults: dict[str, int], seconds: float
) -> bool:
    query = {"fromBlock": "0x0", "toBlock": "latest", "address": token.address, "topics": [TOPIC0]}
    logs = anvil.call("eth_getLogs", query)
    expected = {f"{log['transactionHash']}:{int(log['logIndex'], 16)}" for log in logs}
    until = time.monotonic() + 120
    while time.monotonic() < until and any(consumer.handled() != expected for consumer in consumers):
        time.sleep(0.5)
    print(f"{seconds:.0f} s, {len(expected)} logs on the node, faults: {faults}")
    good = True
    for number, consumer in enumerate(consumers):
        code = consumer.stop()
        missing, extra = expected - consumer.handled(), consumer.handled() - expected
        words = f"{consumer.kind}: {len(consumer.handled())} events, {consumer.count()} with repetitions, "
        words += (
            f"{len(missing)} missing, {len(extra)} too many, killed {consumer.kills} times, exit code {code}"
        )
        good = good and not missing and not extra and code == 0
        if number >= 2:
            first, last = consumer.memory[len(consumer.memory) // 4], consumer.memory[-1]
            words += (
                f", {first:.1f} MB after a quarter, {last:.1f} MB in the end (median × {consumer.growth:.3f})"
            )
            good = good and consumer.growth < FLAT
        print(words)
    print("all is well" if good else "NOT well")
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description="Ten minutes of trouble, and nothing lost.")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        good = soak(options.seconds, options.seed, Path(folder))
        if not good and os.environ.get("KEEP"):
            Path(folder).rename(os.environ["KEEP"])
            os.mkdir(folder)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Broken off.")
