"""What `event-streamer doctor` looks at on this machine: Python, the event loop, and what is installed."""

from __future__ import annotations

import platform
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from event_streamer_sdk import __version__
from event_streamer_sdk._core.words import install_hint
from event_streamer_sdk.cli._checks import Check, note, ok

DISTRIBUTION = "event-streamer-sdk"

_OF_EXTRA = re.compile(r"""(?P<name>[\w.-]+).*;\s*extra\s*==\s*['"](?P<extra>[^'"]+)['"]""")
"""A requirement of an extra, as the metadata of what is installed has it (PEP 508)."""


def machine_checks() -> Iterator[Check]:
    """Look at this machine."""
    yield ok("Client", f"{DISTRIBUTION} {__version__}")
    yield ok(
        "Python",
        f"{platform.python_version()} ({platform.python_implementation()}, {platform.system()} "
        f"{platform.machine()})",
    )
    yield _event_loop()
    yield from extras(missing_by_extra())


def _event_loop() -> Check:
    found = _version("uvloop")
    if found is not None:
        return ok("Event loop", f"uvloop {found} is installed; clients run on it where your program does")
    advice = None if sys.platform == "win32" else "faster streams with asyncio: pip install uvloop"
    return note("Event loop", "asyncio's own", advice)


def missing_by_extra() -> dict[str, list[str]]:
    """
    Look for the libraries of all extras.

    Returns:
        Extra → its distributions that aren't installed.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for requirement in requires(DISTRIBUTION) or ():
        match = _OF_EXTRA.match(requirement)
        if match is not None:
            missing = found[match["extra"]]
            if _version(match["name"]) is None:
                missing.append(match["name"])
    return dict(found)


def extras(missing: dict[str, list[str]]) -> Iterator[Check]:
    """Tell which extras are there."""
    whole = sorted(extra for extra, names in missing.items() if not names)
    yield ok("Extras", ", ".join(whole) or "none")
    lacking = sorted(missing.keys() - whole)
    if lacking:
        told = (f"{extra} ({', '.join(missing[extra])})" for extra in lacking)
        yield note(
            "Extras missing",
            ", ".join(told),
            f"those that you want: {install_hint(*lacking)}",
        )


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
