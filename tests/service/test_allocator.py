"""What a service's process does with memory between two answers of a node."""

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")

SCRIPT = """
import resource, sys
from event_streamer_service.allocator import keep_memory
if sys.argv[1] == "kept":
    keep_memory()

def read_answers():
    answers = [b"x" * 4_000_000 for _ in range(5)]

for _ in range(3):
    read_answers()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    read_answers()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_of(what: str, **environment: str) -> int:
    """Return how many pages the kernel gives anew while large answers come and go."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, what],
        env=others | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def test_answers_that_come_and_go_take_the_same_memory() -> None:
    # Where pages are huge there are few of them, so it's their ratio that counts.
    assert 5 * pages_of("kept") < pages_of("as it is")


def test_who_sets_glibc_up_by_the_environment_is_listened_to() -> None:
    threshold = {"MALLOC_TRIM_THRESHOLD_": "131072"}
    assert 2 * pages_of("kept", **threshold) > pages_of("as it is", **threshold)
