"""What several test processes use is made by one of them: the others wait, and find it made."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache"


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Hold the lock of that name, in the ignored folder .cache."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
