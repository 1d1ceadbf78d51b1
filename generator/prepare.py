"""Writes the paths and answers of a document anew, so that openapi-python-client can read all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from document import Document, Node, escaped
from names import without_clashes
from schemas import Schemas, given

SENT = "; sent"
"""Marks the content type of a body."""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PATH_KEYS = ("$ref", "summary", "description", "servers", "parameters")
_READ_TYPES = ("application/json", "application/octet-stream")
_SENT_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data", *_READ_TYPES)
# OpenAPI 3.1.1, section 4.8.12.2.
_STYLES = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
_OWN_HEADERS = ("accept", "content-type", "authorization")
# openapi-python-client finds only such names in a path.
_PATH_NAME = re.compile(r"[a-zA-Z_-][a-zA-Z0-9_-]*")


def path_name(name: str) -> str:
    """Get the name under which openapi-python-client finds a parameter in its path."""
    return name if _PATH_NAME.fullmatch(name) else "p_" + re.sub(r"[^a-zA-Z0-9_-]", "_", name)


class Preparation(Schemas):
    """
    The document as openapi-python-client takes it.

    Attributes:
        content_types: Content types that it doesn't know, and the known ones that they are treated as.
        parameters: The parameters of each call with their places, by the call's place, their location and
            the name that they have here.
    """

    def __init__(self, document: Document, titles: dict[str, str], loosened: dict[str, str]) -> None:
        super().__init__(document, titles, loosened)
        self.content_types: dict[str, str] = {}
        self.parameters: dict[str, tuple[Node, str]] = {}

    def document(self) -> Node:
        """
        Write the whole document.

        Returns:
            A new document, with everything that a client is made of.

        Raises:
            DocumentError: If the document is wrong.
        """
        root = self._document.root
        components = self.kinds.mapping(given(root.get("components")), "/components")
        schemas = self.kinds.mapping(given(components.get("schemas")), "/components/schemas")
        info = self.kinds.mapping(given(root.get("info")), "/info")
        if root.get("webhooks"):
            self.notice("/webhooks", "webhooks aren't generated: a client doesn't receive calls")
        return {
            "openapi": "3.1.0",
            "info": {"title": str(info.get("title", "API")), "version": str(info.get("version", "0"))},
            "paths": self._paths(),
            "components": {
                "schemas": _referred_to_first(
                    {
                        self.component_names[name]: self.component(node, place)
                        for name, node in schemas.items()
                        if self.kinds.meant_by(place := f"/components/schemas/{escaped(name)}") == place
                    }
                )
            },
        }

    def _paths(self) -> Node:
        paths = self._document.root.get("paths")
        if paths is None and self._document.is_old:
            raise self._document.wrong("", "`paths` is missing")
        written: Node = {}
        seen: dict[str, str] = {}
        for path, item in self.kinds.mapping(given(paths), "/paths").items():
            if path.startswith("x-"):
                continue
            place = f"/paths/{escaped(path)}"
            if not path.startswith("/"):
                raise self._document.wrong(place, "a path begins with a slash")
            sent, _, fragment = path.partition("#")
            before, _, query = sent.partition("?")
            if set(re.sub(r"{[^{}]*}", "", before) + query) & set("{}"):
                raise self._document.wrong(
                    place, "a path holds a brace only around a name, and none behind its `?`"
                )
            if fragment:
                self.notice(place, f"`#{fragment}` isn't sent: it tells calls of one path apart")
            item, place = self._document.followed(item, place)
            self._look_at_methods(item, place)
            written[path] = {}
            for method in METHODS:
                if method in item:
                    where = f"{place}/{method}"
                    operation, where = self._document.followed(self.kinds.mapping(item[method], where), where)
                    name = operation.get("operationId")
                    if isinstance(name, list | dict):
                        raise self._document.wrong(where, f"`operationId` must be text, not {name!r}")
                    if name is not None and seen.setdefault(name, where) != where:
                        raise self._document.wrong(
                            where, f"operationId {name!r} is also that of {seen[name]}"
                        )
                    renamed, written_operation = self._operation(path, item, place, operation, where)
                    written.setdefault(renamed, {})[method] = written_operation
        return {path: item for path, item in written.items() if item}

    def _look_at_methods(self, item: Node, place: str) -> None:
        """Refuse what looks like a call and isn't one, such as `GET`: it would be left out without a word."""
        for key, value in item.items():
            if key in METHODS + _PATH_KEYS or key.startswith("x-"):
                continue
            if key.lower() in METHODS or (isinstance(value, dict) and "responses" in value):
                raise self._document.wrong(
                    place, f"{key!r} is not a method: it must be one of {', '.join(METHODS)}"
                )
            self.notice(place, f"`{key}` isn't known here")

    def _operation(
        self, path: str, item: Node, item_place: str, operation: Node, place: str
    ) -> tuple[str, Node]:
        if "responses" not in operation and self._document.is_old:
            raise self._document.wrong(place, "'responses' is missing")
        renamed, parameters = self._parameters(path, item, item_place, operation, place)
        for owner, where in ((item, item_place), (operation, place)):
            if owner.get("servers"):
                self.notice(where, "`servers` isn't followed: the call goes to the client's own URL")
        if operation.get("callbacks"):
            self.notice(place, "`callbacks` aren't generated: a client doesn't receive calls")
        written: Node = {
            "description": place,
            "tags": [str(tag) for tag in self.kinds.listed(operation.get("tags"), f"{place}/tags")],
            "parameters": parameters,
            "responses": self._responses(operation, place),
        }
        if operation.get("operationId") is not None:
            written["operationId"] = str(operation["operationId"])
        if operation.get("requestBody") is not None:
            written["requestBody"] = self._body(operation["requestBody"], f"{place}/requestBody")
        return renamed, written

    def _parameters(
        self, path: str, item: Node, item_place: str, operation: Node, place: str
    ) -> tuple[str, list[Node]]:
        """Write the parameters of an operation, and its path with names that are found in it."""
        declared: dict[tuple[str, str], tuple[Node, str]] = {}
        for owner, where in ((item, item_place), (operation, place)):
            own: set[tuple[str, str]] = set()
            for index, node in enumerate(self.kinds.listed(owner.get("parameters"), f"{where}/parameters")):
                parameter, at = self._document.followed(node, f"{where}/parameters/{index}")
                key = self._parameter_key(parameter, at)
                if key in own:
                    raise self._document.wrong(at, f"the parameter {key[1]!r} ({key[0]}) is listed twice")
                own.add(key)
                declared[key] = parameter, at
        # OpenAPI 3.1.1, section 4.8.12.1: "the parameter definition SHALL be ignored".
        ignored = [key for key in declared if key[0] == "header" and key[1].lower() in _OWN_HEADERS]
        for key in ignored:
            del declared[key]
        named = re.findall(r"{([^{}]*)}", path)
        if twice := [name for name in named if named.count(name) > 1]:
            raise self._document.wrong(place, f"the path holds {{{twice[0]}}} twice")
        given = [name for location, name in declared if location == "path"]
        for name in named:
            if name not in given:
                raise self._document.wrong(
                    place, f"the path holds {{{name}}}, but there is no such path parameter"
                )
        for name in given:
            if name not in named:
                raise self._document.wrong(place, f"the path parameter {name!r} is not in the path")
        written: list[Node] = []
        for location in dict.fromkeys(location for location, _ in declared):
            names = without_clashes(name for each, name in declared if each == location)
            for name, found in names.items():
                prepared = path_name(found) if location == "path" else found
                parameter, at = declared[location, name]
                path = path.replace(f"{{{name}}}", f"{{{prepared}}}") if location == "path" else path
                written.append({**self._parameter(parameter, at), "name": prepared})
                self.parameters[f"{place} {location} {prepared}"] = parameter, at
        return path, written

    def _parameter_key(self, parameter: Node, place: str) -> tuple[str, str]:
        for key in ("name", "in"):
            if not isinstance(parameter.get(key), str) or not parameter[key]:
                raise self._document.wrong(place, f"`{key}` is missing")
        if parameter["in"] not in ("path", "query", "header", "cookie"):
            raise self._document.wrong(
                place, f"`in` must be path, query, header or cookie, not {parameter['in']!r}"
            )
        self.flags(parameter, ("required", "explode", "deprecated", "allowReserved"), place)
        self.named(parameter, "x-python-name", place)
        style, styles = parameter.get("style"), _STYLES[parameter["in"]]
        if style is not None and style not in styles:
            raise self._document.wrong(place, f"`style` must be {' or '.join(styles)} here, not {style!r}")
        if parameter["in"] == "path" and parameter.get("required") is not True:
            raise self._document.wrong(place, "a path parameter must have `required: true`")
        return parameter["in"], parameter["name"]

    def _parameter(self, parameter: Node, place: str) -> Node:
        if "schema" in parameter:
            schema = self.schema(parameter["schema"], f"{place}/schema")
        elif parameter.get("content"):
            kind = next(iter(self.kinds.mapping(parameter["content"], f"{place}/content")))
            where = f"{place}/content/{escaped(kind)}"
            media = self.kinds.mapping(parameter["content"][kind], where)
            schema = (
                self.schema(media["schema"], f"{where}/schema")
                if "schema" in media
                else {"description": place}
            )
        else:
            raise self._document.wrong(place, "`schema` is missing")
        if parameter.get("allowReserved"):
            self.notice(place, "`allowReserved` isn't honoured: reserved characters are percent-encoded")
        return {
            "in": parameter["in"],
            "required": bool(parameter.get("required")),
            "schema": schema,
        }

    def _responses(self, operation: Node, place: str) -> Node:
        """Write the successful answers; what the others hold ends in an exception, as it stands."""
        declared = self.kinds.mapping(given(operation.get("responses")), f"{place}/responses")
        for status in declared:
            if not re.fullmatch(r"default|[1-5](\d\d|XX)|x-.*", status):
                raise self._document.wrong(
                    f"{place}/responses/{status}", "must be a status, such as 200 or 2XX"
                )
        statuses = [status for status in declared if status.startswith("2")]
        statuses = statuses or [status for status in declared if status == "default"]
        written: Node = {}
        for status in statuses:
            answer, where = self._document.followed(declared[status], f"{place}/responses/{status}")
            written[status] = {"description": where}
            if not place.endswith("/head"):
                content = self.kinds.mapping(given(answer.get("content")), f"{where}/content")
                written[status]["content"] = {
                    kind: self._media(kind, media, f"{where}/content/{escaped(kind)}", _READ_TYPES)
                    for kind, media in content.items()
                }
        return written

    def _body(self, node: Any, place: str) -> Node:
        body, place = self._document.followed(node, place)
        self.flags(body, ("required",), place)
        self.named(body, "x-argument", place)
        content = self.kinds.mapping(given(body.get("content")), f"{place}/content")
        if not content:
            raise self._document.wrong(place, "`content` is missing")
        return {
            "description": place,
            "required": bool(body.get("required")),
            "content": {
                # What openapi-python-client takes a content type for holds for answers as well; it differs
                # for text.
                f"{kind}{SENT}": self._media(
                    f"{kind}{SENT}", media, f"{place}/content/{escaped(kind)}", _SENT_TYPES
                )
                for kind, media in content.items()
            },
        }

    def _media(self, kind: str, media: Any, place: str, known: tuple[str, ...]) -> Node:
        media = self.kinds.mapping(media, place)
        plain = kind.partition(";")[0].strip().lower()
        text = plain.startswith("text/") and known is _READ_TYPES
        if plain not in known and not plain.endswith("+json") and not text:
            self.content_types[kind] = "application/octet-stream"
        elif kind != plain:
            self.content_types[kind] = plain
        if "encoding" in media:
            self.notice(place, "`encoding` isn't honoured")
        return {"schema": self.schema(media["schema"], f"{place}/schema") if "schema" in media else {}}


def _referred_to_first(schemas: Node) -> Node:
    """
    Order schemas so that each stands behind those that it refers to, but in circles.

    openapi-python-client tries those again that refer to later ones. Of a union it has made the classes by
    then, and takes them for others of the same name.
    """
    ordered: Node = {}
    begun: set[str] = set()
    for first in schemas:
        waiting = [first]
        while waiting:
            name = waiting[-1]
            if name in begun:
                waiting.pop()
                ordered.setdefault(name, schemas[name])
                continue
            begun.add(name)
            waiting += [each for each in _referred_to(schemas[name]) if each in schemas and each not in begun]
    return ordered


def _referred_to(node: Any) -> Iterator[str]:
    """Find the names of the schemas that a prepared one refers to."""
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference.rpartition("/")[2]
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _referred_to(each)
