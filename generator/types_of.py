"""
What a value is in Python: its type, and its check.

What kind of value it is, and what its class is called, is openapi-python-client's business: everything in
here starts from a property that it has parsed. A kind that isn't listed is written as openapi-python-client
has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from document import Document, tokens
from parsed import (
    ANY_ADDITIONAL_PROPERTY,
    AnyProperty,
    BooleanProperty,
    ConstProperty,
    DateProperty,
    DateTimeProperty,
    EnumProperty,
    FileProperty,
    FloatProperty,
    IntProperty,
    ListProperty,
    ModelProperty,
    NoneProperty,
    PropertyProtocol,
    StringProperty,
    UnionProperty,
    UuidProperty,
)
from rules import ARRAY, NUMBER, OBJECT, TEXT, Rules

_HINTS: dict[type, str] = {
    AnyProperty: "Any",
    BooleanProperty: "bool",
    DateProperty: "datetime.date",
    DateTimeProperty: "datetime.datetime",
    FileProperty: "File",
    FloatProperty: "float",
    IntProperty: "int",
    NoneProperty: "None",
    StringProperty: "str",
    UuidProperty: "UUID",
}
_CHECKS: dict[type, str] = {
    AnyProperty: "anything()",
    BooleanProperty: "boolean()",
    DateProperty: "day()",
    DateTimeProperty: "moment()",
    FileProperty: "file()",
    NoneProperty: "nothing()",
    UuidProperty: "uuid()",
}


class Types:
    """
    Writes types and checks as source text.

    The text calls the module `checks` of the generated package `_check`, so that no field or argument can
    hide one of its functions.

    Attributes:
        models: What openapi-python-client has parsed of each model, by the name of its class.
    """

    def __init__(self, document: Document, rules: Rules, models: Iterable[ModelProperty]) -> None:
        self.document = document
        self.rules = rules
        self.models = {str(model.class_info.name): model for model in models}
        self._by_place = {place: name for name, model in self.models.items() if (place := place_of(model))}

    def is_map(self, prop: PropertyProtocol) -> bool:
        """Whether a property is an object without a name and without fields, so a dict and not a class."""
        if not isinstance(prop, ModelProperty) or prop.data.properties or prop.data.allOf:
            return False
        place = place_of(prop)
        return place is not None and not (
            len(tokens(place)) == 3 and place.startswith("/components/schemas/")
        )

    def hint(self, prop: PropertyProtocol) -> str:
        """Get the type of a property, with `None` where null is allowed."""
        return or_none(self.bare_hint(prop)) if self.nullable(prop) else self.bare_hint(prop)

    def bare_hint(self, prop: PropertyProtocol) -> str:
        """Get the type of a property without `None`."""
        if self.odd_values(prop) is not None:
            return "Any"
        match prop:
            case UnionProperty():
                members = self.members(prop)
                if len(members) < 2:
                    return self.bare_hint(members[0]) if members else "None"
                hints = list(dict.fromkeys(self.bare_hint(member) for member in members))
                return "Any" if "Any" in hints else " | ".join([*hints, "Unknown"])
            case ListProperty():
                return f"list[{self.hint(prop.inner_property)}]"
            case ModelProperty() if self.is_map(prop):
                return f"dict[str, {self.hint(self.values_of_map(prop))}]"
            case ConstProperty() if isinstance(prop.value.raw_value, float):
                return "float"
        known = _HINTS.get(type(prop))
        return known or prop.get_type_string(no_optional=True).as_unembedded_code()

    def nullable(self, prop: PropertyProtocol) -> bool:
        """Whether a value may be null."""
        if isinstance(prop, UnionProperty):
            return any(isinstance(member, NoneProperty) for member in prop.inner_properties)
        return isinstance(prop, AnyProperty | NoneProperty)

    def members(self, prop: PropertyProtocol) -> list[PropertyProtocol]:
        """Get the members of a union besides null; of anything else, itself."""
        if not isinstance(prop, UnionProperty):
            return [prop]
        return [member for member in prop.inner_properties if not isinstance(member, NoneProperty)]

    def check(self, prop: PropertyProtocol, places: Iterable[str] = (), *, null: bool = True) -> str:
        """
        Write the check of a value.

        Args:
            prop: The value.
            places: Where it is described, besides its own schema.
            null: Whether null passes where it is allowed.

        Returns:
            An expression.
        """
        own = place_of(prop)
        places = [*places, *([own] if own else [])]
        odd = self.odd_values(prop, places)
        written = self._check(prop, places)
        if odd is not None:
            written = f"_check.one_of({odd!r}, {written})"
        if null and self.nullable(prop) and written not in ("_check.anything()", "_check.nothing()"):
            written = f"_check.nullable({written})"
        return written

    def _check(self, prop: PropertyProtocol, places: list[str]) -> str:
        match prop:
            case UnionProperty():
                members = self.members(prop)
                if len(members) < 2:
                    return self.check(members[0], places) if members else "_check.nothing()"
                kinds = " or ".join(dict.fromkeys(self._word(member) for member in members))
                return (
                    f"_check.any_of({', '.join([repr(kinds), *(self.check(member) for member in members)])})"
                )
            case ListProperty():
                limits = self.rules.limits(places, ARRAY)
                return f"_check.array({joined(self.check(prop.inner_property), limits)})"
            case ModelProperty() if self.is_map(prop):
                limits = self.rules.limits(places, OBJECT)
                return f"_check.mapping({joined(self.check(self.values_of_map(prop)), limits)})"
            case ModelProperty():
                return f"_check.instance({str(prop.class_info.name)!r})"
            case EnumProperty():
                values = ", ".join(repr(value) for value in enum_values(prop).values())
                return f"_check.member({str(prop.class_info.name)!r}, {values})"
            case ConstProperty():
                return f"_check.constant({prop.value.raw_value!r})"
            case StringProperty():
                secret = "secret=True" if self.rules.value(places, "format") == "password" else ""
                return f"_check.text({joined(self.rules.limits(places, TEXT), secret)})"
            case IntProperty():
                return f"_check.integer({self.rules.limits(places, NUMBER)})"
            case FloatProperty():
                return f"_check.number({self.rules.limits(places, NUMBER)})"
        return f"_check.{_CHECKS.get(type(prop), 'anything()')}"

    def classes(self, prop: PropertyProtocol) -> Iterator[tuple[str, str]]:
        """Go through the classes that the type of a value names: module and class."""
        match prop:
            case UnionProperty():
                for member in prop.inner_properties:
                    yield from self.classes(member)
            case ListProperty():
                yield from self.classes(prop.inner_property)
            case ModelProperty() if self.is_map(prop):
                yield from self.classes(self.values_of_map(prop))
            case ModelProperty() | EnumProperty():
                yield str(prop.class_info.module_name), str(prop.class_info.name)

    def values_of_map(self, prop: ModelProperty) -> PropertyProtocol:
        """The values of a map."""
        known = self.models.get(str(prop.class_info.name), prop)
        values = known.additional_properties or prop.additional_properties
        return values if values is not None else ANY_ADDITIONAL_PROPERTY

    def odd_values(self, prop: PropertyProtocol, places: Iterable[str] = ()) -> list[object] | None:
        """The values of an enum or a constant that openapi-python-client makes no class of."""
        if isinstance(prop, EnumProperty | ConstProperty | UnionProperty | NoneProperty):
            return None
        place = place_of(prop)
        for node, _ in self.rules.nodes([*places, *([place] if place else [])]):
            if "const" in node:
                return [node["const"]]
            if "enum" in node:
                return [value for value in node["enum"] if value is not None]
        return None

    def _word(self, prop: PropertyProtocol) -> str:
        """What a member of a union is called in an error."""
        match prop:
            case ConstProperty():
                return repr(prop.value.raw_value)
            case EnumProperty():
                return " or ".join(repr(value) for value in enum_values(prop).values())
            case ListProperty():
                return "a list"
            case ModelProperty():
                return "a dict" if self.is_map(prop) else f"of the model {prop.class_info.name}"
        return {"str": "a string", "int": "an integer", "float": "a number", "bool": "True or False"}.get(
            self.bare_hint(prop), f"a {self.bare_hint(prop)}"
        )


def place_of(prop: PropertyProtocol) -> str | None:
    """Get the place of the schema that a property was made of."""
    place = prop.description.get_untrusted_value() if prop.description else ""
    return place if place.startswith("/") else None


def enum_values(prop: EnumProperty) -> dict[str, str | int]:
    """Get the values of an enum by the names of its members."""
    return {
        name: json.loads(f'"{value}"') if isinstance(value, str) else value
        for name, value in prop.values.items()
    }


def or_none(hint: str) -> str:
    """Add `None` to a type."""
    return hint if hint in ("Any", "None") or hint.endswith(" | None") else f"{hint} | None"


def joined(*parts: str) -> str:
    """Write arguments in a row, without those that are empty."""
    return ", ".join(part for part in parts if part)
