"""The models under the second import path of the document, the same as in `event_streamer_sdk.models`."""

from typing import TYPE_CHECKING

from event_streamer_api import models as _generated

if TYPE_CHECKING:
    from event_streamer_api.models import *  # noqa: F403  # the names are the generated package's own

__all__ = list(_generated.__all__)  # a list made of a tuple of names


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_generated, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
