"""
Writes schemas anew for openapi-python-client: each carries its place, and nothing else is added.

openapi-python-client keeps of a schema what its own templates need: names and types, but no limits. One thing
it hands on untouched is the description. So each description is replaced by the schema's place, and whoever
holds a parsed property knows which schema of the document it was made of.

The rest is in here because openapi-python-client 0.29.1 stops or drops something where OpenAPI allows more.
Each such rewriting says the same in words that it takes; what it changes is told in `notices`.
"""

from __future__ import annotations

import keyword
from typing import Any

from document import ANNOTATIONS, Document, Node, escaped, tokens
from intersections import Intersections
from kinds import FORMATS, UNIONS, Kinds
from names import enum_names, referable, without_clashes

# These formats say nothing that has to be enforced: the type does, or openapi-python-client by itself.
_QUIET_FORMATS = {*FORMATS, "int32", "int64", "float", "double", "password", "byte"}
_SIMPLE = ("string", "integer", "number", "boolean")
# What the rules read, or what openapi-python-client does by itself.
_KNOWN = frozenset(
    {
        *("$ref", "type", "format", "enum", "const", "properties", "required", "additionalProperties"),
        *("items", "prefixItems", "allOf", "anyOf", "oneOf", "discriminator", "minimum", "maximum"),
        *("exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern", "minLength", "maxLength"),
        *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", *ANNOTATIONS),
    }
)


