"""
What kind of schema stands at a place: asked of the document, nothing is written here.

This is the second opinion about the document that is left, next to openapi-python-client's own. It is asked
only where openapi-python-client 0.29.1 would stop, or drop something without a word:

- `types`: null is kept apart, since a class that may be null keeps its name, and 3.0 says it in another way;
- `becomes_class`, `meant_by`: of another name of a class it makes the classes of its fields twice;
- `is_object`, `is_union`, `members`: it has `allOf` for objects only;
- `heirs`: it doesn't know that a base class with a discriminator stands for those that inherit from it;
- `closes_circle`: it stops at a list that holds itself;
- `shared_types`: it keeps one of the members of a union that have the same type.
"""

from __future__ import annotations

from typing import Any

from document import ANNOTATIONS, Document, Node, escaped, tokens

TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
FORMATS = ("date", "date-time", "uuid", "binary")
UNIONS = ("oneOf", "anyOf")


class Kinds:
    """Answers questions about the schemas of a document."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def types(self, node: Node, place: str) -> list[str]:
        """
        Get the types that a schema allows.

        Args:
            node: The schema.
            place: Where it stands.

        Returns:
            Those that it names, or that its other keywords imply; `null` among them where null is allowed.

        Raises:
            DocumentError: If a type is none.
        """
        declared = node.get("type", [])
        listed = [declared] if isinstance(declared, str) else self.listed(declared, f"{place}/type")
        # `type: [string, null]` is what YAML makes of an author's forgotten quotes.
        types = ["null" if kind is None else kind for kind in listed]
        for kind in types:
            if kind not in TYPES:
                raise self._document.wrong(
                    place, f"{kind!r} is not a type: it must be one of {', '.join(TYPES)}"
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

    def alternatives(self, node: Node, key: str, place: str) -> list[int]:
        """Find the members of a union that say something of a type; `required` alone is the object's rule."""
        members = self.listed(node.get(key), f"{place}/{key}")
        return [
            index for index, member in enumerate(members)
            if not isinstance(member, dict) or set(member) - {"required"} - ANNOTATIONS or not member
        ]  # fmt: skip

    def members(self, node: Node, place: str) -> list[tuple[Node, str]]:
        """Find the members of an `allOf` that change something, those of nested ones as well."""
        found = []
        for index, member in enumerate(self.listed(node.get("allOf"), f"{place}/allOf")):
            where = f"{place}/allOf/{index}"
            member = self._document.schema(member, where)
            if "$ref" not in member and member.get("allOf"):
                found += self.members(member, where)
                member = {key: value for key, value in member.items() if key != "allOf"}
            if set(member) - ANNOTATIONS:
                found.append((member, where))
        return found

    def becomes_class(self, place: str) -> bool:
        """Whether openapi-python-client makes one class of a schema, as of an object or an enum."""
        node = self._document.schema(self._document.at(place), place)
        types = self.types(node, place)
        if len([kind for kind in types if kind != "null"]) > 1 or "$ref" in node:
            return False
        return not self._has_union(node, place) and bool(
            "enum" in node or "properties" in node or "allOf" in node or "object" in types
        )

    def is_union(self, node: Node, place: str) -> bool:
        """Whether a schema is a union, itself or where its `$ref` leads."""
        return self._has_union(*self._document.followed(node, place))

    def _has_union(self, node: Node, place: str) -> bool:
        return any(self.alternatives(node, key, place) for key in UNIONS)

    def is_object(self, node: Node, place: str) -> bool:
        """Whether a schema is an object, itself or by what it takes in."""
        meant, at = self._document.followed(node, place)
        if (
            meant.get("type") == "object"
            or "properties" in meant
            or ("required" in meant and "type" not in meant)
        ):
            return True
        return any(self.is_object(member, where) for member, where in self.members(meant, at))

    def only_named(self, node: Node, place: str) -> tuple[Node, str] | None:
        """Get the only member of an `allOf` where it is a `$ref`: the schema is another name of that."""
        members = self.members(node, place)
        alone = len(members) == 1 and "$ref" in members[0][0] and not {"properties", "required"} & set(node)
        return members[0] if alone else None

    def meant_by(self, place: str) -> str:
        """Get the place of the named schema that a named schema is only another name of, by `allOf`."""
        seen = {place}
        while True:
            node = self._document.schema(self._document.at(place), place)
            alone = self.only_named(node, place)
            if alone is None or not self.becomes_class(place):
                return place
            target = self._document.target(alone[0]["$ref"], alone[1])
            if target in seen or not is_named(target) or not self.becomes_class(target):
                return place
            seen.add(target)
            place = target

    def heirs(self, base: str) -> list[str]:
        """Find what inherits from a schema with a discriminator (OpenAPI 3.1.1, section 4.8.25)."""
        if not any(
            "discriminator" in node and not self.is_union(node, at) for node, at in self._document.rules(base)
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

    def closes_circle(self, target: str, place: str) -> bool:
        """Whether a list or map holds itself by a `$ref`: a type of Python can't, only a class can."""
        owner = tokens(place)[:3]
        if owner[:2] != ["components", "schemas"] or "properties" in tokens(place)[3:]:
            return False
        goal, seen, waiting = f"/components/schemas/{escaped(owner[2])}", set[str](), [target]
        while waiting:
            at = waiting.pop()
            if at in seen or self.becomes_class(at):
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

    def shared_types(self, node: Any, place: str) -> tuple[list[str], str]:
        """
        Get the types of a schema that another one may have as well; a class is its own alone.

        Args:
            node: The schema.
            place: Where it stands.

        Returns:
            The types, in words, and where they are said.
        """
        node, at = self._document.followed(self._document.schema(node, place), place)
        if "enum" in node or "const" in node or self.is_union(node, at) or self.is_object(node, at):
            return [], at
        found: list[str] = []
        for each, where in self._document.rules(at):
            for kind in self.types(each, where):
                if kind == "array" and isinstance(each.get("items"), dict):
                    item = each["items"]
                    inner = [item["$ref"]] if "$ref" in item else self.shared_types(item, f"{where}/items")[0]
                    found += [f"array of {' or '.join(inner)}"] if inner else []
                elif kind == "string" and each.get("format") in FORMATS:
                    found.append(f"string ({each['format']})")
                elif kind not in ("null", "object"):
                    found.append(kind)
        return list(dict.fromkeys(found)), at

    def required(self, node: Node, place: str) -> list[str]:
        """Get the names of the fields that a schema requires."""
        return [str(name) for name in self.listed(node.get("required"), f"{place}/required")]

    def mapping(self, node: Any, place: str) -> Node:
        """Make sure that a node is an object."""
        return self._document.mapping(node, place)

    def listed(self, node: Any, place: str) -> list[Any]:
        """Make sure that a node is a list; one that isn't there is empty."""
        if node is None:
            return []
        if not isinstance(node, list):
            raise self._document.wrong(place, f"must be a list, not {node!r}")
        return node


def is_named(place: str) -> bool:
    """Whether a place is that of a schema with a name of its own."""
    return place.startswith("/components/schemas/") and place.count("/") == 3
