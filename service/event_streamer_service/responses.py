"""How answers are written: JSON by orjson, without the fields that have no value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


def json_response(body: object, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a JSON body."""
    return Response(orjson.dumps(body), status, headers=dict(headers or {}), media_type="application/json")


def created(body: object, *, is_replayed: bool) -> Response:
    """Return the answer to a create, which says where it is that of an earlier request with the same key."""
    return json_response(body, 201, headers={"idempotent-replayed": "true"} if is_replayed else None)


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that have a value."""
    return {name: value for name, value in values.items() if value is not None}
