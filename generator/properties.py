"""
How a value is written in Python: its type, its check, and the way from and to JSON.

What kind of value it is, and what its class is called, is openapi-python-client's business: everything in
here starts from a property that it has parsed. A kind that isn't listed is written as openapi-python-client
has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from document import Document, Node, tokens
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
_DECODERS: dict[type, str] = {
    DateProperty: "to_date",
    DateTimeProperty: "to_datetime",
    FileProperty: "to_file",
    IntProperty: "to_integer",
    UuidProperty: "to_uuid",
}
_ENCODERS: dict[type, str] = {
    DateProperty: "{}.isoformat()",
    DateTimeProperty: "_send.to_iso({})",
    EnumProperty: "_send.plain({})",
    FileProperty: "_send.plain({})",
    UuidProperty: "str({})",
}
# Which member of a union is tried first: what can refuse a text before what takes any.
_TRIED_LAST = (FloatProperty, StringProperty, AnyProperty)


class Properties:
    """
    Writes values as source text.

    The text calls the modules `checks`, `reading` and `sending` of the generated package `_check`, `_read`
    and `_send`, so that no field or argument can hide one of their functions.

    Attributes:
        models: What openapi-python-client has parsed of each model, by the name of its class.
    """

    def __init__(self, document: Document, rules: Rules, models: Iterable[ModelProperty]) -> None:
        self._document = document
        self._rules = rules
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
        if self._odd_values(prop) is not None:
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
                return f"dict[str, {self.hint(self._values(prop))}]"
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
        odd = self._odd_values(prop, places)
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
                limits = self._rules.limits(places, ARRAY)
                return f"_check.array({_joined(self.check(prop.inner_property), limits)})"
            case ModelProperty() if self.is_map(prop):
                limits = self._rules.limits(places, OBJECT)
                return f"_check.mapping({_joined(self.check(self._values(prop)), limits)})"
            case ModelProperty():
                return f"_check.instance({str(prop.class_info.name)!r})"
            case EnumProperty():
                values = ", ".join(repr(value) for value in enum_values(prop).values())
                return f"_check.member({str(prop.class_info.name)!r}, {values})"
            case ConstProperty():
                return f"_check.constant({prop.value.raw_value!r})"
            case StringProperty():
                secret = "secret=True" if self._rules.value(places, "format") == "password" else ""
                return f"_check.text({_joined(self._rules.limits(places, TEXT), secret)})"
            case IntProperty():
                return f"_check.integer({self._rules.limits(places, NUMBER)})"
            case FloatProperty():
                return f"_check.number({self._rules.limits(places, NUMBER)})"
        return f"_check.{_CHECKS.get(type(prop), 'anything()')}"

    def decoder(self, prop: PropertyProtocol, *, null: bool = False) -> str:
        """
        Write the function that turns decoded JSON into a value.

        Args:
            prop: The value.
            null: Whether it has to take null by itself, where null is allowed.

        Returns:
            An expression.
        """
        written = self._decoder(prop)
        if null and self.nullable(prop) and written != "_read.as_is":
            return f"_read.or_null({written})"
        return written

    def _decoder(self, prop: PropertyProtocol) -> str:
        odd = self._odd_values(prop)
        if odd is not None:
            return f"_read.known_or_kept({', '.join(map(repr, odd))})"
        match prop:
            case UnionProperty():
                return self._union_decoder(prop)
            case ListProperty():
                return f"_read.list_of({self.decoder(prop.inner_property, null=True)})"
            case ModelProperty() if self.is_map(prop):
                return f"_read.map_of({self.decoder(self._values(prop), null=True)})"
            case ModelProperty():
                return f"{prop.class_info.name}.from_dict"
            case EnumProperty():
                kind = "text" if prop.value_type is str else "number"
                return f"_read.{kind}_enum({prop.class_info.name})"
            case ConstProperty() if isinstance(prop.value.raw_value, int):
                return "_read.to_integer"
        return f"_read.{_DECODERS.get(type(prop), 'as_is')}"

    def _union_decoder(self, prop: UnionProperty) -> str:
        members = self.members(prop)
        if len(members) < 2:
            return self.decoder(members[0]) if members else "_read.as_is"
        named = self._discriminated(prop, members)
        if named is not None:
            return named
        # A date before a time, which a date alone can be read as too.
        ordered = sorted(
            members,
            key=lambda member: (isinstance(member, _TRIED_LAST), not isinstance(member, DateProperty)),
        )
        decoders = [self._member_decoder(member, strict=True) for member in ordered]
        if not any(isinstance(member, StringProperty) for member in members):
            # A value that is new to an enum is rather that than a value of a new type.
            decoders += [
                self._member_decoder(each, strict=False) for each in ordered if isinstance(each, EnumProperty)
            ]
        return f"_read.union_of({', '.join(decoders)})"

    def _member_decoder(self, member: PropertyProtocol, *, strict: bool) -> str:
        decoder = self.decoder(member)
        if isinstance(member, ModelProperty) and not self.is_map(member):
            fixed = self._fixed_values(member)
            return f"_read.only_if({fixed!r}, {decoder})" if fixed else decoder
        if isinstance(member, EnumProperty) and strict:
            values = list(enum_values(member).values())
            return f"_read.only(_check.one_of({values!r}, _check.anything()), {decoder})"
        return f"_read.only({self.check(member)}, {decoder})"

    def _fixed_values(self, model: ModelProperty) -> dict[str, tuple[object, ...]]:
        """The fields of a model that can have one value alone, by which members of a union are told apart."""
        known = self.models.get(str(model.class_info.name), model)
        found: dict[str, tuple[object, ...]] = {}
        for prop in known.required_properties or []:
            if isinstance(prop, ConstProperty):
                found[self._rules.wire_name(prop)] = (prop.value.raw_value,)
            elif isinstance(prop, EnumProperty) and len(prop.values) == 1:
                found[self._rules.wire_name(prop)] = tuple(enum_values(prop).values())
        return found

    def _discriminated(self, prop: UnionProperty, members: list[PropertyProtocol]) -> str | None:
        found = self._discriminator(place_of(prop))
        if found is None or not all(
            isinstance(each, ModelProperty) and not self.is_map(each) for each in members
        ):
            return None
        node, place = found
        classes = {str(each.class_info.name) for each in members if isinstance(each, ModelProperty)}
        name, named = self._mapping(node, place)
        # Without a mapping the name of the schema is the value (OpenAPI 3.1.1, section 4.8.25).
        by_name = {
            tokens(at)[-1]: each
            for at, each in self._by_place.items()
            if each in classes and len(tokens(at)) == 3
        }
        decoders = {**{key: each for key, each in by_name.items() if each not in named.values()}, **named}
        written = ", ".join(f"{key!r}: {each}.from_dict" for key, each in decoders.items() if each in classes)
        if not written:
            return None
        # The discriminator of a base class: a value that is new is at least of that.
        is_base = not node.get("oneOf") and not node.get("anyOf")
        first = members[0]
        base = f", {first.class_info.name}.from_dict" if is_base and isinstance(first, ModelProperty) else ""
        return f"_read.discriminated({name!r}, {{{written}}}{base})"

    def _discriminator(self, place: str | None) -> tuple[Node, str] | None:
        """Find the schema with the discriminator of a union, which may be its only member besides null."""
        places = [place] if place else []
        for each, where in self._rules.nodes(places):
            for key in ("anyOf", "oneOf"):
                members = each.get(key) or []
                others = [index for index, member in enumerate(members) if member != {"type": "null"}]
                places += [f"{where}/{key}/{others[0]}"] if len(others) == 1 else []
        return next((found for found in self._rules.nodes(places) if "discriminator" in found[0]), None)

    def _mapping(self, node: Node, place: str) -> tuple[str, dict[str, str]]:
        discriminator = self._document.mapping(node["discriminator"], f"{place}/discriminator")
        if not isinstance(discriminator.get("propertyName"), str):
            raise self._document.wrong(f"{place}/discriminator", "`propertyName` is missing")
        named = {}
        for value, reference in (discriminator.get("mapping") or {}).items():
            target = str(reference)
            if "#" not in target:
                target = f"#/components/schemas/{target}"
            at = self._document.target(target, f"{place}/discriminator/mapping/{value}")
            if at in self._by_place:
                named[value] = self._by_place[at]
        return discriminator["propertyName"], named

    def encoded(
        self, prop: PropertyProtocol, value: str, *, argument: str = "include_none=include_none"
    ) -> str:
        """
        Write the way of a value to JSON.

        Args:
            prop: The value, which is not None.
            value: The expression that holds it.
            argument: What `to_dict` of a model is given.

        Returns:
            An expression.
        """
        if self._odd_values(prop) is not None:
            return f"_send.plain({value})"
        match prop:
            case UnionProperty():
                members = self.members(prop)
                if len(members) == 1:
                    return self.encoded(members[0], value, argument=argument)
                return f"_send.plain({_joined(value, argument)})" if members else value
            case ListProperty():
                item = self._nested(prop.inner_property, "item", argument)
                return f"list({value})" if item == "item" else f"[{item} for item in {value}]"
            case ModelProperty() if self.is_map(prop):
                # Maps in maps need a name for each level.
                depth = value.count("inner")
                key, inner = f"key{depth}", f"inner{depth}"
                item = self._nested(self._values(prop), inner, argument)
                if item == inner:
                    return f"dict({value})"
                return f"{{{key}: {item} for {key}, {inner} in {value}.items()}}"
            case ModelProperty():
                return f"{value}.to_dict({argument})"
        return _ENCODERS.get(type(prop), "{}").format(value)

    def _nested(self, prop: PropertyProtocol, value: str, argument: str) -> str:
        written = self.encoded(prop, value, argument=argument)
        if written != value and self.nullable(prop):
            return f"(None if {value} is None else {written})"
        return written

    def classes(self, prop: PropertyProtocol) -> Iterator[tuple[str, str]]:
        """Go through the classes that the type of a value names: module and class."""
        match prop:
            case UnionProperty():
                for member in prop.inner_properties:
                    yield from self.classes(member)
            case ListProperty():
                yield from self.classes(prop.inner_property)
            case ModelProperty() if self.is_map(prop):
                yield from self.classes(self._values(prop))
            case ModelProperty() | EnumProperty():
                yield str(prop.class_info.module_name), str(prop.class_info.name)

    def _values(self, prop: ModelProperty) -> PropertyProtocol:
        """The values of a map."""
        known = self.models.get(str(prop.class_info.name), prop)
        values = known.additional_properties or prop.additional_properties
        return values if values is not None else ANY_ADDITIONAL_PROPERTY

    def _odd_values(self, prop: PropertyProtocol, places: Iterable[str] = ()) -> list[object] | None:
        """The values of an enum or a constant that openapi-python-client makes no class of."""
        if isinstance(prop, EnumProperty | ConstProperty | UnionProperty | NoneProperty):
            return None
        place = place_of(prop)
        for node, _ in self._rules.nodes([*places, *([place] if place else [])]):
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
    return hint if hint in ("Any", "None") else f"{hint} | None"


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
