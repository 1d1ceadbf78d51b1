"""Options of commands: those that several have are the parameters of one function, which uses them."""

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import typer

STOP_SECONDS = 4.0
"""
How long a stream has for its end once it is stopped: someone waits, and what isn't acknowledged comes again.

An answer of the service may take longer; a sink breaks its write off after three seconds.
"""


def option(*names: str, **more: Any) -> Any:
    """
    Declare an option whose default goes without saying.

    Args:
        names: How it is written, where that isn't the parameter's name.
        more: As for `typer.Option`.

    Returns:
        What stands in the parameter's `Annotated`.
    """
    return typer.Option(*names, show_default=False, **more)


def given_by(**makers: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """
    Replace parameters of a command by the options of functions that make their values.

    Args:
        makers: A command's parameter → the function whose parameters, annotated for typer, stand on
            the command line instead, and whose result the command gets. A result that is a context
            manager is entered, and left when the command ends.

    Returns:
        A decorator; it stands below `@app.command()`.

    Example:
        >>> def greeting(name: Annotated[str, typer.Option()] = "you") -> str:
        ...     return f"Hello {name}"
        >>> @app.command()
        ... @given_by(text=greeting)
        ... def greet(text: str) -> None:  # on the command line: greet --name me
        ...     typer.echo(text)
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        shown: list[inspect.Parameter] = []
        for parameter in inspect.signature(command).parameters.values():
            maker = makers.get(parameter.name)
            shown += [parameter] if maker is None else inspect.signature(maker).parameters.values()

        @functools.wraps(command)
        def run(**typed: Any) -> None:
            with ExitStack() as stack:
                made = {}
                for name, maker in makers.items():
                    value = maker(**{key: typed.pop(key) for key in inspect.signature(maker).parameters})
                    entered = isinstance(value, AbstractContextManager)
                    made[name] = stack.enter_context(value) if entered else value
                command(**made, **typed)

        # typer reads both. By keyword alone, a parameter with a default may stand before one without.
        signature = inspect.Signature([each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in shown])
        run.__dict__["__signature__"] = signature
        run.__annotations__ = {each.name: each.annotation for each in shown}
        return run

    return decorate
