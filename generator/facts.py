"""
Turns the OpenAPI document into the Python expressions that the templates print.

openapi-python-client reads the document, checks its references and decides which files there are. It drops
what its own templates have no use for: constraints, most defaults, vendor extensions. This module reads those
from the same document and hands them to the templates as plain data, so that the templates only print and
every decision is made here, in Python.
"""

from __future__ import annotations

import keyword
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Schema = dict[str, Any]

_CONSTRAINTS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "pattern": "pattern",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_items",
    "maxItems": "max_items",
}
# What says nothing about the value, or is read elsewhere in this module.
_OTHER_KEYWORDS = {
    *("$ref", "type", "const", "format", "items", "properties", "required", "additionalProperties", "anyOf"),
    *("title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly"),
}
_TAKEN_NAMES = {"additional_properties", "from_dict", "to_dict"}
_SCALARS = {
    "string": ("str", "text"),
    "integer": ("int", "integer"),
    "number": ("float", "number"),
    "boolean": ("bool", "boolean"),
}
_BUILDER_RAISES = {"EventStreamerValidationError": "If an argument breaks a rule of the API."}
_METHOD_RAISES = {
    "EventStreamerValidationError": "If an argument breaks a rule of the API, here or in the service.",
    "EventStreamerSDKError": "If the call fails; the subclass and `status_code` say how.",
}
_WIDTH = 96
_METHODS = ("get", "put", "post", "delete", "patch")
# RFC 9110, section 9.2.2: these may be repeated whatever they do.
_IDEMPOTENT = ("get", "put", "delete")


class UnsupportedSchemaError(Exception):
    """The document uses something that the generator does not know how to express."""


def of_document(document: Schema) -> dict[str, Any]:
    """
    Collect what the templates print.

    Args:
        document: The whole OpenAPI document.

    Returns:
        `models` by schema name and `operations` by operation id.

    Raises:
        UnsupportedSchemaError: Where the document goes beyond what the generator knows.
    """
    models, operations = {}, {}
    for name, schema in document["components"]["schemas"].items():
        if is_model(schema):
            with _in(name):
                models[name] = _model(name, schema)
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                with _in(f"{method.upper()} {path}"):
                    operation = _operation(document, path, item, method)
                    operations[operation["id"]] = operation
    for user in [*models.values(), *operations.values()]:
        for name in set(user["imports"]) - set(models):
            raise UnsupportedSchemaError(f"{name}: a $ref has to lead to an object with properties")
    return {"models": models, "operations": operations}


@contextmanager
def _in(where: str) -> Iterator[None]:
    """Say in an error which part of the document it is about."""
    try:
        yield
    except UnsupportedSchemaError as error:
        raise UnsupportedSchemaError(f"{where}: {error}") from None
    except KeyError as error:
        raise UnsupportedSchemaError(f"{where}: {error} is missing") from error


def is_model(schema: Schema) -> bool:
    """Whether a schema becomes a class: an object with properties of its own."""
    return "properties" in schema


def _model(name: str, schema: Schema) -> dict[str, Any]:
    required = schema.get("required", [])
    fields = [
        _field(field, declared, required=field in required)
        for field, declared in schema["properties"].items()
    ]
    references = sorted(
        {reference for declared in schema["properties"].values() for reference in _references(declared)}
    )
    return {
        "doc": schema.get("description", name).strip(),
        "fields": fields,
        "imports": [reference for reference in references if reference != name],
        "needs_one_of": [alternative["required"][0] for alternative in schema.get("anyOf", [])],
    }


def _field(name: str, schema: Schema, *, required: bool) -> dict[str, Any]:
    if not name.isidentifier() or keyword.iskeyword(name) or name in _TAKEN_NAMES:
        raise UnsupportedSchemaError(f"field {name!r}: a model cannot have an attribute of this name")
    annotation, check = annotation_of(schema), check_of(schema)
    may_be_none = (
        _is_nullable(schema) or (not required and "default" not in schema) or "x-client-fills" in schema
    )
    if may_be_none:
        annotation, check = _or_none(annotation), f"nullable({check})"
    return {
        "name": name,
        "annotation": annotation,
        "check": check,
        "default": _default(schema, required=required, may_be_none=may_be_none),
        "fallback": _fallback(schema, required=required),
        "decode": decoder_of(schema),
        "encode": encoder_of(schema, f"self.{name}"),
        "may_be_none": may_be_none,
        "nullable": _is_nullable(schema),
        "always_sent": required and "x-client-fills" not in schema,
        "null_clears": bool(schema.get("x-null-clears")),
        "secret": schema.get("format") == "password",
        "doc": _described(schema),
    }


def _default(schema: Schema, *, required: bool, may_be_none: bool) -> str | None:
    """The argument of `attrs.field` that makes the field optional, or None for one that has to be given."""
    if "const" in schema:
        return f"default={schema['const']!r}"
    if "default" in schema:
        default = schema["default"]
        if isinstance(default, list | dict):
            if default:
                raise UnsupportedSchemaError(
                    f"a default of {default!r}: only empty lists and objects are supported"
                )
            return f"factory={type(default).__name__}"
        return f"default={default!r}"
    if may_be_none and (not required or "x-client-fills" in schema):
        return "default=None"
    return None


