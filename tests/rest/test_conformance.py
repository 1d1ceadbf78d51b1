"""The service against openapi.yaml: schemathesis for the calls, JSON Schema for the lines of a stream."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from ruamel.yaml import YAML

from event_streamer_sdk import SyncEventStreamer
from event_streamer_service import DevChain, LocalService
from support.environments import environment

ROOT = Path(__file__).resolve().parents[2]
SPEC: dict[str, Any] = YAML(typ="safe").load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
SCHEMATHESIS = "schemathesis==4.32.5"
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "25")
SEEDS = os.environ.get("SCHEMATHESIS_SEEDS", "1").split(",")
PATIENCE = 0 if "SCHEMATHESIS_SEEDS" in os.environ else 400
"""Seconds for one seed; whoever chooses seeds, as `make schemathesis` does, waits for them."""
TRANSFER = "event Transfer(address indexed from, address indexed to, uint256 value)"


KEY = "the-admins-own-key-0"


@contextmanager
def open_stream(service: LocalService, key: str | None) -> Iterator[tuple[int, str]]:
    """Keep a stream open, so that acknowledgements and heartbeats have a connection; give its ids."""
    headers = {} if key is None else {"x-api-key": key}
    with (
        SyncEventStreamer(service.url, "me", api_key=key) as client,
        httpx.Client(timeout=20, headers=headers) as http,
    ):
        # Low ids are those that a generator of requests tries first, also when it deletes.
        for _ in range(30):
            made = client.subscribe(TRANSFER, chain_id=1, start_block=19_000_000, new=True)
        with http.stream("GET", f"{service.url}/subscriptions/{made.id}/stream") as response:
            yield made.id, response.headers["x-connection-id"]


def specification(folder: Path) -> Path:
    """The document without examples that name other machines: none of them is to be asked."""
    text = (ROOT / "openapi.yaml").read_text("utf-8")
    path = folder / "openapi.yaml"
    path.write_text(re.sub(r"(https?|wss?)://(?!localhost)[\w.-]+[\w/]*", r"\1://127.0.0.1:9", text), "utf-8")
    return path


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("key", [None, KEY], ids=["without keys", "with keys"])
def test_schemathesis_finds_no_failure(tmp_path: Path, seed: str, key: str | None) -> None:
    python = environment("schemathesis", SCHEMATHESIS)
    chain = DevChain(chain_id=1, first_block=19_000_000, blocks=100)
    keys = {} if key is None else {"admin_keys": [key], "private_nodes": True}
    with (
        LocalService(chain, client_timeout=0, **keys) as service,
        open_stream(service, key) as (subscription, connection),
    ):
        config = (ROOT / "tests/rest/schemathesis.toml").read_text("utf-8")
        config = config.replace("{subscription_id}", str(subscription)).replace("{connection_id}", connection)
        (tmp_path / "schemathesis.toml").write_text(config)
        done = subprocess.run(
            [
                *(python.parent / "schemathesis", "--config-file", tmp_path / "schemathesis.toml"),
                *("run", specification(tmp_path), "--url", service.url, "--max-examples", EXAMPLES),
                *("--seed", seed, "--no-color", "--generation-database", "none"),
                *([] if key is None else ["--header", f"X-API-Key: {key}"]),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "120"},
        )
        entries = service.journal.entries("heartbeat")
    summary = done.stdout[done.stdout.rfind("= SUMMARY =") :]
    assert done.returncode == 0, f"{done.stdout[:20_000]}\n{summary}\n{done.stderr}"
    assert "Tested: 29" in summary, summary
    assert entries, "the heartbeats reached the stream that was open"


@pytest.fixture(scope="module")
def validator() -> OAS31Validator:
    document = Resource(contents=SPEC, specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:spec", document)
    schema = {"$ref": "urn:spec#/components/schemas/StreamMessage"}
    return OAS31Validator(schema, registry=registry)


@pytest.mark.quick
def test_every_line_of_a_stream_keeps_its_schema(validator: OAS31Validator) -> None:
    chain = DevChain(chain_id=1, first_block=19_000_000, blocks=50)
    seen: set[str] = set()
    with (
        LocalService(chain, heartbeat_interval=0.05) as service,
        SyncEventStreamer(service.url, "me") as client,
    ):
        live = client.subscribe(TRANSFER, chain_id=1, start_block=19_000_000)
        path = f"{service.url}/subscriptions/{live.id}/stream"
        with httpx.Client(timeout=20) as http, http.stream("GET", path) as response:
            assert response.headers["content-type"].startswith("application/x-ndjson")
            for header in ("x-connection-id", "x-heartbeat-interval", "x-request-id"):
                assert response.headers[header]
            for line in response.iter_lines():
                message = json.loads(line)
                errors = list(validator.iter_errors(message))
                assert not errors, f"{message}: {errors}"
                if message["type"] not in seen:
                    seen.add(message["type"])
                    {
                        "event_batch": lambda: None,
                        "heartbeat": lambda: chain.reorg(depth=2),
                        "reorg": lambda: service.faults.add("status", status=503, path="/nothing"),
                    }.get(message["type"], lambda: None)()
                if {"event_batch", "heartbeat", "reorg"} <= seen:
                    break

        bounded = client.subscribe(TRANSFER, chain_id=1, start_block=19_000_000, end_block=19_000_010)
        with httpx.Client(timeout=20) as http:
            lines = http.get(f"{service.url}/subscriptions/{bounded.id}/stream").text.splitlines()
        for line in lines:
            assert not list(validator.iter_errors(json.loads(line))), line
        assert json.loads(lines[-1])["type"] == "end"


@pytest.mark.quick
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/subscriptions/7/stream", 404),
        ("GET", "/subscriptions/x/stream", 422),
        ("POST", "/stream/nobody/heartbeat", 404),
        ("DELETE", "/health", 405),
        ("GET", "/nowhere", 404),
        ("POST", "/subscriptions", 400),
        ("PUT", "/api/chains/stats", 405),
    ],
)
def test_a_refusal_has_the_error_body_of_the_spec(method: str, path: str, status: int) -> None:
    from event_streamer_sdk.models import ErrorResponse

    with LocalService(DevChain(blocks=1)) as service:
        body = {"timestamp": "2024-05-23T10:30:00Z"} if "heartbeat" in path else None
        answer = httpx.request(method, f"{service.url}{path}", json=body)
    assert answer.status_code == status
    error = ErrorResponse.from_dict(answer.json())
    assert error.error
    assert answer.headers["x-request-id"]
