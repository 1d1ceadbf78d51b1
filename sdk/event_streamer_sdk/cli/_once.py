"""Options that take one value are given once: click would take the last one in silence."""

from typing import Any

import typer
from typer.core import TyperCommand

__all__ = ["OnceCommand"]


class OnceCommand(TyperCommand):
    """A command that refuses an option that is given twice and takes one value."""

    def make_parser(self, ctx: Any) -> Any:
        """Make the parser of the command line, which notes the options in the order in which they came."""
        parser = super().make_parser(ctx)
        parse = parser.parse_args

        def parse_once(args: list[str]) -> Any:
            values, rest, order = parse(args=args)
            for option in order:
                takes_one = not getattr(option, "multiple", True) and not getattr(option, "is_flag", False)
                if takes_one and order.count(option) > 1:
                    raise typer.BadParameter("it is given twice, and takes one value", ctx=ctx, param=option)
            return values, rest, order

        parser.parse_args = parse_once  # type: ignore[method-assign]
        return parser
