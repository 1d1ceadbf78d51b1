"""
Lets glibc keep memory that is free again for the next answer of a node.

Otherwise each answer, which takes some megabytes, goes back to the kernel when it is read, and the kernel
clears every page of the next one: one page for three logs.
"""

from __future__ import annotations

import ctypes
import os
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Parameters of `mallopt` (malloc.h)."""
_LARGE = 32 * 1024 * 1024
"""Bytes from which a piece of memory goes back to the kernel when it is free; glibc allows no more."""
_KEPT = 64 * 1024 * 1024
"""Bytes at the end of the heap that are kept."""


def keep_memory() -> None:
    """
    Let glibc keep free memory, unless the environment sets it up (`MALLOC_TRIM_THRESHOLD_`, …).

    It is for the whole process, so for one that does nothing but serve. Other C libraries are left alone.
    """
    if not sys.platform.startswith("linux") or any(name.startswith("MALLOC_") for name in os.environ):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has none
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGE)
    mallopt(_M_TRIM_THRESHOLD, _KEPT)
