"""
Minutes of trouble for replicas: killed at random behind nginx's round robin, on a PostgreSQL that restarts.

    python tests/soak/replicas.py [--seconds 300] [--subscriptions 30] [--seed N]
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.replicas import trouble


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--subscriptions", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="replicas-soak-") as folder:
        outcome = trouble(
            Path(folder), seconds=options.seconds, subscriptions=options.subscriptions, seed=options.seed
        )
    print(
        f"{time.monotonic() - began:.0f} s, {outcome.kills} kills, {outcome.restarts} database restarts: "
        f"{outcome.events} events for each of {options.subscriptions} subscriptions, "
        f"{outcome.repeated} of all came again, {sum(map(len, outcome.missing.values()))} are missing; "
        f"stored progress went back {len(outcome.went_back)} times"
    )
    outcome.check()


if __name__ == "__main__":
    main()
