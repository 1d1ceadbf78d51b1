"""
Prints `with_raw_response`: what the client's handwritten calls take, with a response beside each result.

Type checkers want each call written out with its parameters: the type of an attribute that holds a wrapped
method can't be declared without losing their names. So the signatures are taken from the calls themselves.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

SOURCES = ("requests.py", "client.py")
"""Where the calls are, beneath `_async/`; those of the document are in the generated client."""
TARGET = "raw_responses.py"
WITHOUT = {"health_check"}
"""Calls that give a result where there is no response."""

HEAD = '''# Printed from {sources} by `make generate`. Change those, never this.
"""The calls of a client, each with the response that its result was read from, for asyncio."""

from __future__ import annotations

from event_streamer_api.client import AsyncRawCalls
from event_streamer_api.raw import keeping_async
{imports}
if TYPE_CHECKING:
    from event_streamer_api.raw import RawResponse
{typing_imports}

class AsyncRawResponses(AsyncRawCalls):
    """
    The calls of a client, each with the response that its result was read from, the last of several.

    Args:
        client: The client.
    """

    def __init__(self, client: AsyncRequests) -> None:
        super().__init__(client)
        self._client: Any = client  # an EventStreamer, whose module imports this one
'''

CALL = '''
    async def {name}({parameters}) -> RawResponse[{result}]:
        """See the client's `{name}`."""
        return await keeping_async(self._client, self._client.{name})({arguments})
'''


def raw_half(texts: list[str]) -> str:
    """
    Print the calls that give responses.

    Args:
        texts: The text of each of `SOURCES`.

    Returns:
        The text of the file, not formatted yet, with more imports than it needs.
    """
    imports, typing_imports, calls = ["from .requests import AsyncRequests"], [], []
    for tree in map(ast.parse, texts):
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module != "raw_responses":
                imports.append(ast.unparse(node))
            elif isinstance(node, ast.If):
                typing_imports += [f"    {ast.unparse(each)}" for each in node.body]
            elif isinstance(node, ast.ClassDef):
                calls += [_call(each) for each in _calls(node)]
    head = HEAD.format(
        sources=" and ".join(SOURCES), imports="\n".join(imports), typing_imports="\n".join(typing_imports)
    )
    return head + "".join(calls)


def _calls(client: ast.ClassDef) -> Iterator[ast.AsyncFunctionDef]:
    """Find the methods that take the options of a call."""
    for node in client.body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name not in WITHOUT:
            options = node.args.kwarg and node.args.kwarg.annotation
            if options and ast.unparse(options) == "Unpack[CallOptions]":
                yield node


def _call(method: ast.AsyncFunctionDef) -> str:
    given = method.args
    arguments = [each.arg for each in given.args[1:]]  # all but self
    arguments += [f"{each.arg}={each.arg}" for each in given.kwonlyargs]
    assert method.returns is not None
    return CALL.format(
        name=method.name,
        parameters=ast.unparse(given),
        result=ast.unparse(method.returns),
        arguments=", ".join([*arguments, "**options"]),
    )
