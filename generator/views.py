"""What the templates know of the document, and under which names."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from calls import Call, Calls
from defaults import Defaults
from document import Document
from models import Model, Models
from parsed import Endpoint, EnumProperty, GeneratorData, ModelProperty
from prepare import Preparation
from properties import Properties
from rules import Rules


class View:
    """
    What the templates know.

    Attributes:
        calls: All calls by the tag of their module.
        classes: The module and the name of each class that a call takes or gives.
    """

    def __init__(
        self, document: Document, preparation: Preparation, data: GeneratorData, taken: Collection[str]
    ) -> None:
        rules = Rules(document, preparation)
        properties = Properties(document, rules, data.models)
        defaults = Defaults(document, rules, properties)
        enums = {str(enum.class_info.name) for enum in data.enums}
        data.models = [model for model in data.models if not properties.is_map(model)]
        self._models = Models(document, preparation, rules, properties, defaults, enums)
        collections = {str(tag): collection for tag, collection in data.endpoint_collections_by_tag.items()}
        self.calls = Calls(document, preparation, rules, properties, defaults, collections, taken).by_tag
        self.classes = sorted(
            {each for calls in self.calls.values() for call in calls for each in call.classes}
        )

    def call(self, endpoint: Endpoint) -> Call:
        """Get the call of an endpoint."""
        return next(call for calls in self.calls.values() for call in calls if call.id == endpoint.name)

    def model(self, model: ModelProperty) -> Model:
        """Get the model of a parsed one."""
        return self._models.model(model)

    def enum(self, enum: EnumProperty) -> dict[str, Any]:
        """Get the text and the values of an enum."""
        return self._models.enum(enum)


def handwritten_names(sdk: Path) -> set[str]:
    """
    Find what the clients have besides the generated calls.

    Args:
        sdk: The folder of the SDK's package.

    Returns:
        The names of all methods and attributes of its client classes.
    """
    names = {"subscriber_id"}
    for file in ("_async/client.py", "_async/requests.py", "_async/subscriptions.py", "_base.py"):
        if not (sdk / file).exists():
            continue
        for node in ast.walk(ast.parse((sdk / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                names |= set(_names_in(node.body))
    return names


def _names_in(body: Iterable[ast.stmt]) -> Iterable[str]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield statement.name
            for node in ast.walk(statement):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                    yield node.attr
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id
        elif isinstance(statement, ast.Assign):
            yield from (target.id for target in statement.targets if isinstance(target, ast.Name))
