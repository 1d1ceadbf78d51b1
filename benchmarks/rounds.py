"""
Interleaved rounds: every contestant once a round, in an order that turns, and what comes out of them.

A machine that others use makes any two runs differ; within one round the noise meets all alike. So a ratio is
taken within each round, and the median of these ratios is reported beside the median figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from . import peers

WORKERS = Path(__file__).parent / "workers"
TIMEOUT = 300.0
"""Seconds that one worker may take."""

Sample = dict[str, Any]


def work(environment: str, script: str, *arguments: object, timeout: float = TIMEOUT) -> Sample:
    """
    Run one worker and return what it reports.

    Args:
        environment: The environment of ``peers`` whose interpreter runs it.
        script: The worker's file name without its suffix.
        arguments: Its command line.
        timeout: Seconds until it counts as hung.

    Raises:
        RuntimeError: The worker failed; its standard error is in the message.
    """
    command = [str(peers.python(environment)), str(WORKERS / f"{script}.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=peers.CACHE)
    if done.returncode:
        raise RuntimeError(f"{script} in {environment} failed:\n{done.stderr[-4000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def interleave(contestants: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, list[Sample]]:
    """
    Run every contestant once in each round.

    Args:
        contestants: Name → a call that runs it once.
        rounds: How many rounds count; where five or more do, one is run before them and thrown away.

    Returns:
        Name → one sample for each round, in the order of rounds.
    """
    names = list(contestants)
    results: dict[str, list[Sample]] = {name: [] for name in names}
    warm = int(rounds >= 5)
    for number in range(rounds + warm):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            sample = contestants[name]()
            if number >= warm:
                results[name].append(sample)
        print(f"  round {number + 1} of {rounds + warm}", file=sys.stderr)
    return results


def middle(samples: Sequence[Sample], key: str) -> float:
    """Return the median of one figure."""
    return median(float(sample[key]) for sample in samples)


def ratio(base: Sequence[Sample], ours: Sequence[Sample], key: str) -> float:
    """Return how many times as much ``base`` takes as ``ours``: the median over the rounds."""
    return median(float(b[key]) / float(o[key]) for b, o in zip(base, ours, strict=True))
