"""
Writes schemas anew for openapi-python-client: each carries its place, and nothing else is added.

openapi-python-client keeps of a schema what its own templates need: names and types, but no limits. One thing
it hands on untouched is the description. So each description is replaced by the schema's place, and whoever
holds a parsed property knows which schema of the document it was made of.

The rest is in here because openapi-python-client 0.29.1 stops or drops something where OpenAPI allows more.
Each such rewriting says the same in words that it takes; what it changes is told in `notices`.
"""

from __future__ import annotations

from typing import Any

from document import ANNOTATIONS, Document, Node, escaped, tokens
from names import enum_names, without_clashes

_TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
_FORMATS = ("date", "date-time", "uuid", "binary")
# These formats say nothing that has to be enforced: the type does, or openapi-python-client by itself.
_QUIET_FORMATS = {*_FORMATS, "int32", "int64", "float", "double", "password", "byte"}
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
        self._titles = titles
        self._loosened = loosened
        self._inlining: list[str] = []
        self.notices: dict[str, list[str]] = {}
        self.ambiguous: set[str] = set()
        self.wire_names: dict[str, str] = {}

    def notice(self, place: str, text: str) -> None:
        """Remember that a rule isn't enforced."""
        told = self.notices.setdefault(place, [])
        if text not in told:
            told.append(text)

    def component(self, node: Any, place: str) -> Node:
        """Write a named schema. That it may be null is said where it is used, so that it keeps its name."""
        return self.schema(node, place, nullable=not self._becomes_class(place))

    def _becomes_class(self, place: str) -> bool:
        """Whether openapi-python-client makes one class of a schema, as of an object or an enum."""
        node = self._document.schema(self._document.at(place), place)
        types = self._types(node, place)
        if len([kind for kind in types if kind != "null"]) > 1 or "$ref" in node:
            return False
        union = [self._alternatives(node, key, place) for key in ("anyOf", "oneOf")]
        return not any(union) and bool(
            "enum" in node or "properties" in node or "allOf" in node or "object" in types
        )

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
        node = self._document.schema(node, place)
        self._look_through(node, place)
        if place in self._loosened:
            self.notice(place, f"the type isn't enforced: {self._loosened[place]}")
            return {"description": place}
        if isinstance(node.get("$ref"), str):
            return self._reference(node, place)
        written: Node = {"description": place}
        if place in self._titles:
            written["title"] = self._titles[place]
        elif isinstance(node.get("title"), str):
            written["title"] = node["title"]
        types = self._types(node, place)
        kinds = [kind for kind in types if kind != "null"]
        null = "null" in types and nullable
        if self._closed(written, node, kinds) or self._enumerated(written, node, kinds, place):
            return self._or_null(written, place) if null else written
        if self._combined(written, node, kinds, place):
            return self._or_null(written, place) if null else written
        self._typed(written, node, kinds, place)
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
        for key in ("anyOf", "oneOf"):
            if key in written:
                return {**written, key: [*written[key], {"type": "null", "description": place}]}
        key = tokens(place)[-1]
        named = "properties" in written or "enum" in written or written.get("type") == "object"
        if named and "title" not in written and not key.isdigit() and key not in ("items", "schema"):
            written = {**written, "title": key}
        return {"description": place, "anyOf": [written, {"type": "null", "description": place}]}

    def _reference(self, node: Node, place: str, *, inherits: bool = False) -> Node:
        """Write a `$ref`. One to something else than a named schema is written out."""
        target = self._document.target(node["$ref"], place)
        parts = tokens(target)
        meant = self._document.schema(self._document.at(target), target)
        if parts[:2] == ["components", "schemas"] and len(parts) == 3:
            self._document.followed(node, place)
            if self._closes_circle(target, place):
                self.notice(place, "what it holds isn't enforced: the schema holds itself without an object")
                return {"description": place}
            written: Node = {"$ref": f"#{target}"}
            heirs = [] if inherits else self._heirs(target)
            if heirs:
                # What is said to be of a base class is of one of those that inherit from it.
                several = [written, *({"$ref": f"#{heir}"} for heir in heirs)]
                written = {"description": place, "oneOf": several}
            stripped = self._becomes_class(target) and "null" in self._types(meant, target)
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

    def _heirs(self, base: str) -> list[str]:
        """Find what inherits from a schema with a discriminator (OpenAPI 3.1.1, section 4.8.25)."""
        if not any(
            "discriminator" in node and not self._is_union(node, at)
            for node, at in self._document.rules(base)
        ):
            return []
        found = []
        for name in self._document.at("/components/schemas"):
            place = f"/components/schemas/{escaped(name)}"
            node = self._document.schema(self._document.at(place), place)
            # An `allOf` of one alone is another name of it.
            inherits = node.get("allOf") and (
                len(node["allOf"]) > 1 or {"properties", "required"} & set(node)
            )
            if inherits and place != base and base in [at for _, at in self._document.rules(place)]:
                found.append(place)
        return found

    def _closes_circle(self, target: str, place: str) -> bool:
        """Whether a list or map holds itself by a `$ref`: a type of Python can't, only a class can."""
        owner = tokens(place)[:3]
        if owner[:2] != ["components", "schemas"] or "properties" in tokens(place)[3:]:
            return False
        goal, seen, waiting = f"/components/schemas/{escaped(owner[2])}", set[str](), [target]
        while waiting:
            at = waiting.pop()
            if at in seen or self._becomes_class(at):
                continue
            if at == goal:
                return True
            seen.add(at)
            waiting += self._named_within(self._document.at(at))
        return False

    def _named_within(self, node: Any) -> list[str]:
        """Find the named schemas that a schema is made of, up to those that a class holds."""
        if isinstance(node, list):
            return [name for each in node for name in self._named_within(each)]
        if not isinstance(node, dict) or "properties" in node:
            return []
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/components/schemas/"):
            return [reference[1:]] if reference.count("/") == 3 else []
        held = ("items", "prefixItems", "additionalProperties", "allOf", "anyOf", "oneOf")
        return [name for key in held for name in self._named_within(node.get(key))]

    def _types(self, node: Node, place: str) -> list[str]:
        declared = node.get("type", [])
        types = [declared] if isinstance(declared, str) else list(self._list(declared, f"{place}/type"))
        for kind in types:
            if kind not in _TYPES:
                raise self._document.wrong(
                    place, f"{kind!r} is not a type: it must be one of {', '.join(_TYPES)}"
                )
        if not types and "enum" not in node and "const" not in node:
            implied = {"object": ("properties", "additionalProperties", "minProperties", "maxProperties"),
                       "array": ("items", "prefixItems")}  # fmt: skip
            union = node.get("anyOf") or node.get("oneOf") or node.get("allOf")
            types = [kind for kind, keys in implied.items() if not union and any(key in node for key in keys)]
        holds_null = isinstance(node.get("enum"), list) and None in node["enum"]
        if (node.get("nullable") is True or holds_null) and "null" not in types:
            types.append("null")
        return types

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
        listed = self._list(node["enum"], f"{place}/enum")
        values = [
            value for index, value in enumerate(listed) if value is not None and value not in listed[:index]
        ]
        if not listed:
            raise self._document.wrong(place, "`enum` must hold a value")
        if values and ({type(value) for value in values} in ({str}, {int})):
            written["type"] = "string" if isinstance(values[0], str) else "integer"
            written["enum"] = values
            written["x-enum-varnames"] = enum_names(values, node.get("x-enum-varnames"))
        elif not values:
            written["type"] = "null"
        elif len(kinds) == 1 and kinds[0] in _SIMPLE:
            written["type"] = kinds[0]
        return True

    def _combined(self, written: Node, node: Node, kinds: list[str], place: str) -> bool:
        """Write `allOf`, `anyOf` and `oneOf`."""
        if node.get("allOf"):
            return self._intersection(written, node, place)
        for key in ("oneOf", "anyOf"):
            alternatives = self._alternatives(node, key, place)
            if alternatives:
                other = "anyOf" if key == "oneOf" else "oneOf"
                if self._alternatives(node, other, place):
                    self.notice(place, f"`{other}` beside `{key}` isn't enforced")
                self._look_for_doubles(node[key], f"{place}/{key}")
                written[key] = [self._alternative(node, place, kinds, key, index) for index in alternatives]
                return True
        return False

    def _alternatives(self, node: Node, key: str, place: str) -> list[int]:
        """Find the members of a union that say something of a type; `required` alone is the object's rule."""
        members = self._list(node.get(key), f"{place}/{key}")
        return [
            index for index, member in enumerate(members)
            if not isinstance(member, dict) or set(member) - {"required"} - ANNOTATIONS or not member
        ]  # fmt: skip

    def _alternative(self, node: Node, place: str, kinds: list[str], key: str, index: int) -> Node:
        member, where = node[key][index], f"{place}/{key}/{index}"
        written = self.schema(member, where)
        meant, _ = self._document.followed(member, where) if isinstance(member, dict) else ({}, where)
        if "properties" in node and ("properties" in meant or "allOf" in meant):
            # What stands next to the union applies to each of its members.
            own: Node = {"description": place}
            self._typed(own, {**node, "allOf": []}, ["object"], place)
            beside = {
                "properties": own.get("properties", {}),
                "required": own.get("required", []),
                "type": "object",
            }
            return {"description": where, "allOf": [beside, written]}
        if len(kinds) == 1 and not {"type", "$ref", "anyOf", "oneOf", "allOf", "const", "enum"} & set(
            written
        ):
            self._typed(written, {**node, **meant}, kinds, where)
        return written

    def _look_for_doubles(self, members: list[Any], place: str) -> None:
        """Find members of a union that have the same type: openapi-python-client keeps one of them."""
        seen: dict[str, str] = {}
        for index, member in enumerate(members):
            kinds, at = self._shared_types(member, f"{place}/{index}")
            for kind in kinds:
                if kind in seen:
                    self.ambiguous |= {seen[kind], at}
                    self.notice(
                        at, f"the limits aren't enforced: another member of the union is of type {kind} too"
                    )
                seen.setdefault(kind, at)

    def _shared_types(self, node: Any, place: str) -> tuple[list[str], str]:
        """Get the types of a schema that another one may have as well; a class is its own alone."""
        node, at = self._document.followed(self._document.schema(node, place), place)
        if "enum" in node or "const" in node or self._is_union(node, at) or self._is_object(node, at):
            return [], at
        found: list[str] = []
        for each, where in self._document.rules(at):
            for kind in self._types(each, where):
                if kind == "array" and isinstance(each.get("items"), dict):
                    item = each["items"]
                    inner = (
                        [item["$ref"]] if "$ref" in item else self._shared_types(item, f"{where}/items")[0]
                    )
                    found += [f"array of {' or '.join(inner)}"] if inner else []
                elif kind == "string" and each.get("format") in _FORMATS:
                    found.append(f"string ({each['format']})")
                elif kind not in ("null", "object"):
                    found.append(kind)
        return list(dict.fromkeys(found)), at

    def _intersection(self, written: Node, node: Node, place: str) -> bool:
        members = list(self._members(node, place))
        if len(members) == 1 and "$ref" in members[0][0] and not {"properties", "required"} & set(node):
            alone = self.schema(*members[0])
            written |= {"oneOf": alone["oneOf"]} if "oneOf" in alone else {"allOf": [alone]}
            return True
        objects = [(member, where) for member, where in members if self._is_object(member, where)]
        if not objects and "properties" not in node:
            unions = [each for each in members if self._is_union(*self._document.followed(*each))]
            if unions:
                return self._union_of_values(written, unions[0], members, place)
            return self._merged(written, [node, *(member for member, _ in members)], members, place)
        parts: list[Node] = []
        for member, where in members:
            meant, at = self._document.followed(member, where)
            if self._is_union(meant, at):
                self.notice(
                    where, "the union in `allOf` isn't enforced: its fields are additional_properties"
                )
            elif (member, where) in objects or "$ref" not in member:
                inherited = "$ref" in member
                parts.append(
                    self._reference(member, where, inherits=True)
                    if inherited
                    else self._object(member, where)
                )
        self._typed(written, node, ["object"], place)
        written.pop("type", None)
        if len(parts) == 1 and "$ref" in parts[0]:
            # openapi-python-client takes an `allOf` of one `$ref` for another name, and drops the rest.
            own: Node = {
                key: written.pop(key)
                for key in ("properties", "required", "additionalProperties")
                if key in written
            }
            parts.append({"description": place, "type": "object", **own})
        written["allOf"] = parts
        return True

    def _object(self, node: Node, place: str) -> Node:
        written: Node = {"description": place}
        self._typed(written, node, ["object"], place)
        return written

    def _members(self, node: Node, place: str) -> list[tuple[Node, str]]:
        """The members of an `allOf` that change something, those of nested ones as well."""
        found = []
        for index, member in enumerate(self._list(node["allOf"], f"{place}/allOf")):
            where = f"{place}/allOf/{index}"
            member = self._document.schema(member, where)
            if "$ref" not in member and member.get("allOf"):
                found += self._members(member, where)
                member = {key: value for key, value in member.items() if key != "allOf"}
            if set(member) - ANNOTATIONS:
                found.append((member, where))
        return found

    def _is_object(self, node: Node, place: str) -> bool:
        meant, at = self._document.followed(node, place)
        if (
            meant.get("type") == "object"
            or "properties" in meant
            or ("required" in meant and "type" not in meant)
        ):
            return True
        return any(
            self._is_object(member, where) for member, where in self._members({"allOf": [], **meant}, at)
        )

    def _is_union(self, node: Node, place: str) -> bool:
        return any(self._alternatives(node, key, place) for key in ("anyOf", "oneOf"))

    def _union_of_values(
        self, written: Node, union: tuple[Node, str], members: list[tuple[Node, str]], place: str
    ) -> bool:
        """Write an `allOf` that holds a union of values that aren't all objects as this union."""
        alone = self.schema(*union)
        union_of: Node = {key: alone[key] for key in ("anyOf", "oneOf") if key in alone}
        written |= union_of or {"allOf": [alone]}
        if len(members) > 1:
            self.notice(place, "what stands beside the union in `allOf` isn't enforced")
        return True

    def _merged(self, written: Node, nodes: list[Node], members: list[tuple[Node, str]], place: str) -> bool:
        """Write an `allOf` of values that aren't objects as the one value that has all their rules."""
        merged: Node = {}
        for node, where in [(nodes[0], place), *members]:
            meant, _ = self._document.followed(node, where)
            merged |= {
                key: value for key, value in meant.items() if key not in ("allOf", "title", "description")
            }
        written |= {key: value for key, value in self.schema(merged, place).items() if key != "title"}
        return True

    def _typed(self, written: Node, node: Node, kinds: list[str], place: str) -> None:
        """Write what belongs to the types of a schema."""
        if kinds:
            written["type"] = kinds[0] if len(kinds) == 1 else kinds
        if "string" in kinds and node.get("format") in _FORMATS:
            written["format"] = node["format"]
        if "object" in kinds:
            self._fields(written, node, place)
        if "array" in kinds:
            prefix = self._list(node.get("prefixItems"), f"{place}/prefixItems")
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

    def _fields(self, written: Node, node: Node, place: str) -> None:
        properties = self._mapping(given(node.get("properties")), f"{place}/properties")
        required = [str(name) for name in self._list(node.get("required"), f"{place}/required")]
        keys = without_clashes(properties)
        self.wire_names |= {key: name for name, key in keys.items() if key != name}
        written["properties"] = {
            keys[name]: self.schema(declared, f"{place}/properties/{escaped(name)}")
            for name, declared in properties.items()
        }
        written["required"] = [keys.get(name, name) for name in required]
        if "allOf" not in node and "/allOf/" not in place:
            for name in required:
                if name not in properties and properties:
                    self.notice(
                        place, f"`required: {name}` isn't enforced: no property of this name is described"
                    )
        more = node.get("additionalProperties")
        if isinstance(more, bool):
            written["additionalProperties"] = more
        elif more is not None:
            written["additionalProperties"] = self.schema(more, f"{place}/additionalProperties")

    def _look_through(self, node: Node, place: str) -> None:
        """Tell of what no rule is made."""
        for key in node:
            if key not in _KNOWN and not key.startswith("x-"):
                self.notice(place, f"`{key}` isn't enforced")
        style = node.get("format")
        if isinstance(style, str) and style not in _QUIET_FORMATS:
            self.notice(place, f"`format: {style}` isn't enforced")

    def _mapping(self, node: Any, place: str) -> Node:
        return self._document.mapping(node, place)

    def _list(self, node: Any, place: str) -> list[Any]:
        if node is None:
            return []
        if not isinstance(node, list):
            raise self._document.wrong(place, f"must be a list, not {node!r}")
        return node


def given(node: Any) -> Any:
    """What stands in a document, where an empty key of YAML means that nothing does."""
    return {} if node is None else node
