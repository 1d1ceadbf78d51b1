"""
Writes `allOf` anew for openapi-python-client, which has it for objects only.

What objects take in by `$ref` stays a `$ref`, so that classes of their fields are shared. Values that aren't
objects become one schema with all their rules. And a field that several members describe in ways that
openapi-python-client would take one of without a word, or stop at, is written as the `allOf` of these.
"""

from __future__ import annotations

import itertools
from typing import Any, Protocol

from document import ANNOTATIONS, Document, Node
from kinds import Kinds, is_named

_SIMPLE = ("string", "integer", "number", "boolean")


class Writer(Protocol):
    """What the members of an `allOf` are written with; `Schemas` is it."""

    def notice(self, place: str, text: str) -> None:
        """Remember that a rule isn't enforced."""

    def schema(self, node: Any, place: str, *, nullable: bool = True) -> Node:
        """Write a schema."""

    def reference(self, node: Node, place: str, *, inherits: bool = False) -> Node:
        """Write a `$ref`."""

    def typed(self, written: Node, node: Node, kinds: list[str], place: str) -> None:
        """Write what belongs to the types of a schema."""

    def fields(self, written: Node, declared: dict[str, tuple[Any, str]], required: list[str]) -> None:
        """Write the fields of an object."""

    def more_fields(self, written: Node, node: Node, place: str) -> None:
        """Write what an object allows besides its fields."""


