"""What the generator says of a document: where it is wrong, and what of it isn't enforced."""

# ruff: noqa: E501 - the rows of a table are read as rows

import copy
import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "generator"))

import generate  # noqa: E402

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
    "components": {"schemas": {"Thing": {"type": "object", "properties": {"name": {"type": "string"}}}}},
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
        (FIELD, {"$ref": "other.yaml#/Thing"}, f"{FIELD}: $ref 'other.yaml#/Thing' leads out of the document"),
        (FIELD, {"$ref": f"#{FIELD}"}, f"{FIELD}: the $ref leads in a circle"),
        (FIELD, {"type": "text"}, f"{FIELD}: 'text' is not a type: it must be one of string, integer"),
        (FIELD, ["string"], f"{FIELD}: must be an object, not ['string']"),
        (FIELD, {"type": "string", "default": 5}, f"{FIELD}: the default 5 is not of the schema's type"),
        (FIELD, {"type": "string", "enum": ["a"], "default": "b"}, f"{FIELD}: the default 'b' is not one of the enum's values"),
        (FIELD, {"type": "string", "enum": []}, f"{FIELD}: `enum` must hold a value"),
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
        (f"{CALL}/parameters", [GOOD["paths"]["/things/{id}"]["get"]["parameters"][0]] * 2, "'id' (path) is there twice"),
        (f"{CALL}/responses/abc", {"description": "x"}, f"{CALL}/responses/abc: must be a status, such as 200 or 2XX"),
        (f"{CALL}/responses/200", {"$ref": "#/components/responses/No"}, f"{CALL}/responses/200: $ref"),
        (f"{CALL}/requestBody", {"required": True}, f"{CALL}/requestBody: `content` is missing"),
        ("/paths/things", {"get": {}}, "/paths/things: a path begins with a slash"),
        ("/paths/~1b", {"get": {"operationId": "get_thing", "responses": {}}}, "/paths/~1b/get: operationId 'get_thing' is also that of /paths/~1things~1{id}/get"),
        ("/paths/~1b", {"get": "x"}, "/paths/~1b/get: must be an object, not 'x'"),
        ("/openapi", "2.0", "things.json: `openapi` must be 3.0 or 3.1, not '2.0'"),
        ("/openapi", None, "things.json: `openapi` must be 3.0 or 3.1, not None"),
    ],
)  # fmt: skip
def test_a_wrong_document_is_refused_with_the_place(
    place: str, value: Any, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = written(tmp_path, place, value)
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
