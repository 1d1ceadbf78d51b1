"""What the generator says of a document: where it is wrong, and what of it isn't enforced."""

# ruff: noqa: E501 - the rows of a table are read as rows

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "generator"))

import generate  # noqa: E402
from support.echo_server import Echo  # noqa: E402
from support.trials import Trial  # noqa: E402

GOOD: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Things", "version": "1"},
    "paths": {
        "/things/{id}": {
            "get": {
                "operationId": "get_thing",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "responses": {
                    "200": {
                        "description": "A thing.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    }
                },
            }
        }
    },
    "components": {
        "schemas": {"Thing": {"type": "object", "properties": {"name": {"type": "string"}}}},
    },
}
FIELD = "/components/schemas/Thing/properties/name"
CALL = "/paths/~1things~1{id}/get"


def written(folder: Path, place: str, value: Any, **changes: Any) -> Path:
    """The good document with something else at one place."""
    document = copy.deepcopy(GOOD) | changes
    node: Any = document
    *way, last = [token.replace("~1", "/") for token in place.split("/")[1:]]
    for token in way:
        node = node[int(token)] if isinstance(node, list) else node.setdefault(token, {})
    if value is None:
        del node[last]
    elif isinstance(node, list):
        node[int(last)] = value
    else:
        node[last] = value
    path = folder / "things.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (FIELD, {"$ref": "#/components/schemas/Nothing"}, f"{FIELD}: $ref '#/components/schemas/Nothing' leads nowhere"),
        (FIELD, {"$ref": "other.yaml#/Thing"}, f"{FIELD}: $ref 'other.yaml#/Thing' leads nowhere: there is no file other.yaml"),
        (FIELD, {"$ref": "https://example.com/a.yaml#/A"}, f"{FIELD}: $ref 'https://example.com/a.yaml#/A' leads to another site"),
        (FIELD, {"$ref": "things.json#/components/schemas/Other/no"}, f"{FIELD}: $ref '#/components/schemas/Other/no' leads nowhere"),
        (FIELD, {"$ref": f"#{FIELD}"}, f"{FIELD}: the $ref leads in a circle"),
        (FIELD, {"type": "text"}, f"{FIELD}: 'text' is not a type: it must be one of string, integer"),
        (FIELD, ["string"], f"{FIELD}: must be an object, not ['string']"),
        (FIELD, {"type": "string", "default": True}, f"{FIELD}: the default must be a string, got True"),
        (FIELD, {"type": "string", "enum": ["a"], "default": "b"}, f"{FIELD}: the default must be one of 'a', got 'b'"),
        (FIELD, {"type": "string", "format": "uuid", "default": "x"}, f"{FIELD}: the default must be a UUID, got 'x'"),
        (FIELD, {"type": "string", "format": "date", "default": "soon"}, f"{FIELD}: the default must be an ISO 8601 date, got 'soon'"),
        (FIELD, {"type": "string", "format": "date-time", "default": "x"}, f"{FIELD}: the default must be an ISO 8601 time, got 'x'"),
        (FIELD, {"type": "integer", "maximum": 3, "default": 7}, f"{FIELD}: the default must be 3 or less, got 7"),
        (FIELD, {"anyOf": [{"type": "boolean"}, {"type": "integer"}], "default": "x"}, f"{FIELD}: the default is not a value that the schema allows: 'x'"),
        (FIELD, {"type": "array", "items": {"type": "string", "format": "uuid"}, "default": ["x"]}, f"{FIELD}: the default[0] must be a UUID, got 'x'"),
        (FIELD, {"type": "array", "items": {"$ref": "#/components/schemas/Other"}, "default": [{"size": 1}, {}]}, f"{FIELD}: the default[1].size is missing"),
        (FIELD, {"const": "a", "default": "b"}, f"{FIELD}: the default must be 'a', got 'b'"),
        (FIELD, {"$ref": "#/components/schemas/Day"}, "/components/schemas/Day: the default must be an ISO 8601 date, got 'soon'"),
        (f"{CALL}/parameters/0/schema", {"type": "string", "format": "uuid", "default": 3}, f"{CALL}/parameters/0/schema: the default must be a UUID, got 3"),
        (FIELD, {"type": "string", "enum": "a"}, f"{FIELD}/enum: must be a list, not 'a'"),
        (FIELD, {"type": "integer", "minimum": "0"}, f"{FIELD}: `minimum` can't be '0'"),
        (FIELD, {"type": "string", "maxLength": True}, f"{FIELD}: `maxLength` can't be True"),
        (FIELD, {"type": "string", "pattern": 5}, f"{FIELD}: `pattern` can't be 5"),
        (FIELD, {"oneOf": "a"}, f"{FIELD}/oneOf: must be a list, not 'a'"),
        (FIELD, {"type": "object", "properties": []}, f"{FIELD}/properties: must be an object, not []"),
        ("/components/schemas/Loop", {"$ref": "#/components/schemas/Loop"}, "/components/schemas/Loop: the $ref leads in a circle"),
        ("/components/schemas", ["Thing"], "/components/schemas: must be an object"),
        (f"{CALL}/parameters", None, f"{CALL}: the path holds {{id}}, but there is no such path parameter"),
        (f"{CALL}/parameters/0/required", False, f"{CALL}/parameters/0: a path parameter must have `required: true`"),
        (f"{CALL}/parameters/0/in", "body", f"{CALL}/parameters/0: `in` must be path, query, header or cookie, not 'body'"),
        (f"{CALL}/parameters/0/name", None, f"{CALL}/parameters/0: `name` is missing"),
        (f"{CALL}/parameters/0/name", "key", f"{CALL}: the path holds {{id}}"),
        (f"{CALL}/parameters/0/schema", None, f"{CALL}/parameters/0: `schema` is missing"),
        (f"{CALL}/parameters", [GOOD["paths"]["/things/{id}"]["get"]["parameters"][0]] * 2, "'id' (path) is listed twice"),
        (f"{CALL}/responses/abc", {"description": "x"}, f"{CALL}/responses/abc: must be a status, such as 200 or 2XX"),
        (f"{CALL}/responses/200", {"$ref": "#/components/responses/No"}, f"{CALL}/responses/200: $ref"),
        (f"{CALL}/requestBody", {"required": True}, f"{CALL}/requestBody: `content` is missing"),
        ("/paths/things", {"get": {}}, "/paths/things: a path begins with a slash"),
        ("/paths/~1b", {"get": {"operationId": "get_thing", "responses": {}}}, "/paths/~1b/get: operationId 'get_thing' is also that of /paths/~1things~1{id}/get"),
        ("/paths/~1b", {"get": "x"}, "/paths/~1b/get: must be an object, not 'x'"),
        (FIELD, {"$ref": 5}, f"{FIELD}: `$ref` must be text, not 5"),
        (FIELD, {"$ref": "#Thing"}, f"{FIELD}: $ref '#Thing' leads nowhere"),
        (FIELD, {"$ref": "#"}, f"{FIELD}: $ref '#' leads nowhere"),
        (FIELD, {"type": "string", "required": True}, f"{FIELD}/required: must be a list, not True"),
        (FIELD, {"type": "string", "nullable": "true"}, f"{FIELD}: `nullable` must be true or false, not 'true'"),
        (FIELD, {"type": "string", "x-python-name": "class"}, f"{FIELD}: `x-python-name` must be a name that Python allows, not 'class'"),
        (FIELD, {"type": "integer", "enum": ["a", "b"]}, f"{FIELD}: `enum` holds 'a', which is not an integer"),
        (FIELD, {"type": "string", "minLength": -1}, f"{FIELD}: `minLength` can't be -1"),
        (FIELD, {"type": "array", "maxItems": 2.5}, f"{FIELD}: `maxItems` can't be 2.5"),
        (FIELD, {"type": "integer", "multipleOf": 0}, f"{FIELD}: `multipleOf` can't be 0"),
        (FIELD, {"type": "number", "maximum": float("inf")}, f"{FIELD}: `maximum` can't be inf"),
        (FIELD, {"oneOf": [{"type": "string"}], "discriminator": "kind"}, f"{FIELD}/discriminator: must be an object, not 'kind'"),
        (FIELD, {"oneOf": [{"type": "string"}], "discriminator": {"propertyName": "kind", "mapping": ["a"]}}, f"{FIELD}/discriminator/mapping: must be an object, not ['a']"),
        (f"{CALL}/operationId", ["a"], f"{CALL}: `operationId` must be text, not ['a']"),
        (f"{CALL}/parameters/0/style", "form", f"{CALL}/parameters/0: `style` must be simple or label or matrix here, not 'form'"),
        (f"{CALL}/parameters/0/explode", "no", f"{CALL}/parameters/0: `explode` must be true or false, not 'no'"),
        (f"{CALL}/requestBody", {"x-argument": "a b", "content": {"application/json": {}}}, f"{CALL}/requestBody: `x-argument` must be a name that Python allows, not 'a b'"),
        ("/paths/~1b", {"GET": {"responses": {}}}, "/paths/~1b: 'GET' is not a method: it must be one of get, put"),
        ("/paths/~1b?x={x}", {"get": {"responses": {}}}, "/paths/~1b?x={x}: a path holds a brace only around a name, and none behind its `?`"),
        ("/paths/~1b~1{x", {"get": {"responses": {}}}, "/paths/~1b~1{x: a path holds a brace only around a name"),
        ("/paths/~1b~1{x}~1{x}", {"get": {"responses": {}}}, "/paths/~1b~1{x}~1{x}/get: the path holds {x} twice"),
        ("/openapi", "2.0", "things.json: `openapi` must be 3.0 or 3.1, not '2.0'"),
        ("/openapi", None, "things.json: `openapi` must be 3.0 or 3.1, not None"),
    ],
)  # fmt: skip
def test_a_wrong_document_is_refused_with_the_place(
    place: str, value: Any, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schemas = {
        "Thing": GOOD["components"]["schemas"]["Thing"],
        "Other": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}},
        "Day": {"type": "string", "format": "date", "default": "soon"},
    }
    document = written(tmp_path, place, value, components=copy.deepcopy({"schemas": schemas}))
    assert generate.main(["--spec", str(document), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert told in said
    assert said.startswith("things.json")
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_responses_are_needed_in_3_0_and_not_in_3_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = written(tmp_path, f"{CALL}/responses", None, openapi="3.0.3")
    assert generate.main(["--spec", str(old), "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == f"things.json#{CALL}: 'responses' is missing\n"
    new = written(tmp_path, f"{CALL}/responses", None)
    assert generate.main(["--spec", str(new), "--out", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"openapi: 3.1.0\nbad", "things.json cannot be read: "),
        (b"[1]", "things.json is not an OpenAPI document"),
        (b"", "things.json is not an OpenAPI document"),
        (b"\xff\xfe", "things.json cannot be read: "),
        (
            b'{"openapi": "3.1.0", "paths": {}, "paths": {}}',
            "things.json cannot be read: the name 'paths' is twice in one object",
        ),
        (b'{"openapi": "3.1.0", "info": {"title": "\\ud800"}}', "holds a lone surrogate: not valid text"),
        (b"openapi: 3.1.0\npaths: {}\npaths: {}\n", 'found duplicate key "paths"'),
        (b"openapi: 3.1.0\n\tpaths: {}\n", "things.json cannot be read: "),
        (b'{"swagger": "2.0"}', "`openapi` must be 3.0 or 3.1, not Swagger 2.0"),
        (b"openapi: 3.1.0\npaths: &a\n  /a: *a\n", "a YAML anchor holds itself"),
    ],
)
def test_what_is_no_document_is_told(
    content: bytes, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "things.json").write_bytes(content)
    assert generate.main(["--spec", str(tmp_path / "things.json"), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("source", ["missing.yaml", "http://127.0.0.1:9/openapi.yaml", "http://[::1"])
def test_a_document_that_is_not_there_is_told(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate.main(["--spec", source, "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert source.rpartition("/")[2] in said or source in said
    assert said.count("\n") == 1


PART = {"type": "object", "properties": {"b": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"type": "string", "pattern": r"^\p{L}+$"}, r"`pattern: ^\p{L}+$` isn't enforced: Python's `re` doesn't know it"),
        ({"type": "string", "pattern": r"\Aa\Z"}, r"`pattern: \Aa\Z` isn't enforced: ECMA-262 has no such pattern: it has no `\A`"),
        ({"type": "string", "format": "email"}, "`format: email` isn't enforced"),
        ({"type": "object", "patternProperties": {"^x": {}}}, "`patternProperties` isn't enforced"),
        ({"type": "array", "contains": {"type": "integer"}}, "`contains` isn't enforced"),
        ({"type": "integer", "not": {"const": 3}}, "`not` isn't enforced"),
        ({"if": {}, "then": {}}, "`if` isn't enforced"),
        ({"type": "string", "enum": [2025, True]}, "the value 2025 of `enum` is taken for the text '2025'"),
        (False, "`false` isn't enforced"),
        ({"type": "string", "enum": []}, "`enum` isn't enforced: it holds no value"),
        ({"enum": [], "allOf": [{"type": "string", "enum": ["a"]}]}, "`enum` isn't enforced: it holds no value"),
        ({"type": "array", "prefixItems": [{"type": "string"}]}, "the order of `prefixItems` isn't enforced"),
        ({"anyOf": [{"type": "string", "maxLength": 1}, {"type": "string", "pattern": "^ab$"}]}, "another member of the union is of type string too"),
        ({"anyOf": [{"type": "array", "maxItems": 1, "items": {"type": "string"}}, {"type": "array", "items": {"type": "string", "maxLength": 1}}]}, "another member of the union is of type array of string too"),
        ({"allOf": [{"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"maxLength": 3}]}, "what stands beside the union in `allOf` isn't enforced"),
        ({"oneOf": [{"type": "string"}], "anyOf": [{"type": "integer"}]}, "`anyOf` beside `oneOf` isn't enforced"),
        ({"allOf": [PART, {"properties": {"b": {"type": "string"}}}]}, f"#{FIELD}: nothing is enforced: no value has the type of all of `allOf`"),
        ({"allOf": [{"enum": ["a", "b"]}, {"type": "string", "enum": ["c"]}]}, "nothing is enforced: no value has the enum of all of `allOf`"),
        ({"allOf": [PART, {"oneOf": [PART, {"type": "object", "properties": {"c": {}}}]}]}, "the union in `allOf` isn't enforced"),
    ],
)  # fmt: skip
def test_a_rule_that_is_not_enforced_is_told_in_one_line(
    value: Any, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = written(tmp_path, FIELD, value)
    assert generate.main(["--spec", str(document), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert told in said
    assert all(line.startswith("things.json#") for line in said.splitlines())
    assert said.count(told) == 1
    for path in (tmp_path / "out").rglob("*.py"):
        compile(path.read_text(), str(path), "exec")


def test_a_document_is_tried_from_a_url_and_the_project_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in (ROOT / "generated").rglob("*.py")}
    with Echo(200, json.dumps(GOOD).encode()) as echo:
        assert generate.main(["--spec", f"{echo.url}/v1/things.json", "--out", str(tmp_path / "out")]) == 0
        assert echo.take().path == "/v1/things.json"
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.startswith("new for users: 1 call and 1 model\n")
    assert f"{tmp_path}/out/event_streamer_api is written" in said.out
    assert {path: path.stat().st_mtime_ns for path in (ROOT / "generated").rglob("*.py")} == before


WAS = {
    "operationId": "find",
    "parameters": [
        {"name": "q", "in": "query", "schema": {"type": "string"}},
        {"name": "n", "in": "query", "schema": {"type": "integer", "maximum": 9}},
        {"name": "above", "in": "query", "schema": {"type": "integer", "exclusiveMinimum": 0}},
    ],
    "responses": {
        "200": {"description": "x", "content": {"application/json": {"schema": {"type": "integer"}}}}
    },
}


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("/paths/~1find/get", None, "breaking: the call find is removed"),
        ("/paths/~1new", {"get": WAS | {"operationId": "fresh"}}, "compatible: the call fresh is added"),
        ("/paths/~1find/get/parameters/1/schema/maximum", 5, "breaking: the call find: the limits of the argument n are tighter"),
        ("/paths/~1find/get/parameters/1/schema/maximum", 99, "compatible: the call find: the limits or the default of the argument n are others"),
        ("/paths/~1find/get/parameters/1/schema/minimum", 1, "breaking: the call find: the limits of the argument n are tighter"),
        ("/paths/~1find/get/parameters/2/schema", {"type": "integer", "minimum": 0}, "compatible: the call find: the limits or the default of the argument above are others"),
        ("/paths/~1find/get/parameters/2/schema", {"type": "integer", "minimum": 1}, "compatible: the call find: the limits or the default of the argument above are others"),
        ("/paths/~1find/get/parameters/2/schema", {"type": "integer", "exclusiveMinimum": 1}, "breaking: the call find: the limits of the argument above are tighter"),
        ("/paths/~1find/get/parameters/2/schema", {"type": "number", "exclusiveMinimum": 0}, "compatible: the call find: the argument above is float | None, was int | None"),
        ("/paths/~1find/get/parameters/2/schema", {}, "compatible: the call find: the argument above is Any, was int | None"),
        ("/components/schemas/Sent/additionalProperties", False, "breaking: the model Sent: the limits of the field additional_properties are tighter"),
        ("/components/schemas/Sent/minProperties", 1, "breaking: the model Sent: the rules for which fields are there are tighter"),
        ("/components/schemas/Sent/anyOf", [{"required": ["name"]}, {"required": ["inner"]}], "breaking: the model Sent: the rules for which fields are there are tighter"),
        ("/paths/~1find/get/parameters/0/schema/minLength", 1, "breaking: the call find: the limits of the argument q are tighter"),
        ("/components/schemas/Sent/properties/name/maxLength", 5, "breaking: the model Sent: the limits of the field name are tighter"),
        ("/components/schemas/Inner/properties/size/minimum", 5, "breaking: the model Inner: the limits of the field size are tighter"),
        ("/paths/~1find/get/parameters/1/required", True, "breaking: the call find: the argument n is required now"),
        ("/paths/~1find/get/parameters/1/schema/type", "string", "breaking: the call find: the argument n is str | None, was int | None"),
        ("/paths/~1find/get/parameters/1/schema/type", ["string", "integer"], "compatible: the call find: the argument n is str | int | Unknown | None, was int | None"),
        ("/paths/~1find/get/parameters", [], "breaking: the call find: the argument n is removed"),
        ("/paths/~1find/get/parameters", [WAS["parameters"][1], WAS["parameters"][0], WAS["parameters"][2]], "breaking: the call find: the order of the arguments is n, q, above"),
        ("/paths/~1find/get/responses/200/content/application~1json/schema/type", "string", "breaking: the call find: the result is str, was int"),
        ("/components/schemas/Thing", None, "breaking: the model Thing is removed"),
        ("/components/schemas/Other", PART, "compatible: the model Other is added"),
        ("/components/schemas/Thing/properties/more", {"type": "string"}, "compatible: the model Thing: the optional field more is added"),
        ("/components/schemas/Thing/required", ["name"], "breaking: the model Thing: the field name is required now"),
        ("/components/schemas/Thing/properties/name/type", "integer", "breaking: the model Thing: the field name is int | None, was str | None"),
        ("/components/schemas/Thing/properties/name/maxLength", 5, "compatible: the model Thing: the limits or the default of the field name are others"),
        ("/components/schemas/Kind/enum", ["a", "b", "c"], "compatible: the enum Kind: the value C is added"),
        ("/components/schemas/Kind/enum", ["a"], "breaking: the enum Kind: the value B is removed"),
        # What is only handed over may take more, and what is only given may be narrower.
        ("/components/schemas/Inner/properties/size/type", "number", "compatible: the model Inner: the field size is float | None, was int | None"),
        ("/components/schemas/Got/properties/id/type", "number", "breaking: the model Got: the field id is float, was int"),
        ("/components/schemas/Got/required", [], "breaking: the model Got: the field id is int | None, was int"),
        ("/components/schemas/Got/required", ["id", "name"], "compatible: the model Got: the field name is str, was str | None"),
        ("/components/schemas/Got/properties/both/oneOf", [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}], "compatible: the model Got: the field both is str | int | bool | Unknown | None, was str | int | Unknown | None"),
        # Clients that are out already go on asking as they did.
        ("/paths", {"/seek": {"get": WAS}}, "breaking: the call find: it asks for GET /seek now; older clients ask for GET /find"),
        ("/paths/~1find", {"put": WAS}, "breaking: the call find: it asks for PUT /find now; older clients ask for GET /find"),
        ("/paths/~1find/get/parameters/0/name", "Q", "breaking: the call find: the argument q is 'Q' on the wire; older clients say 'q'"),
        ("/components/schemas/Sent/properties/name/x-python-name", "title", "breaking: the model Sent: the field name is removed"),
        ("/paths/~1find/get/deprecated", True, "compatible: the call find is deprecated"),
        ("/info/version", "2", "nothing changed for users"),
    ],
)  # fmt: skip
def test_generating_tells_what_changed_for_users(
    place: str, value: Any, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}}
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Sent"}}}
    send = {
        "operationId": "send",
        "requestBody": {"content": body},
        "responses": {"204": {"description": "x"}},
    }
    given = {"application/json": {"schema": {"$ref": "#/components/schemas/Got"}}}
    got = {"operationId": "got", "responses": {"200": {"description": "x", "content": given}}}
    paths = {"/find": {"get": WAS}, "/send": {"post": send}, "/got": {"get": got}}
    both = {"oneOf": [{"type": "string"}, {"type": "integer"}]}
    schemas = GOOD["components"]["schemas"] | {
        "Kind": {"type": "string", "enum": ["a", "b"]},
        "Sent": {"type": "object", "properties": {"name": {"type": "string"}, "inner": inner}},
        "Inner": {"type": "object", "properties": {"size": {"type": "integer"}}},
        "Got": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "integer"}, "name": {"type": "string"}, "both": both},
        },
    }
    whole = copy.deepcopy({"paths": paths, "components": {"schemas": schemas}})
    before = written(tmp_path, "/info/version", "1", **whole)
    assert generate.main(["--spec", str(before), "--out", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    after = written(tmp_path, place, value, **copy.deepcopy(whole))
    assert generate.main(["--spec", str(after), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out.splitlines()[:-1]
    assert told in said
    assert said == [told] or said[0].startswith("breaking") or len(said) > 1


def test_names_do_not_depend_on_the_python_that_generates(tmp_path: Path) -> None:
    """A later Python has more builtins (3.13: PythonFinalizationError), and `site` adds some."""
    schemas = {
        "PythonFinalizationError": {"type": "object", "properties": {"newcomer": {"type": "string"}}},
        "Used": {"type": "object", "properties": {"exit": {"type": "string"}, "type": {"type": "string"}}},
    }
    document = written(tmp_path, "/components/schemas", schemas, paths={})
    code = (
        "import builtins, sys; builtins.newcomer = builtins.PythonFinalizationError = 1; "
        "vars(builtins).pop('exit', None); import generate; sys.exit(generate.main(sys.argv[1:]))"
    )
    arguments = ["--spec", str(document), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT / "generator", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    models = tmp_path / "out" / "event_streamer_api" / "models"
    made = (models / "python_finalization_error.py").read_text()
    assert "class PythonFinalizationError(" in made
    assert "    newcomer: str | None" in made
    assert "    exit: str | None" in (models / "used.py").read_text()


# What openapi-python-client by itself leaves out, or takes for a clash: objects inside of named unions.
UNIONS = """\
openapi: 3.1.0
info: {title: Unions, version: "1"}
paths: {}
components:
  schemas:
    # Refers to later ones, and has objects inside of an object.
    Kept:
      oneOf:
        - {type: string, enum: [auto]}
        - type: object
          title: Rest of it
          required: [type]
          properties:
            type: {type: string, enum: [ratio]}
            limits: {type: object, properties: {most: {$ref: "#/components/schemas/Amount"}}}
    # A member that inherits, from a class that is read later.
    News:
      anyOf:
        - title: LiveNews
          allOf: [{$ref: "#/components/schemas/Written"}, {type: object, required: [live], properties: {live: {type: boolean}}}]
        - {$ref: "#/components/schemas/Written"}
    Amount: {anyOf: [{type: object, title: An amount, required: [units], properties: {units: {type: integer}}}, {type: "null"}]}
    # The same title as above.
    OtherAmount: {anyOf: [{type: object, title: An amount, required: [tens], properties: {tens: {type: integer}}}, {type: "null"}]}
    Written: {type: object, required: [text], properties: {text: {type: string}}}
    Holder:
      type: object
      properties:
        kept: {$ref: "#/components/schemas/Kept"}
        news: {$ref: "#/components/schemas/News"}
        amount: {$ref: "#/components/schemas/Amount"}
        other: {$ref: "#/components/schemas/OtherAmount"}
"""


def test_objects_inside_of_named_unions(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(UNIONS)
    trial = Trial(tmp_path / "api.yaml", tmp_path / "out")
    assert "isn't enforced" not in trial.told
    trial.run(
        "made = round_trip(Holder, {'kept': {'type': 'ratio', 'limits': {'most': {'units': 3}}}, 'news': {'text': 'a', 'live': True},\n"
        "    'amount': None, 'other': {'tens': 2}})\n"
        "assert made.kept.limits.most.units == 3 and made.news.live and made.other.tens == 2\n"
        "assert round_trip(Holder, {'kept': 'auto', 'news': {'text': 'a'}}).news.text == 'a'\n"
        "refused(lambda: type(made.other)(tens='2'), 'tens must be an integer')\n"
    )
    trial.close()


def test_a_list_that_holds_itself_without_an_object_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nest = {"type": "array", "items": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Nest"}}}  # fmt: skip
    thing = {"type": "object", "properties": {"nest": {"$ref": "#/components/schemas/Nest"}}}
    document = written(tmp_path, "/components/schemas", {"Nest": nest, "Thing": thing})
    assert generate.main(["--spec", str(document), "--out", str(tmp_path / "out")]) == 0
    place = "/components/schemas/Nest/items/additionalProperties"
    said = "what it holds isn't enforced: the schema holds itself without an object"
    assert capsys.readouterr().err == f"things.json#{place}: {said}\n"
    made = (tmp_path / "out" / "event_streamer_api" / "models" / "thing.py").read_text()
    assert "    nest: list[dict[str, Any]] | None" in made