def _fallback(schema: Schema, *, required: bool) -> str | None:
    """What a message without the field means, as an expression, or None where it has to hold the field."""
    if required:
        return None
    return repr(schema.get("default"))


def annotation_of(schema: Schema) -> str:
    """
    Get the type hint of a schema, without `None`.

    Args:
        schema: Any schema of the document.

    Returns:
        The hint as source text.
    """
    if "$ref" in schema:
        return _referenced(schema)
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    kind = _kind(schema)
    if kind == "array":
        return f"list[{annotation_of(schema['items'])}]"
    if kind == "object":
        return f"dict[str, {annotation_of(_values(schema))}]"
    if _is_time(schema):
        return "datetime.datetime"
    return _SCALARS[kind][0] if kind in _SCALARS else "Any"


def check_of(schema: Schema) -> str:
    """
    Get the check of a schema's constraints.

    Args:
        schema: Any schema of the document.

    Returns:
        An expression of the generated `types` module that makes the check.
    """
    if "$ref" in schema:
        return f"instance({_referenced(schema)!r})"
    if "const" in schema:
        return f"constant({schema['const']!r})"
    unknown = {key for key in schema if not key.startswith("x-")} - set(_CONSTRAINTS) - _OTHER_KEYWORDS
    if unknown:
        # To pass over a rule in silence would be worse. An `enum`, for one, is better a plain string whose
        # values stand in its description: a service may add some.
        raise UnsupportedSchemaError(f"{', '.join(sorted(unknown))}: not supported in a schema")
    kind = _kind(schema)
    limits = [f"{_CONSTRAINTS[name]}={value!r}" for name, value in schema.items() if name in _CONSTRAINTS]
    if schema.get("format") == "password":
        limits.append("secret=True")
    if kind == "array":
        return f"array({', '.join([check_of(schema['items']), *limits])})"
    if kind == "object":
        return f"mapping({check_of(_values(schema))})"
    if _is_time(schema):
        return "moment()"
    return f"{_SCALARS[kind][1]}({', '.join(limits)})" if kind in _SCALARS else "anything()"


def decoder_of(schema: Schema) -> str:
    """
    Get the function that turns decoded JSON into the schema's Python value.

    Args:
        schema: Any schema of the document.

    Returns:
        An expression of the generated `types` module.
    """
    if "$ref" in schema:
        return f"{_referenced(schema)}.from_dict"
    kind = _kind(schema)
    if kind == "array":
        return f"list_of({decoder_of(schema['items'])})"
    if kind == "object":
        return f"map_of({decoder_of(_values(schema))})"
    if kind == "integer":
        return "to_integer"
    return "to_datetime" if _is_time(schema) else "as_is"


def encoder_of(schema: Schema, value: str) -> str:
    """
    Get the expression that turns a Python value into JSON.

    Args:
        schema: Any schema of the document.
        value: The expression that holds the value.

    Returns:
        The expression as source text.
    """
    if "$ref" in schema:
        return f"{value}.to_dict(include_none=include_none)"
    kind = _kind(schema)
    if kind == "array":
        item = encoder_of(schema["items"], "item")
        return f"list({value})" if item == "item" else f"[{item} for item in {value}]"
    if kind == "object":
        # Maps in maps need a name for each level.
        key, inner = f"key{value.count('inner')}", f"inner{value.count('inner')}"
        item = encoder_of(_values(schema), inner)
        return (
            f"dict({value})" if item == inner else f"{{{key}: {item} for {key}, {inner} in {value}.items()}}"
        )
    return f"to_iso({value})" if _is_time(schema) else value


def _operation(document: Schema, path: str, item: Schema, method: str) -> dict[str, Any]:
    declared = item[method]
    parameters = [_resolved(document, p) for p in item.get("parameters", []) + declared.get("parameters", [])]
    arguments = [_parameter(parameter) for parameter in parameters]
    body = declared.get("requestBody")
    if body is not None:
        arguments.append(_body(_resolved(document, body)))
    order = {"path": 0, "body": 1, "query": 2, "header": 4}
    arguments.sort(key=lambda argument: order[argument["place"]] + (argument["default"] is not None))
    success, description = _success(document, declared)
    return {
        "id": declared["operationId"],
        "method": method.upper(),
        "path": path,
        "arguments": arguments,
        "result": success,
        "builder_doc": _docstring(
            declared, arguments, f"The request. Its result: {description}", _BUILDER_RAISES
        ),
        "method_doc": _docstring(
            declared, [a for a in arguments if not a["client_fills"]], description, _METHOD_RAISES
        ),
        "safe": method in _IDEMPOTENT or bool(declared.get("x-safe-to-repeat")),
        "generated_method": not declared.get("x-handwritten"),
        "imports": sorted(
            {argument["annotation"] for argument in arguments if argument["place"] == "body"}
            | ({success} if success not in ("bool", "None") else set())
        ),
    }


