"""What is said where the extra `[service]` isn't installed: its name, and not that of some module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needed_for(what: str) -> Iterator[None]:
    """
    Turn the failure to import a package of the extra into one sentence.

    Args:
        what: What is imported, as its user knows it.

    Raises:
        ImportError: A package isn't installed; the sentence says which, and what to do.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] == __package__:
            raise
        from event_streamer_sdk._core.words import install_hint  # the plugin of pytest loads none of the SDK

        raise ImportError(
            f"{what} needs {missing.name}, which isn't installed: {install_hint('service')}",
            name=missing.name,
        ) from missing
