"""
Reads a document, and takes in what it refers to in other files beside it.

A schema of another file gets a name among the document's own; everything else goes below `x-files`. What an
error names is the place in the other file all the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote, urljoin, urlsplit

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from document import Document, DocumentError, Node, escaped, found_at, plain, tokens

# The keywords that hold a schema, a list of them, some with names, and other things with names.
_ONE = frozenset({"schema", "items", "additionalProperties", "not", "contains", "if", "then", "else"})
_LIST = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMAS = frozenset({"properties", "patternProperties", "schemas", "$defs", "definitions"})
_NODES = frozenset(
    {
        *("paths", "responses", "parameters", "headers", "requestBodies", "pathItems", "content", "encoding"),
        *("webhooks", "callbacks", "links", "securitySchemes"),
    }
)
# Rules that a `$ref` doesn't keep from holding, as descriptions and `nullable` aren't.
_BESIDE = frozenset(
    {
        *("properties", "required", "additionalProperties", "allOf", "pattern", "minLength", "maxLength"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minItems", "maxItems", "uniqueItems"),
    }
)
_VALUES = frozenset({"example", "examples", "default", "enum", "const"})
# Where OpenAPI has no `$ref`, but those who divide a document into files write one: it is put in its place.
_PUT_IN = _SCHEMAS | _NODES | {"info", "components", "tags", "description", "summary", "enum", "required"}

_Kind = Literal["node", "schema", "nodes", "schemas"]
"""What is copied; of the last two the keys are names, and what stands under them are nodes or schemas."""


def load(source: str) -> Document:
    """
    Read a document.

    Args:
        source: A file's path, or a URL with http or https; YAML or JSON.

    Returns:
        The document.

    Raises:
        DocumentError: If it cannot be read, or is not an OpenAPI document of 3.0 or 3.1.
    """
    name = source.rstrip("/").rpartition("/")[2] or source
    document = Document(name, _read(source, name))
    _Files(document, source if _is_url(source) else os.path.abspath(source)).take_in()
    return document


class _Files:
    """Takes in what a document refers to in other files."""

    def __init__(self, document: Document, source: str) -> None:
        self._document = document
        self._source = source
        self._read: dict[str, Any] = {source: document.root}
        self._taken: dict[tuple[str, str, bool], str] = {}
        self._schemas: Node = {}
        self._others: Node = {}

    def take_in(self) -> None:
        """Rewrite the references of the document that lead to other files."""
        root = self._document.root
        for part in ("info", "paths", "components", "webhooks"):
            if part in root:
                root[part] = self._under(part, root[part], self._source, f"/{part}")
        if self._schemas:
            components = self._document.mapping(root.setdefault("components", {}), "/components")
            components["schemas"] = {**(components.get("schemas") or {}), **self._schemas}
        if self._others:
            root["x-files"] = self._others

    def _walked(self, node: Any, file: str, place: str, kind: _Kind = "node") -> Any:
        """Copy a node, with references that lead into this document."""
        if isinstance(node, list):
            return [self._walked(each, file, f"{place}/{index}", kind) for index, each in enumerate(node)]
        if not isinstance(node, dict):
            return node
        written: Node = {}
        for key, value in node.items():
            at = f"{place}/{escaped(str(key))}"
            if kind in ("schemas", "nodes"):
                written[key] = self._walked(value, file, at, "schema" if kind == "schemas" else "node")
            elif key == "$ref" and isinstance(value, str):
                written[key] = self._reference(value, file, place, is_schema=kind == "schema")
            elif key == "mapping" and place.endswith("/discriminator") and isinstance(value, dict):
                written[key] = dict(self._mapping(value, file, at))
            else:
                written[key] = self._under(key, value, file, at)
        return self._with_all(written) if kind == "schema" else written

    def _under(self, key: str, value: Any, file: str, place: str) -> Any:
        """Copy what stands under a keyword."""
        seen = set()
        while key in _PUT_IN and isinstance(value, dict) and isinstance(value.get("$ref"), str):
            if (file, place) in seen:
                raise DocumentError(f"{self._shown(file)}#{place}: the $ref leads in a circle")
            seen.add((file, place))
            file, place, value = self._found(value["$ref"], file, place)
        if key in _VALUES:
            return value
        if isinstance(value, dict) and (key in _SCHEMAS or key in _NODES):
            return self._walked(value, file, place, "schemas" if key in _SCHEMAS else "nodes")
        return self._walked(value, file, place, "schema" if key in _ONE or key in _LIST else "node")

    def _with_all(self, node: Node) -> Node:
        """Write a `$ref` with rules beside it as the `allOf` that it is in 3.1; 3.0 has only the `$ref`."""
        if self._document.is_old or not isinstance(node.get("$ref"), str) or not _BESIDE & set(node):
            return node
        rest = {key: value for key, value in node.items() if key not in ("$ref", "allOf")}
        return {"allOf": [{"$ref": node["$ref"]}, *(node.get("allOf") or [])], **rest}

    def _mapping(self, node: Node, file: str, place: str) -> Iterator[tuple[str, Any]]:
        for value, reference in node.items():
            is_name = not isinstance(reference, str) or not set(reference) & set("./#")
            yield value, reference if is_name else self._reference(reference, file, place, is_schema=True)

    def _reference(self, reference: str, file: str, place: str, *, is_schema: bool) -> str:
        """Get the reference into this document that means the same."""
        path, _, pointer = reference.partition("#")
        if not path and file == self._source:
            return reference
        if path and self._other(path, file, place, reference) == self._source:
            return f"#{quote(unquote(pointer), safe='/~')}"
        other, pointer, node = self._found(reference, file, place)
        key = (other, pointer, is_schema)
        if key not in self._taken:
            holder = self._schemas if is_schema else self._others
            name = self._free_name(other, pointer) if is_schema else f"{self._shown(other)}#{pointer}"
            at = f"{'/components/schemas' if is_schema else '/x-files'}/{escaped(name)}"
            # Before what it refers to is looked at, which may be itself.
            self._taken[key], holder[name] = f"#{quote(at, safe='/~')}", {}
            self._document.origins[at] = f"{self._shown(other)}#{pointer}"
            holder[name] = self._walked(node, other, pointer, "schema" if is_schema else "node")
        return self._taken[key]

    def _other(self, path: str, file: str, place: str, reference: str) -> str:
        """Get the file that a reference leads to."""
        if urlsplit(path).scheme:
            raise DocumentError(
                f"{self._shown(file)}#{place}: $ref {reference!r} leads to another site: "
                "copy what it means into a file of your own"
            )
        return _joined(file, unquote(path))

    def _found(self, reference: str, file: str, place: str) -> tuple[str, str, Any]:
        """Find what a reference means: its file, the place in that, and the node."""
        path, _, pointer = reference.partition("#")
        pointer = unquote(pointer)
        other = self._other(path, file, place, reference) if path else file
        where = f"{self._shown(file)}#{place}: $ref {reference!r}"
        if other not in self._read:
            if not _is_url(other) and not Path(other).is_file():
                raise DocumentError(f"{where} leads nowhere: there is no file {self._shown(other)}")
            self._read[other] = plain(_read(other, self._shown(other)), self._shown(other))
        try:
            if pointer and not pointer.startswith("/"):
                raise KeyError(pointer)
            return other, pointer, found_at(self._read[other], pointer)
        except (KeyError, IndexError, TypeError):
            raise DocumentError(f"{where} leads nowhere") from None

    def _free_name(self, file: str, pointer: str) -> str:
        """Get a name for a schema of another file that none has yet."""
        components = self._document.root.get("components")
        own = components.get("schemas") if isinstance(components, dict) else None
        taken = {*(own if isinstance(own, dict) else ()), *self._schemas}
        stem = Path(urlsplit(file).path).stem
        base = tokens(pointer)[-1] if pointer.strip("/") else stem
        numbered = (f"{stem}_{base}_{number}" for number in range(2, len(taken) + 3))
        return next(name for name in (base, f"{stem}_{base}", *numbered) if name not in taken)

    def _shown(self, file: str) -> str:
        if file == self._source:
            return self._document.name
        return file if _is_url(file) else os.path.relpath(file, os.path.dirname(self._source))


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _joined(file: str, path: str) -> str:
    """Get the file that a path means in another one."""
    return (
        urljoin(file, path) if _is_url(file) else os.path.normpath(os.path.join(os.path.dirname(file), path))
    )


def _read(source: str, name: str) -> Any:
    text = _fetched(source) if _is_url(source) else _text(source, name)
    try:
        begins_json = text.lstrip()[:1] == "{"
        return json.loads(text, object_pairs_hook=_object) if begins_json else YAML(typ="safe").load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        try:  # YAML may begin with a brace too
            return YAML(typ="safe").load(text)
        except (YAMLError, ValueError, RecursionError):
            raise DocumentError(f"{name} cannot be read: {' '.join(str(error).split())}") from None


def _object(pairs: list[tuple[str, Any]]) -> Node:
    """Make an object of JSON, in which a name must not be there twice; YAML's reader sees to that itself."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} is twice in one object")
    return found


def _text(source: str, name: str) -> str:
    try:
        return Path(source).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{name} cannot be read: {error}") from None


def _fetched(source: str) -> str:
    import httpx

    try:
        answer = httpx.get(source, follow_redirects=True, timeout=30)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DocumentError(f"{source} cannot be fetched: {error}") from None
    return answer.text
