"""
Answers of both kinds of service: as the document shows them, and as the published package reads them.

Each function here takes decoded JSON of one call and gives it the document's shape, so that the models
know one shape only. What both kinds say under different names is filled in on both sides; what only one
says stays as it is. Nothing here complains: the models check what comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Body = dict[str, Any]


def normalised(operation_id: str, body: Any) -> Any:
    """
    Give a successful answer the document's shape.

    Args:
        operation_id: Which call it answers.
        body: Its decoded JSON; not changed.

    Returns:
        The same JSON, or a copy with what the other kind of service calls differently.
    """
    change = _CHANGES.get(operation_id)
    return change(dict(body)) if change is not None and isinstance(body, dict) else body


def _chain_list(body: Body) -> Body:
    """`chains` as a map from chain id to configuration becomes a list."""
    chains = body.get("chains")
    if isinstance(chains, dict):
        body["chains"] = [_chain_of_map(key, chain) for key, chain in chains.items()]
    elif isinstance(chains, list):
        body["chains"] = [_with_status(dict(chain)) if isinstance(chain, dict) else chain for chain in chains]
    return body


def _chain_of_map(key: str, chain: Any) -> Any:
    if not isinstance(chain, dict):
        return chain
    chain_id: Any = int(key) if key.isascii() and key.isdigit() else key
    return _with_status({"chain_id": chain_id, "name": str(key), **chain})


def _with_status(body: Body) -> Body:
    """`is_active` says what `status` says."""
    active = body.get("is_active")
    if body.get("status") is None and isinstance(active, bool):
        body["status"] = "active" if active else "inactive"
    return body


def _chain_stats(body: Body) -> Body:
    ids = body.get("supported_chain_ids")
    if body.get("active_chains") is None and isinstance(ids, list):
        body["active_chains"] = len(ids)
    return body


def _same(*pairs: tuple[str, str]) -> Callable[[Body], Body]:
    """Two names for one thing: whichever came fills in the other."""

    def change(body: Body) -> Body:
        for one, other in pairs:
            if body.get(one) is None and body.get(other) is not None:
                body[one] = body[other]
            elif body.get(other) is None and body.get(one) is not None:
                body[other] = body[one]
        return body

    return change


_CHANGES: dict[str, Callable[[Body], Body]] = {
    "get_all_chains": _chain_list,
    "get_chain": _with_status,
    "create_chain": _with_status,
    "update_chain": _with_status,
    "delete_chain": _with_status,
    "get_chain_stats": _chain_stats,
    "get_circuit_breaker_health": _same(
        ("healthy_rpcs", "healthy_circuit_breakers"), ("total_rpcs", "total_circuit_breakers")
    ),
    "send_heartbeat": _same(("timestamp", "server_timestamp")),
}