class Schemas:
    """
    The schemas of a document as openapi-python-client takes them.

    Attributes:
        kinds: What the document says of them.
        component_names: The names that the named schemas have here.
        notices: What is not enforced, by place.
        ambiguous: The places of schemas that share a type with another one of the same union: which one's
            limits hold for a value, nobody can say before having tried.
        wire_names: The names of fields that had to get another one, by that one.
    """

    def __init__(self, document: Document, titles: dict[str, str], loosened: dict[str, str]) -> None:
        """
        Get ready.

        Args:
            document: The document.
            titles: Other names for classes, by place, where openapi-python-client would give one twice.
            loosened: What openapi-python-client said of the schemas, by place, that it can't express.
        """
        self._document = document
        self.kinds = Kinds(document)
        self._intersections = Intersections(document, self.kinds, self)
        self._titles = titles
        self._loosened = loosened
        self._inlining: list[str] = []
        components = document.root.get("components")
        schemas = components.get("schemas") if isinstance(components, dict) else None
        self.component_names = referable(schemas if isinstance(schemas, dict) else ())
        self.notices: dict[str, list[str]] = {}
        self.ambiguous: set[str] = set()
        self.wire_names: dict[str, str] = {}

    def notice(self, place: str, text: str) -> None:
        """Remember that a rule isn't enforced."""
        place = self._document.owner(place)
        told = self.notices.setdefault(place, [])
        if text not in told:
            told.append(text)

    def component(self, node: Any, place: str) -> Node:
        """Write a named schema. That it may be null is said where it is used, so that it keeps its name."""
        return self.schema(node, place, nullable=not self.kinds.becomes_class(place))

    def schema(self, node: Any, place: str, *, nullable: bool = True) -> Node:
        """
        Write a schema.

        Args:
            node: The schema.
            place: Where it stands.
            nullable: Whether its null is written too.

        Returns:
            A new schema.

        Raises:
            DocumentError: If the schema is wrong.
        """
        if node is False:
            self.notice(place, "`false` isn't enforced: no value is allowed here")
            return {"description": place}
        if isinstance(node, dict) and node.get("enum") == []:
            self.notice(place, "`enum` isn't enforced: it holds no value")
        node = self._document.schema(node, place)
        self._look_through(node, place)
        if place in self._loosened:
            self.notice(place, f"the type isn't enforced: {self._loosened[place]}")
            return {"description": place}
        if isinstance(node.get("$ref"), str):
            return self.reference(node, place)
        written: Node = {"description": place}
        if place in self._titles:
            written["title"] = self._titles[place]
        elif isinstance(node.get("title"), str):
            written["title"] = node["title"]
        types = self.kinds.types(node, place)
        kinds = [kind for kind in types if kind != "null"]
        null = "null" in types and nullable
        if self._closed(written, node, kinds) or self._enumerated(written, node, kinds, place):
            return self._or_null(written, place) if null else written
        if self._combined(written, node, kinds, place):
            return self._or_null(written, place) if null else written
        self.typed(written, node, kinds, place)
        if not null:
            return written
        if ("object" in kinds and len(kinds) == 1) or "allOf" in written:
            return self._or_null(written, place)
        written["type"] = [*kinds, "null"]
        return written

    def _or_null(self, written: Node, place: str) -> Node:
        """Write a class that may be null, under the name that it has when it may not."""
        if set(written) == {"description"}:
            return written
        for key in UNIONS:
            if key in written:
                return {**written, key: [*written[key], {"type": "null", "description": place}]}
        key = tokens(place)[-1]
        named = "properties" in written or "enum" in written or written.get("type") == "object"
        if named and "title" not in written and not key.isdigit() and key not in ("items", "schema"):
            written = {**written, "title": key}
        return {"description": place, "anyOf": [written, {"type": "null", "description": place}]}

    def _named_reference(self, place: str) -> str:
        return f"#/components/schemas/{self.component_names[tokens(place)[-1]]}"

    def reference(self, node: Node, place: str, *, inherits: bool = False) -> Node:
        """Write a `$ref`. One to something else than a named schema is written out."""
        target = self._document.target(node["$ref"], place)
        parts = tokens(target)
        meant = self._document.schema(self._document.at(target), target)
        if parts[:2] == ["components", "schemas"] and len(parts) == 3:
            self._document.followed(node, place)
            # Of another name of a class, openapi-python-client makes the classes of its fields twice.
            named, target = target, self.kinds.meant_by(target)
            if self.kinds.closes_circle(target, place):
                self.notice(place, "what it holds isn't enforced: the schema holds itself without an object")
                return {"description": place}
            written: Node = {"$ref": self._named_reference(target)}
            heirs = [] if inherits else self.kinds.heirs(target)
            if heirs:
                # What is said to be of a base class is of one of those that inherit from it.
                several = [written, *({"$ref": self._named_reference(heir)} for heir in heirs)]
                written = {"description": place, "oneOf": several}
            stripped = self.kinds.becomes_class(target) and any(
                "null" in self.kinds.types(self.kinds.mapping(self._document.at(at), at), at)
                for at in (named, target)
            )
        elif target in self._inlining:
            raise self._document.wrong(
                place, "the $ref leads in a circle: give the schema a name in components"
            )
        else:
            self._inlining.append(target)
            written, stripped = self.schema(meant, target), False
            self._inlining.pop()
        if stripped or node.get("nullable") is True:
            return self._or_null({"anyOf": [written], "description": place}, place)
        return written

    def _closed(self, written: Node, node: Node, kinds: list[str]) -> bool:
        """Write a `const`."""
        if "const" not in node:
            return False
        if isinstance(node["const"], str | int):  # bool is an int
            written["const"] = node["const"]
        elif len(kinds) == 1 and kinds[0] not in ("object", "array"):
            written["type"] = kinds[0]
        return True

    def _enumerated(self, written: Node, node: Node, kinds: list[str], place: str) -> bool:
        """Write an `enum`. One that no class can be made of keeps its type; its values are checked."""
        if "enum" not in node:
            return False
        listed = self.kinds.listed(node["enum"], f"{place}/enum")
        values = [self._enum_value(value, kinds, place) for value in listed if value is not None]
        values = [value for index, value in enumerate(values) if value not in values[:index]]
        if values and ({type(value) for value in values} in ({str}, {int})):
            written["type"] = "string" if isinstance(values[0], str) else "integer"
            written["enum"] = values
            written["x-enum-varnames"] = enum_names(values, node.get("x-enum-varnames"))
        elif not values:
            written["type"] = "null"
        elif len(kinds) == 1 and kinds[0] in _SIMPLE:
            written["type"] = kinds[0]
        return True

    def _enum_value(self, value: Any, kinds: list[str], place: str) -> Any:
        """Get a value of an enum; of one of strings, as YAML has it where its quotes were forgotten."""
        if kinds == ["string"] and isinstance(value, int | float):
            text = str(value).lower() if isinstance(value, bool) else str(value)
            self.notice(place, f"the value {value!r} of `enum` is taken for the text {text!r}")
            return text
        if kinds == ["integer"] and (not isinstance(value, int) or isinstance(value, bool)):
            raise self._document.wrong(place, f"`enum` holds {value!r}, which is not an integer")
        return value

    def _combined(self, written: Node, node: Node, kinds: list[str], place: str) -> bool:
        """Write `allOf`, `anyOf` and `oneOf`."""
        if node.get("allOf"):
            self._intersections.write(written, node, place)
            return True
        for key in ("oneOf", "anyOf"):
            alternatives = self.kinds.alternatives(node, key, place)
            if alternatives:
                other = "anyOf" if key == "oneOf" else "oneOf"
                if self.kinds.alternatives(node, other, place):
                    self.notice(place, f"`{other}` beside `{key}` isn't enforced")
                self._look_for_doubles(node[key], f"{place}/{key}")
                written[key] = [self._alternative(node, place, kinds, key, index) for index in alternatives]
                return True
        return False

    def _alternative(self, node: Node, place: str, kinds: list[str], key: str, index: int) -> Node:
        member, where = node[key][index], f"{place}/{key}/{index}"
        written = self.schema(member, where)
        meant, _ = self._document.followed(member, where) if isinstance(member, dict) else ({}, where)
        if "properties" in node and ("properties" in meant or "allOf" in meant):
            # What stands next to the union applies to each of its members.
            own: Node = {"description": place}
            self.typed(own, {**node, "allOf": []}, ["object"], place)
            beside = {
                "properties": own.get("properties", {}),
                "required": own.get("required", []),
                "type": "object",
            }
            return {"description": where, "allOf": [beside, written]}
        if len(kinds) == 1 and not {"type", "$ref", "anyOf", "oneOf", "allOf", "const", "enum"} & set(
            written
        ):
            self.typed(written, {**node, **meant}, kinds, where)
        return written

    def _look_for_doubles(self, members: list[Any], place: str) -> None:
        """Find members of a union that have the same type: openapi-python-client keeps one of them."""
        seen: dict[str, str] = {}
        for index, member in enumerate(members):
            kinds, at = self.kinds.shared_types(member, f"{place}/{index}")
            for kind in kinds:
                if kind in seen:
                    self.ambiguous |= {seen[kind], at}
                    self.notice(
                        at, f"the limits aren't enforced: another member of the union is of type {kind} too"
                    )
                seen.setdefault(kind, at)

    def typed(self, written: Node, node: Node, kinds: list[str], place: str) -> None:
        """Write what belongs to the types of a schema."""
        if kinds:
            written["type"] = kinds[0] if len(kinds) == 1 else kinds
        if "string" in kinds and node.get("format") in FORMATS:
            written["format"] = node["format"]
        if "object" in kinds:
            self._object(written, node, place)
        if "array" in kinds:
            prefix = self.kinds.listed(node.get("prefixItems"), f"{place}/prefixItems")
            if prefix:
                self.notice(place, "the order of `prefixItems` isn't enforced")
                where = f"{place}/prefixItems"
                written["prefixItems"] = [
                    self.schema(item, f"{where}/{index}") for index, item in enumerate(prefix)
                ]
            if "items" not in node and not prefix:
                written["items"] = {}
            elif node.get("items", False) is not False:
                written["items"] = self.schema(node["items"], f"{place}/items")

    def _object(self, written: Node, node: Node, place: str) -> None:
        properties = self.kinds.mapping(given(node.get("properties")), f"{place}/properties")
        required = self.kinds.required(node, place)
        self.fields(
            written,
            {name: (each, f"{place}/properties/{escaped(name)}") for name, each in properties.items()},
            required,
        )
        if "allOf" not in node and "/allOf/" not in place:
            for name in required:
                if name not in properties and properties:
                    self.notice(
                        place, f"`required: {name}` isn't enforced: no property of this name is described"
                    )
        self.more_fields(written, node, place)

    def fields(self, written: Node, declared: dict[str, tuple[Any, str]], required: list[str]) -> None:
        """
        Write the fields of an object.

        Args:
            written: The object that is being written.
            declared: Each field's schema and its place, by the name on the wire.
            required: The names of those that have to be there.
        """
        keys = without_clashes(declared)
        self.wire_names |= {key: name for name, key in keys.items() if key != name}
        written["properties"] = {keys[name]: self.schema(*each) for name, each in declared.items()}
        written["required"] = [keys.get(name, name) for name in required]

    def more_fields(self, written: Node, node: Node, place: str) -> None:
        """Write what an object allows besides its fields."""
        more = node.get("additionalProperties")
        if "patternProperties" in node:
            return  # what it says is of names that fit no pattern
        if isinstance(more, bool):
            written["additionalProperties"] = more
        elif more is not None:
            written["additionalProperties"] = self.schema(more, f"{place}/additionalProperties")

    def _look_through(self, node: Node, place: str) -> None:
        """Refuse what is wrong of a schema by itself, and tell of what no rule is made."""
        if not isinstance(node.get("$ref", ""), str):
            raise self._document.wrong(place, f"`$ref` must be text, not {node['$ref']!r}")
        self.kinds.required(node, place)
        self.flags(node, ("nullable", "deprecated"), place)
        self.named(node, "x-python-name", place)
        if node.get("discriminator") is not None:
            discriminator = self.kinds.mapping(node["discriminator"], f"{place}/discriminator")
            if not isinstance(discriminator.get("propertyName"), str):
                raise self._document.wrong(f"{place}/discriminator", "`propertyName` is missing")
            self.kinds.mapping(given(discriminator.get("mapping")), f"{place}/discriminator/mapping")
        for key in node:
            if key not in _KNOWN and not key.startswith("x-"):
                self.notice(place, f"`{key}` isn't enforced")
        style = node.get("format")
        if isinstance(style, str) and style not in _QUIET_FORMATS:
            self.notice(place, f"`format: {style}` isn't enforced")

    def flags(self, node: Node, keys: tuple[str, ...], place: str) -> None:
        """Refuse what must be true or false, and isn't."""
        for key in keys:
            if not isinstance(node.get(key, False), bool):
                raise self._document.wrong(place, f"`{key}` must be true or false, not {node[key]!r}")

    def named(self, node: Node, key: str, place: str) -> None:
        """Refuse a name for Python that isn't one."""
        name = node.get(key, "name")
        if not (isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)):
            raise self._document.wrong(place, f"`{key}` must be a name that Python allows, not {name!r}")


def given(node: Any) -> Any:
    """What stands in a document, where an empty key of YAML means that nothing does."""
    return {} if node is None else node
