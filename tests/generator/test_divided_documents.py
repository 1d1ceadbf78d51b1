"""A document of several files, as `$ref` divides it."""

# ruff: noqa: E501 - the rows of a table are read as rows

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "generator"))

import generate  # noqa: E402
from support.trials import Trial  # noqa: E402

# A document of several files: a path of its own, a schema with a slash in its name, one whose name clashes, one
# that is a whole file, and a circle through two files.
MAIN = """\
openapi: 3.1.0
info: {title: Several files, version: "1"}
paths:
  /things/{id}: {$ref: paths/things.yaml}
components:
  schemas:
    Error: {type: object, properties: {code: {type: integer}}}
    50%~a/b: {type: object, properties: {same: {$ref: "#/components/schemas/50%25~0a~1b"}, c: {type: integer}}}
    Own:
      type: object
      properties:
        error: {$ref: "#/components/schemas/Error"}
        other: {$ref: "schemas/common.yaml#/Error"}
        shape:
          oneOf: [{$ref: "schemas/common.yaml#/A"}, {$ref: "schemas/common.yaml#/B"}]
          discriminator: {propertyName: kind, mapping: {first: "schemas/common.yaml#/A", second: "./schemas/common.yaml#/B"}}
"""
COMMON = """\
Foo/Bar:
  type: object
  properties:
    size: {type: integer, maximum: 5}
    more: {type: array, items: {$ref: "#/Foo~1Bar"}}
    main: {$ref: "../api.yaml#/components/schemas/Error"}
    whole: {$ref: whole.json}
Error: {type: object, properties: {text: {type: string}}}
A: {type: object, properties: {kind: {type: string}}}
B: {type: object, properties: {kind: {type: string}, a: {$ref: "#/A"}}}
parameters: {Limit: {name: limit, in: query, schema: {type: integer, minimum: 1}}}
"""
WHOLE = '{"type": "object", "properties": {"day": {"type": "string", "format": "date"}, "back": {"$ref": "common.yaml#/Foo~1Bar"}}}'
THINGS = """\
parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
get:
  operationId: get_thing
  parameters: [{$ref: "../schemas/common.yaml#/parameters/Limit"}]
  responses: {"200": {description: A thing., content: {application/json: {schema: {$ref: "../schemas/common.yaml#/Foo~1Bar"}}}}}
"""


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """A document of several files."""
    files = {
        "api.yaml": MAIN,
        "schemas/common.yaml": COMMON,
        "schemas/whole.json": WHOLE,
        "paths/things.yaml": THINGS,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_document_may_refer_to_files_beside_it(several: Path) -> None:
    trial = Trial(several / "api.yaml", several / "out")
    trial.run(
        "thing = {'size': 1, 'more': [{'size': 2}], 'main': {'code': 1}, 'whole': {'day': '2026-01-31', 'back': {}}}\n"
        "made = round_trip(FooBar, thing)\n"
        "assert type(made.main) is Error and type(made.whole.back) is FooBar\n"
        "own = round_trip(Own, {'error': {'code': 1}, 'other': {'text': 'a'}, 'shape': {'kind': 'second', 'a': {'kind': 'x'}}})\n"
        "assert type(own.other) is CommonError and type(own.shape) is B and type(own.shape.a) is A\n"
        "assert round_trip(Field50AB, {'same': {'c': 1}}).same.c == 1\n"
        "refused(lambda: FooBar(size=6), 'FooBar.size must be 5 or less')\n"
        "with Echo(200, json.dumps(thing).encode()) as echo:\n"
        "    def check(result, asked):\n"
        "        assert result == made and (asked.path, asked.query) == ('/things/5', [('limit', '2')])\n"
        "    both(echo, lambda client: client.get_thing(5, limit=2), check)\n"
    )
    trial.close()


# As documents are divided in the world, for tools that make one file of them: `$ref` in place of maps, texts and calls.
DIVIDED = {
    "api.yaml": """\
openapi: 3.0.3
info: {$ref: info.yaml}
paths: {$ref: paths/all.yaml}
components:
  schemas: {$ref: schemas/all.yaml}
""",
    "info.yaml": "{title: Divided, version: '2'}",
    "paths/all.yaml": """\
/things:
  get: {$ref: list.yaml}
/things#closed:
  get:
    operationId: list_closed_things
    description: {$ref: "texts.yaml#/closed"}
    responses: {$ref: "list.yaml#/responses"}
/things?beta=true&beta2=:
  get:
    operationId: list_beta_things
    parameters: [{name: limit, in: query, schema: {type: integer}}]
    responses: {$ref: "list.yaml#/responses"}
""",
    "paths/list.yaml": """\
operationId: list_things
responses:
  "200": {description: Things., content: {$ref: "content.yaml#/things"}}
  default: {$ref: "wrong.yaml"}
""",
    "paths/content.yaml": """\
things: {application/json: {schema: {type: array, items: {$ref: "../schemas/all.yaml#/Thing"}}}}
""",
    "paths/wrong.yaml": """\
description: Anything else.
headers: {default: {$ref: "texts.yaml#/header"}}
content: {application/json: {schema: {$ref: "../schemas/all.yaml#/Problem"}}}
""",
    "paths/texts.yaml": "{closed: Those that nobody needs., header: {schema: {type: integer}}}",
    "schemas/all.yaml": """\
Thing:
  type: object
  required: {$ref: "parts.yaml#/needed"}
  properties: {$ref: "parts.yaml#/fields"}
Problem: {type: object, properties: {default: {$ref: "parts.yaml#/Text"}}}
""",
    "schemas/parts.yaml": """\
needed: [side]
sides: [left, right]
fields:
  side: {type: string, enum: {$ref: "#/sides"}}
  description: {$ref: "#/Text"}
Text: {type: string, maxLength: 5}
""",
}


@pytest.fixture
def divided(tmp_path: Path) -> Path:
    """A document that is divided as bundlers allow it."""
    for name, text in DIVIDED.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_document_may_be_divided_anywhere(divided: Path) -> None:
    trial = Trial(divided / "api.yaml", divided / "out")
    trial.run(
        "things = [{'side': 'left', 'description': 'short'}]\n"
        "made = [round_trip(Thing, thing) for thing in things]\n"
        "refused(lambda: Thing(side='left', description='too long'), 'Thing.description must have 5 characters at most')\n"
        "assert round_trip(Problem, {'default': 'text'}).default == 'text'\n"
        "with Echo(200, json.dumps(things).encode()) as echo:\n"
        "    def check(result, asked):\n"
        "        assert result == made and asked.path == '/things'\n"
        "    both(echo, lambda client: client.list_things(), check)\n"
        "    both(echo, lambda client: client.list_closed_things(), check)\n"
        "    def check_beta(result, asked):\n"
        "        assert asked.path == '/things' and asked.query == [('beta', 'true'), ('beta2', ''), ('limit', '3')]\n"
        "    both(echo, lambda client: client.list_beta_things(limit=3), check_beta)\n"
    )
    trial.run(
        "import inspect\nassert 'Those that nobody needs.' in inspect.getdoc(EventStreamer.list_closed_things)\n"
    )
    trial.close()


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("info.yaml", "{$ref: info.yaml}", "info.yaml#: the $ref leads in a circle"),
        ("paths/all.yaml", "{$ref: gone.yaml}", "paths/all.yaml#: $ref 'gone.yaml' leads nowhere: there is no file paths/gone.yaml"),
        ("paths/list.yaml", "{$ref: list.yaml, responses: {}}", "the $ref leads in a circle"),
        ("schemas/parts.yaml", "{needed: [], fields: [], sides: [], Text: {}}", "/properties: must be an object, not []"),
    ],
    ids=["itself", "gone", "a-call", "no-map"],
)  # fmt: skip
def test_a_wrong_part_of_a_divided_document_is_named(
    file: str, text: str, told: str, divided: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (divided / file).write_text(text)
    assert generate.main(["--spec", str(divided / "api.yaml"), "--out", str(divided / "out")]) == 1
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("schemas/common.yaml", "maximum: 5", "maximum: five", "schemas/common.yaml#/Foo~1Bar/properties/size: `maximum` can't be 'five'"),
        ("schemas/common.yaml", "whole.json", "gone.json", "schemas/common.yaml#/Foo~1Bar/properties/whole: $ref 'gone.json' leads nowhere: there is no file schemas/gone.json"),
        ("schemas/common.yaml", '"#/A"', '"#/C"', "schemas/common.yaml#/B/properties/a: $ref '#/C' leads nowhere"),
        ("schemas/whole.json", '"day":', '"day": 5, "week":', "schemas/whole.json#/properties/day: must be an object, not 5"),
        ("paths/things.yaml", "required: true, ", "", "paths/things.yaml#/parameters/0: a path parameter must have `required: true`"),
        ("schemas/common.yaml", "minimum: 1", "minimum: one", "schemas/common.yaml#/parameters/Limit/schema: `minimum` can't be 'one'"),
        ("schemas/common.yaml", "A: {", "A: [", "schemas/common.yaml cannot be read: "),
    ],
)  # fmt: skip
def test_an_error_names_the_file_beside_the_document(
    file: str, old: str, new: str, told: str, several: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (several / file).read_text()
    (several / file).write_text(text.replace(old, new, 1))
    assert generate.main(["--spec", str(several / "api.yaml"), "--out", str(several / "out")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(told)
    assert said.count("\n") == 1
