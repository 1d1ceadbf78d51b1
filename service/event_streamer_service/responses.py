"""How answers are written: JSON by orjson."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from starlette.responses import Response


def json_response(body: object, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a JSON body."""
    return Response(orjson.dumps(body), status, headers=dict(headers or {}), media_type="application/json")


def created(body: object, *, is_replayed: bool) -> Response:
    """Return the answer to a create, which says where it is that of an earlier request with the same key."""
    return json_response(body, 201, headers={"idempotent-replayed": "true"} if is_replayed else None)
