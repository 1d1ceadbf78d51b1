"""
The way of a value from and to JSON.

Like its type and its check (`types_of`), it follows from the property that openapi-python-client has parsed.
"""

from __future__ import annotations

from document import Node, tokens
from parsed import (
    AnyProperty,
    ConstProperty,
    DateProperty,
    DateTimeProperty,
    EnumProperty,
    FileProperty,
    FloatProperty,
    IntProperty,
    ListProperty,
    ModelProperty,
    PropertyProtocol,
    StringProperty,
    UnionProperty,
    UuidProperty,
)
from types_of import Types, enum_values, joined, place_of

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


class Properties(Types):
    """
    Writes values as source text: their types and checks, and how they are read and written.

    The text calls the modules `checks`, `reading` and `sending` of the generated package `_check`, `_read`
    and `_send`, so that no field or argument can hide one of their functions.
    """

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
        odd = self.odd_values(prop)
        if odd is not None:
            return f"_read.known_or_kept({', '.join(map(repr, odd))})"
        match prop:
            case UnionProperty():
                return self._union_decoder(prop)
            case ListProperty():
                return f"_read.list_of({self.decoder(prop.inner_property, null=True)})"
            case ModelProperty() if self.is_map(prop):
                return f"_read.map_of({self.decoder(self.values_of_map(prop), null=True)})"
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
                found[self.rules.wire_name(prop)] = (prop.value.raw_value,)
            elif isinstance(prop, EnumProperty) and len(prop.values) == 1:
                found[self.rules.wire_name(prop)] = tuple(enum_values(prop).values())
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
        for each, where in self.rules.nodes(places):
            for key in ("anyOf", "oneOf"):
                members = each.get(key) or []
                others = [index for index, member in enumerate(members) if member != {"type": "null"}]
                places += [f"{where}/{key}/{others[0]}"] if len(others) == 1 else []
        return next((found for found in self.rules.nodes(places) if "discriminator" in found[0]), None)

    def _mapping(self, node: Node, place: str) -> tuple[str, dict[str, str]]:
        discriminator = node["discriminator"]
        named = {}
        for value, reference in (discriminator.get("mapping") or {}).items():
            target = str(reference)
            if "#" not in target:
                target = f"#/components/schemas/{target}"
            at = self.document.target(target, f"{place}/discriminator/mapping/{value}")
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
        if self.odd_values(prop) is not None:
            return f"_send.plain({value})"
        match prop:
            case UnionProperty():
                members = self.members(prop)
                if len(members) == 1:
                    return self.encoded(members[0], value, argument=argument)
                return f"_send.plain({joined(value, argument)})" if members else value
            case ListProperty():
                item = self._nested(prop.inner_property, "item", argument)
                return f"list({value})" if item == "item" else f"[{item} for item in {value}]"
            case ModelProperty() if self.is_map(prop):
                # Maps in maps need a name for each level.
                depth = value.count("inner")
                key, inner = f"key{depth}", f"inner{depth}"
                item = self._nested(self.values_of_map(prop), inner, argument)
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
