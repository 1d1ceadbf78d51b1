"""The reference of the REST calls, from `openapi.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

METHODS = ("get", "post", "put", "patch", "delete")


def page(root: Path) -> str:
    """Every call, with its parameters, its body and its answers."""
    document = yaml.safe_load((root / "openapi.yaml").read_text("utf-8"))
    lines = [
        "# REST calls\n",
        "Made from [`openapi.yaml`](../../openapi.yaml), which also describes every model field by field. The stream's "
        "lines are in [the wire format](../wire.md).\n",
    ]
    for tag in document["tags"]:
        lines += [f"## {tag['name'].replace('-', ' ').capitalize()}\n", f"{_words(tag.get('description'))}\n"]
        for path, item in document["paths"].items():
            for method in METHODS:
                call = item.get(method)
                if call and tag["name"] in call["tags"]:
                    lines += _call(document, method, path, item, call)
    return "\n".join(lines)


def _call(
    document: Mapping[str, Any], method: str, path: str, item: Mapping[str, Any], call: Mapping[str, Any]
) -> Iterator[str]:
    yield f"### {method.upper()} {path}\n"
    yield f"{_words(call.get('summary'))} {_words(call.get('description'))}\n"
    yield f"In both clients: `{call['operationId']}`.\n"
    parameters = [
        _found(document, each) for each in [*item.get("parameters", ()), *call.get("parameters", ())]
    ]
    if parameters:
        yield "| parameter | in | type | meaning |\n|---|---|---|---|"
        for each in parameters:
            needed = ", required" if each.get("required") else ""
            kind = _type(each.get("schema", {}))
            yield f"| `{each['name']}` | {each['in']}{needed} | {kind} | {_cell(each.get('description'))} |"
        yield ""
    if body := call.get("requestBody"):
        body = _found(document, body)
        for kind, content in body["content"].items():
            yield f"Body: {_type(content['schema'])} as `{kind}`.\n"
    yield "| status | answer | |\n|---|---|---|"
    for status, answer in call["responses"].items():
        answer = _found(document, answer)
        kinds = [
            _type(content["schema"]) for content in answer.get("content", {}).values() if "schema" in content
        ]
        yield f"| {status} | {', '.join(dict.fromkeys(kinds))} | {_cell(answer.get('description'))} |"
    yield ""


def _found(document: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference."""
    while "$ref" in value:
        target: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        value = target
    return value


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words; a model leads to its page."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name == "StreamMessage":  # one of several models, told apart by their type
            return "[messages](../wire.md#messages)"
        return f"[{name}](models.md#{name.lower()})"
    for word in ("oneOf", "anyOf", "allOf"):
        if word in schema:
            return " or ".join(_type(each) for each in schema[word])
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        kind = " or ".join(kind)
    return f"list of {_type(schema['items'])}" if kind == "array" and "items" in schema else str(kind)


def _words(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip()


def _cell(text: str | None) -> str:
    return _words(text).replace("|", "\\|")