class Intersections:
    """Writes schemas that have `allOf`."""

    def __init__(self, document: Document, kinds: Kinds, schemas: Writer) -> None:
        self._document = document
        self._kinds = kinds
        self._schemas = schemas
        self._writing: list[str] = []

    def write(self, written: Node, node: Node, place: str) -> None:
        """
        Write a schema's `allOf`, and what stands beside it.

        Args:
            written: The schema that is being written.
            node: The schema as the document has it.
            place: Where it stands.
        """
        alone = self._kinds.only_named(node, place)
        if alone is not None and not self._is_value_of_its_own(node, *alone):
            target = self._schemas.schema(*alone)
            written |= {"oneOf": target["oneOf"]} if "oneOf" in target else {"allOf": [target]}
            return
        members = self._kinds.members(node, place)
        unions = [member for member in members if self._kinds.is_union(*member)]
        self._writing.append(place)
        if "properties" in node or any(self._kinds.is_object(*member) for member in members):
            self._object(written, node, members, place)
        elif unions:
            self._union(written, unions[0], members, place)
        else:
            self._value(written, place)
        self._writing.pop()

    def _is_value_of_its_own(self, node: Node, member: Node, where: str) -> bool:
        """Whether a `$ref` leads to a value without a class that has further rules here, or no name."""
        meant, at = self._document.followed(member, where)
        has_class = (
            self._kinds.is_object(meant, at)
            or self._kinds.is_union(meant, at)
            or any("enum" in each for each, _ in self._document.rules(at))
        )
        return not has_class and (bool(set(node) - ANNOTATIONS - {"allOf"}) or not is_named(at))

    def _object(self, written: Node, node: Node, members: list[tuple[Node, str]], place: str) -> None:
        for member, where in members:
            if self._kinds.is_union(member, where):
                self._schemas.notice(
                    where, "the union in `allOf` isn't enforced: its fields are additional_properties"
                )
        fields = self._document.fields(place)
        if any(self._is_contested(places) for places in fields.values()):
            self._flat(written, node, fields, place)
            return
        parts: list[Node] = []
        for member, where in members:
            if not self._kinds.is_union(member, where) and (
                "$ref" not in member or self._kinds.is_object(member, where)
            ):
                parts.append(self._part(member, where))
        self._schemas.typed(written, node, ["object"], place)
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

    def _part(self, member: Node, where: str) -> Node:
        if "$ref" in member:
            return self._schemas.reference(member, where, inherits=True)
        written: Node = {"description": where}
        self._schemas.typed(written, member, ["object"], where)
        return written

    def _flat(self, written: Node, node: Node, fields: dict[str, list[str]], place: str) -> None:
        """Write an object with all fields that it takes in."""
        required = [
            name for each, at in self._document.rules(place) for name in self._kinds.required(each, at)
        ]
        declared = {}
        for name, places in fields.items():
            at = self._joined(places, place) if len(places) > 1 else places[0]
            declared[name] = (self._document.at(at), at)
        written["type"] = "object"
        self._schemas.fields(written, declared, list(dict.fromkeys(required)))
        self._schemas.more_fields(written, node, place)

    def _is_contested(self, places: list[str]) -> bool:
        """Whether a field is described in ways of which openapi-python-client can't make one."""
        meant = {at: node for node, at in map(self._followed, places)}
        nodes = [(node, at) for at, node in meant.items() if set(node) - ANNOTATIONS]
        kinds = {self._simple_kind(*each) for each in nodes}
        if len(nodes) < 2:
            return False
        enums = sorted((node["enum"] for node, _ in nodes if "enum" in node), key=len)
        narrowing = all(
            all(value in wider for value in narrower) for narrower, wider in itertools.pairwise(enums)
        )
        return None in kinds or not narrowing or not (len(kinds) == 1 or kinds == {"integer", "number"})

    def _followed(self, place: str) -> tuple[Node, str]:
        return self._document.followed(self._document.schema(self._document.at(place), place), place)

    def _simple_kind(self, node: Node, place: str) -> str | None:
        """Get the type of a value that is one of one type and nothing else."""
        types = self._kinds.types(node, place)
        values = {type(value).__name__ for value in node.get("enum") or []}
        types = types or [{"str": "string", "int": "integer"}.get(kind, "") for kind in values]
        simple = len(types) == 1 and types[0] in _SIMPLE and not {"const", "allOf"} & set(node)
        return types[0] if simple and not self._kinds.is_union(node, place) else None

    def _distinct(self, places: list[str]) -> list[str]:
        """Leave out the descriptions of a value that another one of them takes in, or that say nothing."""
        found: dict[str, str] = {}
        for at in places:
            node, target = self._followed(at)
            if set(node) - ANNOTATIONS - {"type"} or node.get("type") not in (None, "object"):
                found[target] = at
        held = {target: {where for _, where in self._document.rules(target)} - {target} for target in found}
        kept = {
            target: at for target, at in found.items()
            if not any(target in within and other not in held[target] for other, within in held.items())
        }  # fmt: skip
        return list(kept.values()) or places[-1:]

    def _joined(self, places: list[str], owner: str) -> str:
        """Get a place whose schema has the rules of several: the only one that matters, or their `allOf`."""
        distinct = self._distinct(places)
        if len(distinct) == 1:
            return distinct[0]
        # What is said last is said of the narrower schema.
        joined = self._document.join(list(reversed(distinct)), owner)
        if joined in self._writing:
            self._schemas.notice(owner, "a field that several schemas describe, and that holds itself, has "
                                 "the type of one of them alone")  # fmt: skip
            return distinct[-1]
        return joined

    def _union(
        self, written: Node, union: tuple[Node, str], members: list[tuple[Node, str]], place: str
    ) -> None:
        """Write an `allOf` that holds a union of values that aren't all objects as this union."""
        alone = self._schemas.schema(*union)
        union_of: Node = {key: alone[key] for key in ("anyOf", "oneOf") if key in alone}
        written |= union_of or {"allOf": [alone]}
        if len(members) > 1:
            self._schemas.notice(place, "what stands beside the union in `allOf` isn't enforced")

    def _value(self, written: Node, place: str) -> None:
        """Write an `allOf` of values that aren't objects as the one value that has all their rules."""
        merged: Node = {}
        items: list[str] = []
        for node, where in self._document.rules(place):
            own: Node = {"type": self._kinds.types(node, where)} if "type" in node else {}
            if "enum" in node:
                own["enum"] = self._kinds.listed(node["enum"], f"{where}/enum")
            for key, values in own.items():
                merged[key] = _common(merged[key], values) if key in merged else values
                if not merged[key]:
                    self._schemas.notice(
                        place, f"nothing is enforced: no value has the {key} of all of `allOf`"
                    )
                    return
            if "items" in node:
                items.append(f"{where}/items")
            kept = {*ANNOTATIONS, "type", "enum", "items", "$ref", "allOf"}
            merged |= {key: value for key, value in node.items() if key not in kept | set(merged)}
        if items:
            merged["items"] = True
        if self._document.schema(self._document.at(place), place).get("nullable") is True:
            merged["nullable"] = True
        written |= self._schemas.schema(merged, place)
        if items:
            at = self._joined(items, place)
            written["items"] = self._schemas.schema(self._document.at(at), at)


def _common(values: list[Any], others: list[Any]) -> list[Any]:
    """Get the types or values that are among both; each integer is a number."""
    found = [value for value in values if value in others]
    if "integer" in values + others and "number" in values + others and "integer" not in found:
        found = ["integer", *(value for value in found if value != "number")]
    return found
