"""
Tries the defaults of a document: one that its own schema refuses is wrong.

The text that reads and checks a value in the generated package is run on the default, so that nothing says
a second time what a schema takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from document import Document
from parsed import (
    BooleanProperty,
    FloatProperty,
    IntProperty,
    ListProperty,
    ModelProperty,
    PropertyProtocol,
    StringProperty,
)
from properties import Properties
from rules import Rules
from runtime import checks, reading
from runtime.errors import EventStreamerValidationError, invalid, within
from runtime.types import Model, Unknown
from types_of import place_of


class Defaults:
    """Finds the defaults of values, and refuses those that are wrong."""

    def __init__(self, document: Document, rules: Rules, properties: Properties) -> None:
        self._document = document
        self._rules = rules
        self._properties = properties
        self._names = _Names(self)

    def of(self, prop: PropertyProtocol, places: Iterable[str]) -> Any:
        """
        Find the default of a value.

        Args:
            prop: The value.
            places: Where it is described, besides its own schema.

        Returns:
            The default as it stands in the document, or None where there is none.

        Raises:
            DocumentError: If the value's own schema refuses it.
        """
        described = list(places)
        places = [*described, *([own] if (own := place_of(prop)) else [])]
        for node, place in self._rules.nodes(places):
            if node.get("default") is not None:
                value = self._completed(prop, _as_scalar(prop, node["default"]))
                try:
                    self.try_out(prop, value, places, "the default")
                except EventStreamerValidationError as error:
                    if len(described) > 1:
                        continue  # the default of a base class, of which the field is narrower here
                    raise self._document.wrong(place, str(error)) from None
                return value
        return None

    def _completed(self, prop: PropertyProtocol, value: Any) -> Any:
        """Give an object the defaults of fields that it lacks though it needs them, as Kubernetes does."""
        if isinstance(prop, ListProperty) and isinstance(value, list):
            return [self._completed(prop.inner_property, each) for each in value]
        known = (
            self._properties.models.get(str(prop.class_info.name))
            if isinstance(prop, ModelProperty)
            else None
        )
        if known is None or not isinstance(value, dict):
            return value
        completed = dict(value)
        for each in known.required_properties or []:
            wire = self._rules.wire_name(each)
            found = self._completed(each, value[wire]) if wire in value else self.of(each, [])
            if found is not None:
                completed[wire] = found
        return completed

    def try_out(self, prop: PropertyProtocol, value: Any, places: Iterable[str], where: str) -> None:
        """Read and check a value as the generated package does."""
        decode = eval(self._properties.decoder(prop, null=True), {}, self._names)  # noqa: S307 - our own text
        check = eval(self._properties.check(prop, places), {}, self._names)  # noqa: S307
        try:
            made = decode(value)
        except EventStreamerValidationError as error:
            raise within(where, error) from None
        _refuse_unknown(made, where)
        check(made, where)

    def model(self, name: str, value: Any) -> Model:
        """Try the fields of a model, and make what passes for one of its instances."""
        if not isinstance(value, Mapping):
            raise invalid("", f"must be a JSON object, got {checks.shown(value)}")
        model = self._properties.models[name]
        given = dict(value)
        for prop in [*(model.required_properties or []), *(model.optional_properties or [])]:
            wire = self._rules.wire_name(prop)
            if wire in given:
                self.try_out(prop, given.pop(wire), [], f"{name}.{wire}")
            elif prop.required:
                raise invalid(f"{name}.{wire}", "is missing")
        made: Any = type(name, (Model,), {})()
        made.additional_properties = given
        return made  # type: ignore[no-any-return]


def _as_scalar(prop: PropertyProtocol, value: Any) -> Any:
    """Take a number that is written as text for a number, and the reverse, as openapi-python-client does."""
    if isinstance(prop, StringProperty) and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(prop, BooleanProperty) and isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), value)
    if isinstance(prop, IntProperty | FloatProperty) and isinstance(value, str):
        try:
            return int(value) if isinstance(prop, IntProperty) else float(value)
        except ValueError:
            return value
    return value


class _Names(dict[str, Any]):
    """The names that such text uses: the modules, and something in the place of each class."""

    def __init__(self, defaults: Defaults) -> None:
        super().__init__(_check=checks, _read=reading)
        self._defaults = defaults

    def __missing__(self, name: str) -> Any:
        methods = {
            "from_dict": staticmethod(lambda value: self._defaults.model(name, value)),
            # An enum's check takes the value as well as the member.
            "arrived": staticmethod(lambda value: value),
        }
        self[name] = type(name, (), methods)
        return self[name]


def _refuse_unknown(made: Any, where: str) -> None:
    """Refuse what is kept when it arrives though the document doesn't know it."""
    if isinstance(made, Unknown):
        raise invalid(where, f"is not a value that the schema allows: {checks.shown(made.value)}")
    held = made.values() if isinstance(made, dict) else made if isinstance(made, list) else ()
    for each in held:
        _refuse_unknown(each, where)
