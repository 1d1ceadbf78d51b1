"""Every public name says what it is for: `make check` fails where a docstring is missing."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import event_streamer_sdk
import event_streamer_service

pytestmark = pytest.mark.quick


def public_modules(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if found.name.rpartition(".")[2].startswith("_") or found.name.endswith(".cli"):
            continue  # the command line is described by its help texts
        module = importlib.import_module(found.name)
        yield from public_modules(module) if found.ispkg else [module]


def public_names() -> Iterator[tuple[str, Any]]:
    for module in [*public_modules(event_streamer_sdk), event_streamer_service]:
        yield module.__name__, module
        for name in getattr(module, "__all__", ()):
            yield f"{module.__name__}.{name}", getattr(module, name)


def undescribed() -> Iterator[str]:
    for name, value in public_names():
        if not (inspect.ismodule(value) or inspect.isclass(value) or inspect.isfunction(value)):
            continue  # constants and type aliases
        if not inspect.getdoc(value):
            yield name
        if inspect.isclass(value):
            for attribute, member in inspect.getmembers(value):
                owned = (getattr(member, "__module__", None) or "").startswith("event_streamer")
                described = inspect.isfunction(member) or isinstance(member, property)
                ours = described and (owned or isinstance(member, property))
                if ours and not attribute.startswith("_") and not inspect.getdoc(member):
                    yield f"{name}.{attribute}"


def test_every_public_name_has_a_docstring() -> None:
    assert sum(1 for _ in public_names()) > 200
    missing = sorted(set(undescribed()))
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(
    "name", ["EventStreamer", "SyncEventStreamer", "StreamingClient", "SyncStreamingClient"]
)
def test_what_takes_arguments_says_what_they_are(name: str) -> None:
    client = getattr(event_streamer_sdk, name)
    for attribute, member in inspect.getmembers(client, inspect.isfunction):
        if attribute.startswith("_"):
            continue
        parameters = list(inspect.signature(member).parameters.values())[1:]
        for parameter in parameters:
            if parameter.kind is not parameter.VAR_KEYWORD:
                assert f"{parameter.name}: " in (member.__doc__ or ""), (
                    f"{name}.{attribute}({parameter.name})"
                )
