"""Pages of public names: what `__all__` lists, each with its docstring."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterable
from pathlib import Path

from sphinx.pycode import ModuleAnalyzer

from event_streamer_sdk import (
    abi as abi_module,
)
from event_streamer_sdk import (
    checkpoints as checkpoints_module,
)
from event_streamer_sdk import (
    exceptions as exceptions_module,
)
from event_streamer_sdk import (
    frames as frames_module,
)
from event_streamer_sdk import (
    models as models_module,
)
from event_streamer_sdk import (
    sinks as sinks_module,
)
from event_streamer_sdk import (
    streaming_client as streaming_module,
)
from event_streamer_sdk import (
    workers as workers_module,
)

ERRORS = set(exceptions_module.__all__)
"""Shown on a page of their own, and not wherever else they can be imported from."""


def clients(_root: Path) -> str:
    """Both clients, with all their methods."""
    return _page(
        "The clients",
        "Both have the same methods, with and without `await`. [The client and its calls](../client.md) shows them "
        "at work.",
        _classes("event_streamer_sdk", ["EventStreamer", "SyncEventStreamer"]),
    )


def streaming_clients(_root: Path) -> str:
    """Both streaming clients, and what handlers and reports are given."""
    both = ["StreamingClient", "SyncStreamingClient"]
    others = [
        name for name in streaming_module.__all__ if name not in {*both, *ERRORS, "AsyncStreamingClient"}
    ]
    return _page(
        "The streaming clients",
        "Made by `client.create_streaming_client`. The rules they keep are in "
        "[what the stream promises](../streaming.md).",
        [
            *_classes("event_streamer_sdk", both),
            "## What goes with them\n",
            *_names("event_streamer_sdk.streaming_client", others),
        ],
    )


def models(_root: Path) -> str:
    """All models."""
    return _page(
        "Models",
        "Generated from `openapi.yaml`. All are in `event_streamer_sdk.models`; "
        "[the client guide](../client.md#models) says how they behave. Each has `from_dict(values)`, which reads decoded "
        "JSON, and `to_dict()`, which gives it back.",
        _names(
            "event_streamer_sdk.models", sorted(models_module.__all__), "exclude-members: from_dict, to_dict"
        ),
    )


def exceptions(_root: Path) -> str:
    """All exceptions."""
    return _page(
        "Exceptions",
        "All are in `event_streamer_sdk.exceptions`. [Errors](../errors.md) draws the tree and says what to do.",
        _names("event_streamer_sdk.exceptions", exceptions_module.__all__),
    )


def checkpoints(_root: Path) -> str:
    """Stores of positions and of dead letters."""
    return _page(
        "Checkpoints and dead letters",
        "All are in `event_streamer_sdk.checkpoints`. [How a position is kept](../tokens.md) explains them.",
        _names("event_streamer_sdk.checkpoints", _but_errors(checkpoints_module.__all__)),
    )


def workers(_root: Path) -> str:
    """Write the page of the workers."""
    return _page(
        "Workers",
        "All are in `event_streamer_sdk.workers`. [The guide](../workers.md) says what they promise.",
        _names("event_streamer_sdk.workers", workers_module.__all__),
    )


def sinks(_root: Path) -> str:
    """Sinks."""
    return _page(
        "Sinks",
        "All are in `event_streamer_sdk.sinks`. [The guide](../sinks.md) says what each place promises.",
        _names("event_streamer_sdk.sinks", _but_errors(sinks_module.__all__)),
    )


def frames(_root: Path) -> str:
    """Frames."""
    return _page(
        "Frames",
        "What `client.fetch` gives. [The guide](../frames.md) shows it at work.",
        _names("event_streamer_sdk.frames", _but_errors(frames_module.__all__)),
    )


def abi(_root: Path) -> str:
    """ABIs and logs."""
    return _page(
        "ABIs and logs",
        "All are in `event_streamer_sdk.abi`. [The guide](../abi.md) shows them at work.",
        _names("event_streamer_sdk.abi", _but_errors(abi_module.__all__)),
    )


def service(_root: Path) -> str:
    """The service in Python."""
    import event_streamer_service

    return _page(
        "The service in Python",
        "For tests and for programs that run the service themselves. It needs the extra `[service]`; "
        "[the guide](../service.md) shows it at work.",
        _names("event_streamer_service", event_streamer_service.__all__),
    )


def _page(title: str, introduction: str, parts: Iterable[str]) -> str:
    return "\n".join([f"# {title}\n", f"{introduction}\n", *parts])


def _but_errors(listed: Iterable[str]) -> list[str]:
    return [name for name in listed if name not in ERRORS]


def _classes(module: str, listed: Iterable[str]) -> list[str]:
    """Classes that come with all that they inherit from private ones."""
    options = "inherited-members:\n   :class-doc-from: both"  # arguments are described by `__init__`
    return [
        line
        for name in listed
        for line in (f"## {name}\n", _directive("autoclass", f"{module}.{name}", options), "")
    ]


def _names(
    module: str,
    listed: Iterable[str],
    of_classes: str = "inherited-members: object, dict, str, int, tuple, Enum, Mapping",
) -> list[str]:
    lines: list[str] = []
    for name in listed:
        value = getattr(importlib.import_module(module), name)
        if inspect.isclass(value) and issubclass(value, BaseException):
            kind, option = "autoexception", ""
        elif inspect.isclass(value):
            kind, option = "autoclass", of_classes
        elif callable(value):
            kind, option = "autofunction", ""
        else:
            kind, option = "autodata", "no-value"
        home = _home(module, name) if kind == "autodata" else module
        lines += [f"## {name}\n", _directive(kind, f"{home}.{name}", option), ""]
    return lines


def _home(module: str, name: str) -> str:
    """Find where a value is described: its docstring stands where it is assigned, and not where it is imported."""
    for each in sorted(found for found in sys.modules if found.startswith(f"{module}.")):
        path = getattr(sys.modules[each], "__file__", None) or ""
        if path.endswith(".py") and ("", name) in ModuleAnalyzer.for_module(each).find_attr_docs():
            return each
    return module


def skip_fields(
    _app: object, _what: str, _name: str, value: object, _skip: bool, _options: object
) -> bool | None:
    """Leave out the fields of a named tuple: they are described with their class, and not as "field number 0"."""
    return True if type(value).__name__ == "_tuplegetter" else None


def _directive(kind: str, target: str, option: str) -> str:
    options = f"   :{option}\n" if ":" in option else f"   :{option}:\n" if option else ""
    return f"```{{eval-rst}}\n.. {kind}:: {target}\n{options}```"
