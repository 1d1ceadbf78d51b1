"""
Makes JSON values of a schema of an OpenAPI document, for Hypothesis.

hypothesis-jsonschema knows JSON Schema only: no `nullable`, no exclusive ends that are booleans, no
document around the schema. The keywords that this project's documents use are few.
"""

import datetime
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

_DEPTH = 4
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("aü", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=4,
)
_ZONES = st.sampled_from([datetime.UTC, datetime.timezone(datetime.timedelta(hours=5, minutes=30))])
_FORMATS = {
    "date": st.dates().map(str),
    "date-time": st.datetimes(timezones=_ZONES).map(lambda time: time.isoformat().replace("+00:00", "Z")),
    "uuid": st.uuids().map(str),
}


def values(document: Mapping[str, Any], schema: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a schema; references are followed in the document, to some depth where it isn't needed."""
    if isinstance(schema, bool) or schema == {}:
        return _ANY
    if "$ref" in schema and {"properties", "required", "minLength", "pattern"} & set(schema):
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        found = values(document, {"allOf": [{"$ref": schema["$ref"]}, rest]}, depth)
    elif "$ref" in schema:
        found = values(document, _target(document, schema["$ref"]), depth + 1)
    else:
        found = _typed(document, schema, depth)
    return found | st.none() if schema.get("nullable") else found


def _target(document: Mapping[str, Any], reference: str) -> Any:
    node: Any = document
    for token in reference[2:].split("/"):
        node = node[token.replace("~1", "/")]
    return node


def _typed(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "allOf" in schema:
        merged = _merged(document, schema)
        return _object(document, merged, depth) if merged["properties"] else _typed(document, merged, depth)
    for key in ("oneOf", "anyOf"):
        if any(set(member) - {"required"} for member in schema.get(key, [])):
            members = [_narrowed(document, schema, member) for member in schema[key]]
            return st.one_of([values(document, member, depth) for member in members])
    kinds = schema.get("type", "object" if "properties" in schema else None)
    kinds = [kind or "null" for kind in kinds] if isinstance(kinds, list) else [kinds]
    return st.one_of([_of_kind(document, schema, kind, depth) for kind in kinds])


def _narrowed(document: Mapping[str, Any], schema: Mapping[str, Any], member: Any) -> Any:
    """A member of a union whose discriminator has the value that leads to it."""
    if "discriminator" not in schema:
        return member
    name, mapping = schema["discriminator"]["propertyName"], schema["discriminator"].get("mapping", {})
    key = member["$ref"].rpartition("/")[2]
    named = [value for value, target in mapping.items() if target.rpartition("/")[2] == key]
    return {"allOf": [member, {"properties": {name: {"enum": named or [key]}}}]}


def _merged(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {"properties": {}, "required": []}
    for part in [*schema.get("allOf", []), {key: value for key, value in schema.items() if key != "allOf"}]:
        if "$ref" in part:
            part = _target(document, part["$ref"])
        part = _merged(document, part) if "allOf" in part else part
        merged |= {key: value for key, value in part.items() if key not in merged and key != "allOf"}
        merged["properties"] = _both(merged["properties"], part.get("properties", {}))
        merged["required"] += part.get("required", [])
    return merged


def _both(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of two descriptions of one thing, the second of which says no less than the first."""
    if "$ref" in narrow:
        return dict(narrow)
    shared = {key: _both(wide[key], narrow[key]) for key in wide if isinstance(narrow.get(key), dict)}
    return {**wide, **narrow, **shared}


def _of_kind(
    document: Mapping[str, Any], schema: Mapping[str, Any], kind: str | None, depth: int
) -> st.SearchStrategy[Any]:
    match kind:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            low, high = schema.get("minimum", -1000), schema.get("maximum", 1000)
            step = schema.get("multipleOf", 1)
            return st.integers(-(-low // step), high // step).map(lambda count: count * step)
        case "number":
            return _numbers(schema)
        case "string":
            return _strings(schema)
        case "array":
            return _lists(document, schema, depth)
        case "object":
            return _object(document, schema, depth)
    return _ANY


def _numbers(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "multipleOf" in schema:
        return st.integers(-99, 99).map(lambda count: round(count * schema["multipleOf"], 3))
    ends: dict[str, Any] = {"min_value": schema.get("minimum"), "max_value": schema.get("maximum")}
    for end, name in (("min", "exclusiveMinimum"), ("max", "exclusiveMaximum")):
        if name in schema and not isinstance(schema[name], bool):
            ends |= {f"{end}_value": schema[name], f"exclude_{end}": True}
        elif schema.get(name):
            ends |= {f"exclude_{end}": True}
    return st.floats(allow_nan=False, allow_infinity=False, **ends)


def _strings(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if "pattern" in schema and r"\p" not in schema["pattern"]:
        return st.from_regex(schema["pattern"].removeprefix("^").removesuffix("$"), fullmatch=True)
    least = schema.get("minLength", 0)
    return st.text("aü\u20ac0", min_size=least, max_size=min(schema.get("maxLength", 6), least + 6))


def _lists(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if "prefixItems" in schema:
        return st.tuples(*(values(document, item, depth) for item in schema["prefixItems"])).map(list)
    least = schema.get("minItems", 0)
    if depth >= _DEPTH and least == 0:
        return st.just([])
    most = least if depth >= _DEPTH else min(schema.get("maxItems", 3), least + 3)
    unique = {"unique_by": repr} if schema.get("uniqueItems") else {}
    return st.lists(
        values(document, schema.get("items", {}), depth + 1), min_size=least, max_size=most, **unique
    )


def _object(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    properties, required = schema.get("properties", {}), set(schema.get("required", []))
    forbidden: set[str] = set()
    for key in ("anyOf", "oneOf"):
        members = [member["required"] for member in schema.get(key, []) if set(member) == {"required"}]
        if members:
            required |= set(members[0])
            forbidden |= {name for member in members[1:] for name in member} if key == "oneOf" else set()
    needed = {name: values(document, properties[name], depth + 1) for name in properties if name in required}
    optional = {
        name: values(document, declared, depth + 1)
        for name, declared in properties.items()
        if name not in required | forbidden and depth < _DEPTH
    }
    more = schema.get("additionalProperties", not properties or None)
    extra = None
    if isinstance(more, dict) and depth < _DEPTH:
        extra = values(document, more, depth + 1)
    elif more is True:
        extra = _ANY
    least, most = schema.get("minProperties", 0), schema.get("maxProperties", 2)
    # Names that no schema uses; a name that none has is what a newer service sends.
    keys = st.text("xyz", min_size=1, max_size=3).filter(lambda name: name not in properties)
    rest = (
        st.just({})
        if extra is None or depth >= _DEPTH
        else st.dictionaries(keys, extra, min_size=0 if properties else least, max_size=most)
    )
    made = st.tuples(st.fixed_dictionaries(needed, optional=optional), rest).map(
        lambda parts: parts[1] | parts[0]
    )
    return made.filter(lambda value: len(value) >= least)
