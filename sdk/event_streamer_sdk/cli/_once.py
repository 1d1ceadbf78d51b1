"""
What a command line of ours does that click's doesn't.

Options that take one value are given once: click would take the last one in silence. And what is not a number
is called that: click says "not a valid int range".
"""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

__all__ = ["Commands", "OnceGroup"]


_NUMBERS = {
    "is not a valid int range": "is not a whole number",
    "is not a valid integer": "is not a whole number",
    "is not a valid float range": "is not a number",
    "is not a valid float": "is not a number",
}
"""What click says → what people say; the longer ones before what they begin with."""


class _Once:
    """Refuses an option that is given twice and takes one value; says what is not a number."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the arguments."""
        try:
            return super().parse_args(ctx, args)  # type: ignore[misc] # of click's command, which is beside it
        except typer.BadParameter as wrong:
            for said, meant in _NUMBERS.items():
                wrong.message = wrong.message.replace(said, meant)
            raise

    def make_parser(self, ctx: Any) -> Any:
        """Make the parser of the command line, which notes the options in the order in which they came."""
        parser = super().make_parser(ctx)  # type: ignore[misc] # of click's command, which is beside it
        parse = parser.parse_args

        def parse_once(args: list[str]) -> Any:
            values, rest, order = parse(args=args)
            for option in order:
                takes_one = not getattr(option, "multiple", True) and not getattr(option, "is_flag", False)
                if takes_one and order.count(option) > 1:
                    raise typer.BadParameter("it is given twice, and takes one value", ctx=ctx, param=option)
            return values, rest, order

        parser.parse_args = parse_once
        return parser


class _OnceCommand(_Once, TyperCommand):
    pass


class OnceGroup(_Once, TyperGroup):
    """A group whose own options are given once."""


class Commands(typer.Typer):
    """Commands whose options are given once, where they take one value."""

    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = _OnceCommand, **options: Any
    ) -> Callable[[Any], Any]:
        """Add a command; as `typer.Typer.command`."""
        return super().command(name, cls=cls, **options)