def _parameter(parameter: Schema) -> dict[str, Any]:
    schema, required = parameter["schema"], parameter.get("required", False)
    annotation, check, default = annotation_of(schema), check_of(schema), None
    if not required:
        default = repr(schema.get("default"))
    if not required and "default" not in schema:
        annotation, check = _or_none(annotation), f"nullable({check})"
    return {
        "name": parameter["name"].lower().replace("-", "_"),
        "wire": parameter["name"],
        "place": parameter["in"],
        "annotation": annotation,
        "check": check,
        "default": default,
        "client_fills": bool(parameter.get("x-client-fills")),
        "doc": _described({**schema, "description": parameter["description"]}),
    }


def _body(body: Schema) -> dict[str, Any]:
    schema = body["content"]["application/json"]["schema"]
    name = _referenced(schema)
    return {
        "name": body.get("x-argument", "body"),
        "wire": None,
        "place": "body",
        "annotation": name,
        "check": f"instance({name!r})",
        "default": None,
        "client_fills": False,
        "doc": body.get("description", f"The {name} to send.").strip(),
    }


def _success(document: Schema, declared: Schema) -> tuple[str, str]:
    """What a call gives back: a model, True for an empty answer, or nothing for a stream."""
    answers = [
        _resolved(document, answer)
        for status, answer in declared["responses"].items()
        if str(status).startswith("2")
    ]
    content = answers[0].get("content")
    description = answers[0]["description"].strip()
    if content is None:
        return "bool", f"True. {description}"
    if "application/json" not in content:
        return "None", description
    return _referenced(content["application/json"]["schema"]), description


def _docstring(
    declared: Schema, arguments: list[dict[str, Any]], returns: str, raises: dict[str, str]
) -> str:
    """A docstring in Google's style, from the call's own description."""
    parts = [_wrapped(declared["summary"])]
    parts += [_wrapped(paragraph) for paragraph in declared.get("description", "").split("\n\n") if paragraph]
    if arguments:
        parts.append(_section("Args", [f"{argument['name']}: {argument['doc']}" for argument in arguments]))
    parts.append(_section("Returns", [returns]))
    parts.append(_section("Raises", [f"{name}: {reason}" for name, reason in raises.items()]))
    return "\n\n".join(parts)


def _section(title: str, entries: list[str]) -> str:
    lines = [
        textwrap.fill(" ".join(entry.split()), _WIDTH, initial_indent="    ", subsequent_indent="        ")
        for entry in entries
    ]
    return "\n".join([f"{title}:", *lines])


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _WIDTH)


def _described(schema: Schema) -> str:
    """The description with what else a user has to know: default, range, shape."""
    text = " ".join(schema.get("description", "").split())
    rules = []
    if "minimum" in schema:
        rules.append(f"{schema['minimum']} or more")
    if "exclusiveMinimum" in schema:
        rules.append(f"more than {schema['exclusiveMinimum']}")
    if "pattern" in schema:
        rules.append(f"has the form `{schema['pattern']}`")
    if "minItems" in schema:
        rules.append(f"{schema['minItems']} item(s) or more")
    if "maxItems" in schema:
        rules.append(f"{schema['maxItems']} items at most")
    if "default" in schema:
        rules.append(f"default {schema['default']!r}")
    if rules:
        sentence = "; ".join(rules)
        text = f"{text} {sentence[0].upper()}{sentence[1:]}."
    return text.strip()


def _resolved(document: Schema, item: Schema) -> Schema:
    """Follow a `$ref` to a parameter, a body or a response."""
    if "$ref" not in item:
        return item
    target: Schema = document
    for part in item["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return target


def _references(schema: Any) -> set[str]:
    """The names of all schemas that a schema refers to."""
    if isinstance(schema, dict):
        own = {_referenced(schema)} if "$ref" in schema else set()
        # What no class is made of has no type of its own either.
        nested = {key: value for key, value in schema.items() if key in ("items", "additionalProperties")}
        return own.union(*(_references(value) for value in nested.values()))
    return set()


def _referenced(schema: Schema) -> str:
    reference: str = schema["$ref"]
    return reference.rpartition("/")[2]


def _values(schema: Schema) -> Schema:
    values = schema.get("additionalProperties", {})
    return values if isinstance(values, dict) else {}


def _kind(schema: Schema) -> str | None:
    """The one type of a schema besides null, or None for any value."""
    declared = schema.get("type")
    kinds = [kind for kind in (declared if isinstance(declared, list) else [declared]) if kind != "null"]
    if len(kinds) != 1:
        raise UnsupportedSchemaError(f"type {declared!r}: one type, or one and null, is supported")
    return kinds[0]


def _is_nullable(schema: Schema) -> bool:
    declared = schema.get("type")
    return isinstance(declared, list) and "null" in declared


def _is_time(schema: Schema) -> bool:
    return schema.get("format") == "date-time"


def _or_none(annotation: str) -> str:
    return annotation if annotation == "Any" else f"{annotation} | None"
