"""The function of `--app`, which registers handlers."""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import typer


def app_function(name: str) -> Callable[[Any], Any]:
    """
    Import `module:function`, as uvicorn and gunicorn do: also from the working directory.

    Raises:
        typer.BadParameter: There is no such function.
    """
    module, _, function = name.partition(":")
    if not module or not function or not all(part.isidentifier() for part in module.split(".")):
        raise typer.BadParameter(
            f"--app must be module:function, such as transfers:app for transfers.py here, not {name!r}"
        )
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name != module and not module.startswith(f"{missing.name}."):
            raise  # a module that the app itself imports
        raise typer.BadParameter(f"--app {name}: there is no module {module!r} here") from missing
    for part in function.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise typer.BadParameter(f"--app {name}: {module} has no function {function!r}")
    registers: Callable[[Any], Any] = found
    return registers
