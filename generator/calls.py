"""The calls as the templates print them: a builder of the request, and a method of both clients."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from bodies import Argument, Bodies, Body
from defaults import Defaults
from document import Document, Node
from names import identifier, in_f_string, python_name
from parsed import Endpoint, EndpointCollection, ListProperty, ModelProperty, PropertyProtocol
from prepare import Preparation
from properties import Properties
from rules import Rules, docstring
from types_of import or_none, place_of

_BUILDER_RAISES = {"EventStreamerValidationError": "If an argument breaks a rule of the API."}
_METHOD_RAISES = {
    "EventStreamerValidationError": "If an argument breaks a rule of the API, here or in the service.",
    "EventStreamerSDKError": "If the call fails; the subclass and `status_code` say how.",
}
# RFC 9110, section 9.2.2: these may be repeated whatever they do.
_IDEMPOTENT = ("get", "put", "delete", "head", "options", "trace")
_STYLES = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
_ORDER = {"path": 0, "body": 1, "query": 2, "header": 4, "cookie": 4}
# What the methods take besides the arguments of their calls (`CallOptions` in runtime/types.py).
_OF_EVERY_CALL = frozenset({"options", "timeout", "max_retries", "headers"})
_PLAIN = {"str", "int", "float", "bool"}


@dataclass(kw_only=True)
class Call:
    """A call."""

    id: str
    method_name: str
    method: str
    path: str
    arguments: list[Argument]
    query: str
    headers: str
    body: list[str]
    json: str
    content: bool
    hint: str
    answers: str | None
    parse: str
    read_as: str | None
    builder_doc: str
    method_doc: str
    safe: bool
    keyed: bool
    generated_method: bool
    classes: list[tuple[str, str]] = field(default_factory=list)
    runtime_classes: list[tuple[str, str]] = field(default_factory=list)


class Calls:
    """
    Writes calls.

    Attributes:
        by_tag: All calls by the tag of their module.
    """

    def __init__(
        self,
        document: Document,
        preparation: Preparation,
        rules: Rules,
        properties: Properties,
        defaults: Defaults,
        collections: dict[str, EndpointCollection],
        taken: Collection[str],
    ) -> None:
        """
        Get ready.

        Args:
            document: The document.
            preparation: Where it is told what isn't enforced.
            rules: What openapi-python-client drops.
            properties: How values are written.
            defaults: What stands in for values that are left out.
            collections: The endpoints by tag.
            taken: Names that the clients' methods can't have.
        """
        self._document = document
        self._preparation = preparation
        self._rules = rules
        self._properties = properties
        self._defaults = defaults
        self._bodies = Bodies(document, properties)
        self._taken = taken
        self.by_tag: dict[str, list[Call]] = {}
        seen: set[str] = set()
        for tag, collection in collections.items():
            for endpoint in collection.endpoints:
                if endpoint.name in seen:
                    endpoint.name = identifier(f"{endpoint.name}_{endpoint.method}")
                seen.add(endpoint.name)
            self.by_tag[str(tag)] = [self._call(endpoint) for endpoint in collection.endpoints]

    def _call(self, endpoint: Endpoint) -> Call:
        place = endpoint.description.get_untrusted_value()
        declared: Node = self._document.at(place)
        handwritten = bool(declared.get("x-handwritten"))
        arguments, classes, names = self._arguments(endpoint, place)
        result = self._bodies.result(endpoint, handwritten)
        body = self._bodies.body(
            endpoint, declared, place, {*_OF_EVERY_CALL, *(each.name for each in arguments)}
        )
        headers = self._headers(arguments, body)
        if body is not None:
            arguments.append(body.argument)
            classes |= body.classes
        arguments.sort(key=lambda each: _ORDER[each.place] + (each.default is not None))
        method_name = str(endpoint.name)
        if method_name in self._taken and not handwritten:
            method_name += "_"
            self._preparation.notice(
                place, f"the clients have a {endpoint.name} already: the call is {method_name}"
            )
        summary = (
            str(declared.get("summary") or "").strip()
            or f"Call {endpoint.method.upper()} {self._path(place)}."
        )
        description = str(declared.get("description") or "")
        if declared.get("deprecated"):
            description = f"Deprecated: the service may stop answering this call.\n\n{description}"
        told = [(each.name, each.doc) for each in arguments]
        own = [(each.name, each.doc) for each in arguments if not each.client_fills]
        own.append(("**options", "See `CallOptions`."))
        returns = f"The request. Its result: {result.doc}"
        return Call(
            id=str(endpoint.name),
            method_name=method_name,
            method=endpoint.method.upper(),
            path=self._url(endpoint, names, arguments),
            arguments=arguments,
            query=self._query(endpoint, arguments),
            headers=headers,
            body=body.lines if body else [],
            json=body.json if body else "None",
            content=bool(body and body.content),
            hint=result.hint,
            answers=result.answers,
            parse=result.parse,
            read_as=result.read_as,
            builder_doc=docstring(summary, description, told, returns, _BUILDER_RAISES),
            method_doc=docstring(summary, description, own, result.doc, _METHOD_RAISES),
            safe=endpoint.method in _IDEMPOTENT or bool(declared.get("x-safe-to-repeat")),
            keyed=any(each.wire.lower() == "idempotency-key" for each in arguments if each.place == "header"),
            generated_method=not handwritten,
            classes=sorted(classes | result.classes),
            runtime_classes=sorted(result.runtime | (body.runtime if body else set())),
        )

    def _path(self, place: str) -> str:
        return place.split("/")[2].replace("~1", "/").replace("~0", "~")

    def _arguments(
        self, endpoint: Endpoint, place: str
    ) -> tuple[list[Argument], set[tuple[str, str]], dict[str, str]]:
        """Get a call's arguments, their classes, and their names by openapi-python-client's."""
        arguments: list[Argument] = []
        classes: set[tuple[str, str]] = set()
        names: dict[str, str] = {}
        for location, prop in endpoint.iter_all_parameters():
            prepared = f"{place} {location.value} {prop.name.get_untrusted_value()}"
            node, where = self._preparation.parameters[prepared]
            wire = node["name"]
            wanted = node.get("x-python-name") or prop.python_name
            name = python_name(str(wanted), wire, {*_OF_EVERY_CALL, *(each.name for each in arguments)})
            names[str(prop.python_name)] = name
            classes |= set(self._properties.classes(prop))
            arguments.append(self._argument(prop, name, wire, str(location.value), node, where))
        return arguments, classes, names

    def _argument(
        self, prop: PropertyProtocol, name: str, wire: str, location: str, node: Node, where: str
    ) -> Argument:
        schema = f"{where}/schema" if "schema" in node else place_of(prop)
        places = [schema] if schema else []
        declared = self._defaults.of(prop, places)
        required = bool(node.get("required"))
        hint = self._properties.hint(prop)
        default = None
        check = self._properties.check(prop, places)
        if not required:
            default = repr(declared) if isinstance(declared, str | int | float) and hint in _PLAIN else "None"
            if default == "None":
                hint = or_none(hint)
                check = (
                    check
                    if "nullable(" in check[:18] or check == "_check.anything()"
                    else f"_check.nullable({check})"
                )
        members = self._properties.members(prop)
        structured = any(isinstance(each, ListProperty | ModelProperty) for each in members)
        style = str(node.get("style") or _STYLES[location])
        described = dict(node) if "description" in node else {}
        text = " ".join(str(described.get("description") or self._rules.description(places)).split())
        return Argument(
            name=name,
            wire=wire,
            place=location,
            hint=hint,
            check=check,
            default=default,
            client_fills=bool(node.get("x-client-fills")),
            doc=self._argument_doc(text, places, node),
            style="json" if "schema" not in node else style,
            explode=bool(node.get("explode", style in ("form", "deepObject"))),
            structured=structured or "schema" not in node,
        )

    def _argument_doc(self, text: str, places: list[str], node: Node) -> str:
        limits = self._rules.documented(places)
        own = self._rules.description(places)
        limits = limits.removeprefix(own).strip()
        parts = [
            text,
            limits,
            "Deprecated." if node.get("deprecated") and "Deprecated." not in limits else "",
        ]
        return " ".join(part for part in parts if part)

    def _url(self, endpoint: Endpoint, names: dict[str, str], arguments: list[Argument]) -> str:
        """The path as an f-string."""
        by_name = {each.name: each for each in arguments}
        parts = re.split(r"{([^{}]*)}", re.split("[?#]", endpoint.path.get_untrusted_value())[0])
        written = ""
        for index, part in enumerate(parts):
            if index % 2 == 0:
                written += in_f_string(part)
                continue
            argument = by_name[names[part]]
            styled = argument.structured or argument.style != "simple"
            extra = f", {argument.style!r}, {argument.explode}, {argument.wire!r}" if styled else ""
            is_last = index == len(parts) - 2 and not parts[-1] and parts[index - 1].endswith("/")
            function = "last_in_path" if is_last else "in_path"
            written += f"{{_send.{function}({argument.name}{extra})}}"
        return f'f"{written}"' if len(parts) > 1 else f'"{written}"'

    def _query(self, endpoint: Endpoint, arguments: list[Argument]) -> str:
        query = [each for each in arguments if each.place == "query"]
        _, _, fixed = endpoint.path.get_untrusted_value().partition("#")[0].partition("?")
        by_wire = {name: repr(value) for name, value in parse_qsl(fixed, keep_blank_values=True)}
        by_wire |= {each.wire: each.name for each in query if not each.structured}
        plain = ", ".join(f"{name!r}: {value}" for name, value in by_wire.items())
        styled = [
            f"_send.styled({each.wire!r}, {each.name}, {each.style!r}, {each.explode})"
            for each in query if each.structured
        ]  # fmt: skip
        return f"_send.in_query({', '.join([f'{{{plain}}}', *styled])})" if query or fixed else "{}"

    def _headers(self, arguments: list[Argument], body: Body | None) -> str:
        headers = ", ".join(f"{each.wire!r}: {each.name}" for each in arguments if each.place == "header")
        cookies = ", ".join(f"{each.wire!r}: {each.name}" for each in arguments if each.place == "cookie")
        exploded = [
            each.wire for each in arguments if each.place == "header" and each.explode and each.structured
        ]
        parts = [f"{{{headers}}}"]
        parts += [f"{{{cookies}}}"] if cookies else []
        parts += [f"explode=frozenset({exploded!r})"] if exploded else []
        written = f"_send.in_headers({', '.join(parts)})" if headers or cookies else "{}"
        if body and body.headers:
            return f"{{**{written}, **_headers}}" if headers or cookies else "_headers"
        return written
