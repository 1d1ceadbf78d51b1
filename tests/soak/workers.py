"""
Minutes of trouble for workers as processes on a real PostgreSQL: `tests/workers/test_fleet.py`, longer.

Usage: workers.py [--seconds 300] [--seed 1] [--workers 3] [--subscriptions 12] [--lease 2]
"""

import argparse
import json

from support.postgres import cluster
from support.worker_fleet import chaos, process_fleet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--subscriptions", type=int, default=12)
    parser.add_argument("--lease", type=float, default=2.0)
    chosen = parser.parse_args()
    with (
        cluster() as url,
        process_fleet(
            f"{url}/postgres",
            workers=chosen.workers,
            subscriptions=chosen.subscriptions,
            lease=chosen.lease,
        ) as fleet,
    ):
        figures = chaos(fleet, seconds=chosen.seconds, seed=chosen.seed)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
