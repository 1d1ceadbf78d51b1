"""
Play schedules of the simulation by hand.

    python tests/simulation/play.py 4711        one seed, and what happened in it
    python tests/simulation/play.py --forever   one after the other, until one fails (or Ctrl-C)
"""

import itertools
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support import world as worlds


def show(seed: int) -> None:
    """Play one schedule and print each command and outcome."""
    world = worlds.World(seed)
    print(world.settings)
    step = worlds.Process.step

    def told(process: worlds.Process, lane: Any, outcome: Any) -> None:
        print(f"{world.now:9.2f}  {lane.value:<11} <- {str(outcome)[:120]}")
        try:
            step(process, lane, outcome)
        finally:
            print(f"{world.now:9.2f}  {lane.value:<11} -> {str(process.strands[lane].command)[:120]}")

    worlds.Process.step = told  # type: ignore[method-assign] # for this one process, which ends here
    world.run()
    print(f"{world.events} steps, {world.lives} lives, {len(world.handled)} batches handled, all is well")


def forever() -> None:
    """Play schedules until one fails."""
    began = time.monotonic()
    for seed in itertools.count(int(time.time()) * 1000):
        worlds.play(seed)
        if seed % 1000 == 0:
            print(f"up to seed {seed}: all is well ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--forever"]:
        try:
            forever()
        except KeyboardInterrupt:
            sys.exit(130)
    elif len(sys.argv) == 2 and sys.argv[1].isdigit():
        show(int(sys.argv[1]))
    else:
        sys.exit(__doc__)
