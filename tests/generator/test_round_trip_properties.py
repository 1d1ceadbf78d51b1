"""JSON made from a schema is read and written the same: for every schema of every document."""

import os

import pytest

from .conftest import DOCUMENTS, Trials, read

UNQUOTED = {("changes", "Years")}
"""A text's values without quotes: we take them as the text that is written, a JSON schema as numbers."""
SCHEMAS = [
    (name, schema)
    for name, path in DOCUMENTS.items()
    for schema in read(path)["components"]["schemas"]
    if (name, schema) not in UNQUOTED
]


@pytest.mark.parametrize(("document", "schema"), SCHEMAS)
def test_json_of_a_schema_is_read_and_written_the_same(document: str, schema: str, trials: Trials) -> None:
    trials[document].run(
        """\
from hypothesis import HealthCheck, given, settings
from support.schema_values import values

with open(path, encoding="utf-8") as file:
    document = json.load(file)

@settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(values(document, {"$ref": f"#/components/schemas/{schema}"}))
def check(value):
    made = getattr(models, holder).from_dict({"value": value})
    written = json.loads(json.dumps(made.to_dict()))
    assert written == {"value": value}, (written, made)
    if isinstance(made.value, models_base):
        # What is read could have been built.
        again = type(made.value).from_dict(json.loads(json.dumps(made.value.to_dict(include_none=False))))
        assert again == made.value

from event_streamer_api.types import Model as models_base
from openapi_python_client.strings import ClassName
from openapi_python_client.schema.untrusted_string import UntrustedString
holder = str(ClassName(UntrustedString(f"Holds{schema}"), "field_"))
check()
""",
        # Most schemas are small; `make fuzz` looks longer.
        examples=500 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 12,
        path=str(trials[document].document),
        schema=schema,
    )
