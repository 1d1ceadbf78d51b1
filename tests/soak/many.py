"""
Minutes of trouble on both sides: replicas behind nginx, workers, and the PostgreSQL that they share.

    PYTHONPATH=tests python tests/soak/many.py [--seconds 300] [--subscriptions 30] [--seed N] [--lease 5]
        [--block-seconds 0.5]

At random, replicas and workers are killed (SIGKILL), stopped (SIGSTOP) and cut off from PostgreSQL; that is
restarted, falls silent, and takes 200 ms a round trip; the chain is reorganised. The clocks of the processes
are a minute wrong, where libfaketime is there (Debian and Ubuntu: apt install faketime).
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from support.machines import clock_shifted
from support.many import BLOCK_SECONDS, trouble


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--subscriptions", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--lease", type=float, default=5.0, help="of the workers, seconds")
    parser.add_argument("--block-seconds", type=float, default=BLOCK_SECONDS, help="from block to block")
    parser.add_argument("--keep", type=Path, help="a folder for the logs of all processes")
    chosen = parser.parse_args()
    clocks = "clocks a minute apart" if clock_shifted(60) else "clocks as they are: libfaketime is missing"
    print(f"seed {chosen.seed}, {clocks}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="many-soak-") as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        outcome = trouble(
            folder,
            seconds=chosen.seconds,
            subscriptions=chosen.subscriptions,
            seed=chosen.seed,
            lease=chosen.lease,
            block_seconds=chosen.block_seconds,
        )
    print(f"{time.monotonic() - began:.0f} s, {sum(outcome.troubles.values())} troubles:")
    for kind, count in sorted(outcome.troubles.items()):
        print(f"  {kind}: {count}")
    print(
        f"{outcome.events} events for each of {chosen.subscriptions} subscriptions, "
        f"{sum(outcome.missing.values())} missing, {outcome.repeated} of all came again; "
        f"{outcome.writes} positions stored\n"
        f"the machine held processes up for {outcome.held_up:.1f} s at most"
    )
    if (gap := outcome.longest) is not None:
        print(
            f"longest without a worker: {gap.seconds:.1f} s, {gap.held_up:.1f} s of them held up by the "
            f"machine: {gap.of_workers:.1f} s of {chosen.lease + 2:.0f} s"
        )
    for problem in outcome.problems[:20]:
        print(f"PROBLEM: {problem}")
    sys.exit(f"{len(outcome.problems)} problems" if outcome.problems else 0)


if __name__ == "__main__":
    main()
