"""
Reads an OpenAPI document, and finds things in it by their place.

A place is a JSON pointer (RFC 6901) such as `/components/schemas/Order/properties/side`. It is what an error
names, and how the other modules say which schema a property was made of.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

Node = dict[str, Any]

# What a type says nothing about: an `allOf` member that holds nothing else changes no value.
ANNOTATIONS = frozenset(
    {
        *("title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly"),
        *("nullable", "externalDocs", "xml", "$comment", "$id", "$anchor", "$schema", "$defs", "definitions"),
    }
)

# Where schemas stand that several places of the document make up.
_JOINED = "x-joined"


class DocumentError(Exception):
    """The document is wrong; the message says where."""


class Document:
    """
    An OpenAPI document of version 3.0 or 3.1.

    Attributes:
        name: What messages call it.
        root: The whole document, of plain JSON values.
        origins: The files and places of what was taken in from other files, by its place here.
    """

    def __init__(self, name: str, root: Any) -> None:
        self.name = name
        self.origins: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self.root: Node = plain(root, name)
        if not isinstance(self.root, dict):
            raise DocumentError(f"{name} is not an OpenAPI document")
        version = self.root.get("openapi")
        if not re.fullmatch(r"3\.[01](\.\S*)?", str(version)):
            shown = f"Swagger {self.root['swagger']}" if "swagger" in self.root else repr(version)
            raise DocumentError(f"{name}: `openapi` must be 3.0 or 3.1, not {shown}")

    @property
    def is_old(self) -> bool:
        """Whether it is of version 3.0."""
        return str(self.root["openapi"]).startswith("3.0")

    def wrong(self, place: str, problem: str) -> DocumentError:
        """
        Make the error of one place.

        Args:
            place: Where the document is wrong.
            problem: What is wrong there.

        Returns:
            The error, to be raised.
        """
        return DocumentError(f"{self.shown(place)}: {problem}")

    def shown(self, place: str) -> str:
        """
        Write a place as messages do.

        Args:
            place: A place of this document.

        Returns:
            The file and the place in it, which may be another file than the document's own.
        """
        place = self.owner(place)
        for length in (3, 2):
            # A schema of another file has a name here; other things are below `x-files`.
            origin = self.origins.get("/".join(place.split("/")[: length + 1]))
            if origin is not None:
                return origin + "/".join(["", *place.split("/")[length + 1 :]])
        return f"{self.name}#{place}"

    def at(self, place: str) -> Any:
        """
        Find what stands at a place.

        Args:
            place: The JSON pointer.

        Returns:
            The node.

        Raises:
            KeyError: If there is no such place.
        """
        return found_at(self.root, place)

    def followed(self, node: Node, place: str) -> tuple[Node, str]:
        """
        Follow the `$ref` of a node, and those behind it.

        Args:
            node: Any node.
            place: Where it stands.

        Returns:
            The node that is meant, and its place; the same ones where there is no `$ref`.

        Raises:
            DocumentError: If a reference leads nowhere, in a circle, or out of the document.
        """
        start, seen = place, {place}
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            place = self.target(node["$ref"], place)
            if place in seen:
                raise self.wrong(start, "the $ref leads in a circle")
            seen.add(place)
            node = self.at(place)
        return self.schema(node, place), place

    def target(self, reference: str, place: str) -> str:
        """
        Get the place that a `$ref` means.

        Args:
            reference: The value of the `$ref`.
            place: Where the reference stands.

        Returns:
            The place.

        Raises:
            DocumentError: If it leads nowhere or out of the document.
        """
        if not reference.startswith("#"):
            raise self.wrong(place, f"$ref {reference!r} leads nowhere")
        found = unquote(reference[1:])
        try:
            if not found.startswith("/"):
                raise KeyError(found)
            self.at(found)
        except (KeyError, IndexError, TypeError):
            raise self.wrong(place, f"$ref {reference!r} leads nowhere") from None
        return found

    def join(self, places: list[str], owner: str) -> str:
        """
        Add a schema that has the rules of several.

        Args:
            places: Where these stand.
            owner: The place that errors name instead of the new one.

        Returns:
            Its place.
        """
        name = " & ".join(places)
        place = f"/{_JOINED}/{escaped(name)}"
        self._owners.setdefault(place, owner)
        references = [{"$ref": f"#{quote(each, safe='/~')}"} for each in places]
        self.root.setdefault(_JOINED, {})[name] = {"allOf": references}
        return place

    def owner(self, place: str) -> str:
        """Get the place that errors name: of a joined schema that of its owner."""
        return self._owners.get("/".join(place.split("/")[:3]), place)

    def mapping(self, node: Any, place: str) -> Node:
        """Make sure that a node is an object."""
        if not isinstance(node, dict):
            raise self.wrong(place, f"must be an object, not {node!r}")
        return node

    def schema(self, node: Any, place: str) -> Node:
        """
        Make sure that a node is a schema, and write `true` and `false` of 3.1 as objects.

        An `enum` without values is left out: JSON Schema (2020-12 Validation, 6.1.2) allows it, and those who
        write one mean that they don't know the values, not that there is none.
        """
        if node is True:
            return {}
        if node is False:
            return {"not": {}}
        schema = self.mapping(node, place)
        if schema.get("enum") == []:
            return {key: value for key, value in schema.items() if key != "enum"}
        return schema

    def rules(self, place: str) -> Iterator[tuple[Node, str]]:
        """
        Go through all schemas whose rules hold for one value.

        Args:
            place: Where the value's schema stands.

        Yields:
            The schema itself, and what it takes in by `$ref` and `allOf`, each with its place.
        """
        waiting, seen = [place], set()
        while waiting:
            place = waiting.pop(0)
            if place in seen:
                continue
            seen.add(place)
            node = self.schema(self.at(place), place)
            yield node, place
            if isinstance(node.get("$ref"), str):
                waiting.append(self.target(node["$ref"], place))
            waiting += [f"{place}/allOf/{index}" for index in range(len(node.get("allOf") or []))]

    def fields(self, place: str) -> dict[str, list[str]]:
        """
        Find where the fields of an object are described.

        Args:
            place: Where the object's schema stands.

        Returns:
            For each field's name on the wire all places that describe it: inheritance may have several.
        """
        found: dict[str, list[str]] = {}
        for node, where in self.rules(place):
            for name in self.mapping(node.get("properties") or {}, f"{where}/properties"):
                found.setdefault(name, []).append(f"{where}/properties/{escaped(name)}")
        return found


def plain(root: Any, name: str) -> Any:
    """
    Make plain JSON values of what YAML's reader gives: of dates and of keys that are numbers their text.

    Args:
        root: What was read.
        name: What messages call the file.

    Returns:
        The values.

    Raises:
        DocumentError: If they can't be JSON.
    """
    try:
        return _plain(root)
    except RecursionError:
        raise DocumentError(f"{name}: a YAML anchor holds itself") from None
    except UnicodeEncodeError as error:
        raise DocumentError(f"{name}: {error.object!a} holds a lone surrogate: not valid text") from None


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {_key(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    if isinstance(node, str):
        node.encode()
    if isinstance(node, datetime.datetime):
        return node.isoformat().replace("+00:00", "Z")
    return node.isoformat() if isinstance(node, datetime.date) else node


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(_plain(key))


def found_at(root: Any, place: str) -> Any:
    """Find what stands at a place; raises KeyError, IndexError or TypeError if there is no such place."""
    node = root
    for token in tokens(place):
        node = node[int(token)] if isinstance(node, list) and token.isdigit() else _child(node, token)
    return node


def _child(node: Any, token: str) -> Any:
    if not isinstance(node, dict):
        raise KeyError(token)
    return node[token]


def tokens(place: str) -> list[str]:
    """Take a place apart, into the names that lead to it."""
    return [token.replace("~1", "/").replace("~0", "~") for token in place.split("/")[1:]]


def escaped(name: str) -> str:
    """Write a name as one token of a place."""
    return name.replace("~", "~0").replace("/", "~1")
