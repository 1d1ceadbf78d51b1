"""openapi.yaml itself: valid, complete, and described throughout."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from ruamel.yaml import YAML

pytestmark = pytest.mark.quick

ROOT = Path(__file__).resolve().parents[2]
SPEC: dict[str, Any] = YAML(typ="safe").load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
LINTER = "@redocly/cli@2.77.0"
SCHEMAS: dict[str, Any] = SPEC["components"]["schemas"]
CALLS = {
    (method, path): call
    for path, item in SPEC["paths"].items()
    for method, call in item.items()
    if method in ("get", "put", "post", "delete")
}
WIRE = {
    "GET /health",
    "POST /subscriptions",
    "PUT /subscriptions",
    "GET /subscriptions",
    "GET /subscriptions/{subscription_id}",
    "PUT /subscriptions/{subscription_id}",
    "DELETE /subscriptions/{subscription_id}",
    "GET /subscriptions/{subscription_id}/stream",
    "POST /subscriptions/{subscription_id}/stream/{connection_id}/ack/batch",
    "POST /subscriptions/{subscription_id}/stream/{connection_id}/ack/batch/bulk",
    "POST /stream/{connection_id}/heartbeat",
    "GET /subscriptions/{subscription_id}/processing-status",
    "GET /subscriptions/{subscription_id}/last-processed-block",
    "GET /api/circuit-breakers/status",
    "GET /api/circuit-breakers/health",
    "GET /api/circuit-breakers/config",
    "GET /api/circuit-breakers/{name}/metrics",
    "POST /api/circuit-breakers/reset",
    "POST /api/circuit-breakers/{name}/reset",
    "GET /api/chains",
    "GET /api/chains/stats",
    "GET /api/chains/{chain_id}",
    "POST /api/chains",
    "PUT /api/chains/{chain_id}",
    "DELETE /api/chains/{chain_id}",
    "POST /api/chains/refresh",
    "GET /subscriptions/{subscription_id}/watch",
    "GET /api/chains/{chain_id}/blocks/{block_number}",
    "GET /api/overview",
    "GET /api/activity",
    "POST /api/abi/events",
}


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(SPEC).validate()


@pytest.mark.slow
def test_the_linter_has_nothing_to_say() -> None:
    npm = shutil.which("npm")
    if npm is None:
        told = "npm is missing: the linter comes from the package @redocly/cli"
        pytest.fail(told) if os.environ.get("CI") else pytest.skip(told)
    folder = ROOT / ".cache" / "redocly"
    folder.mkdir(parents=True, exist_ok=True)
    install = [npm, "install", "--prefix", folder, "--no-audit", "--no-fund", "--silent", "--no-save", LINTER]
    subprocess.run(install, check=True, capture_output=True, cwd=folder)
    done = subprocess.run(
        [folder / "node_modules" / ".bin" / "redocly", "lint", "openapi.yaml", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
    )
    problems = json.loads(done.stdout[done.stdout.index("{") :])["problems"]
    assert [(found["ruleId"], found["message"], found["location"]) for found in problems] == []
    assert done.returncode == 0


def test_it_holds_every_call_of_the_wire() -> None:
    assert {f"{method.upper()} {path}" for method, path in CALLS} == WIRE


@pytest.mark.parametrize("call", CALLS.values(), ids=lambda call: call["operationId"])
def test_every_call_is_described(call: dict[str, Any]) -> None:
    assert call["summary"].endswith(".")
    assert call["operationId"].isidentifier()
    assert len(call["tags"]) == 1
    assert call["tags"][0] in {tag["name"] for tag in SPEC["tags"]}
    for parameter in call.get("parameters", []):
        assert "$ref" in parameter or parameter["description"].endswith(".")
    assert "default" in call["responses"]
    assert "401" in call["responses"] or call["operationId"] == "get_health"
    for answer in call["responses"].values():
        assert "$ref" in answer or answer["description"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_model_and_field_is_described(name: str) -> None:
    schema = SCHEMAS[name]
    assert schema["description"].strip().endswith(".")
    for field, declared in schema.get("properties", {}).items():
        assert declared["description"].strip().endswith("."), f"{name}.{field}"
    assert set(schema.get("required", [])) <= set(schema.get("properties", {}))


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name.endswith(("Request", "Create", "Update"))])
def test_what_a_user_sends_is_limited(name: str) -> None:
    def unlimited(where: str, schema: dict[str, Any]) -> list[str]:
        kinds = schema.get("type", [])
        found = []
        if "string" in kinds and not {"maxLength", "pattern", "format"} & set(schema):
            found.append(where)
        if "array" in kinds:
            found += [] if "maxItems" in schema else [where]
            found += unlimited(f"{where}[]", schema["items"])
        if "integer" in kinds and "minimum" not in schema:
            found.append(where)
        return found

    # The confirmations of old releases are no longer sent.
    if not name.startswith("Confirmation"):
        fields = SCHEMAS[name]["properties"].items()
        assert [each for field, schema in fields for each in unlimited(field, schema)] == []


def test_examples_keep_the_rules_of_their_schemas() -> None:
    from openapi_schema_validator import OAS31Validator

    for name, schema in SCHEMAS.items():
        for field, declared in schema.get("properties", {}).items():
            for example in declared.get("examples", []):
                bare = {key: value for key, value in declared.items() if key != "$ref"}
                errors = list(OAS31Validator(bare).iter_errors(example))
                assert not errors, f"{name}.{field}: {errors}"
