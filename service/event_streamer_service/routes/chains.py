"""Chains: which are followed and how; adding, changing and deactivating them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from attrs import asdict
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from event_streamer_api.models import ChainConfigRequest
from event_streamer_service.chains.config import ChainConfig, redact_url
from event_streamer_service.chains.errors import ChainError
from event_streamer_service.chains.feed import Chain
from event_streamer_service.chains.types import Block
from event_streamer_service.clock import isoformat
from event_streamer_service.delivery.connection import Ending
from event_streamer_service.errors import Conflict, NotFound, Unavailable
from event_streamer_service.requests import idempotency_key, path_block, path_id, read_model
from event_streamer_service.responses import created, json_response
from event_streamer_service.routes._request import caller_of, query, service_of
from event_streamer_service.store import idempotency

_HEAD_PATIENCE = 2.0
"""Seconds that a chain's nodes have to tell its head, so that a configuration is shown soon without them."""

_BLOCK_PATIENCE = 10.0
"""Seconds that a chain's nodes have to tell a block, which an old one may take."""


async def get_all_chains(request: Request) -> Response:
    """Return the active chains."""
    service, shown = service_of(request), _shows_nodes(request)
    active = [config for config, is_active in service.registry.known().values() if is_active]
    return json_response(
        {
            "chains": [
                {
                    "chain_id": config.chain_id,
                    "name": config.name,
                    "status": "active",
                    "rpc_urls": _masked(config.historical_urls) if shown else None,
                    "average_block_time": config.average_block_time,
                }
                for config in active
            ],
            "total_chains": len(active),
            "timestamp": isoformat(service.clock.time()),
        }
    )


async def get_chain_stats(request: Request) -> Response:
    """Return figures on the configured chains."""
    service = service_of(request)
    known = service.registry.known()
    active = [chain_id for chain_id, (_, is_active) in known.items() if is_active]
    return json_response(
        {
            "total_chains": len(known),
            "active_chains": len(active),
            "healthy_rpcs": sum(breaker.is_healthy for _, breaker in service.chains.breakers_by_chain),
            "loaded": True,
            "supported_chain_ids": active,
            "last_refresh": isoformat(service.chains.last_refresh),
            "timestamp": isoformat(service.clock.time()),
        }
    )


async def get_chain(request: Request) -> Response:
    """Return one chain's configuration, and its head where a node tells it soon."""
    service = service_of(request)
    config, active = service.registry.find(path_id(request, "chain_id"))
    head = await service.chains.head_number(config.chain_id, _HEAD_PATIENCE)
    return json_response(_describe(request, config, active=active) | {"head_block": head})


async def get_block(request: Request) -> Response:
    """Return one block's hash and time, as a node tells them."""
    chain_id, number = path_id(request, "chain_id"), path_block(request)
    service = service_of(request)
    _, active = service.registry.find(chain_id)
    if not active:
        raise NotFound(f"Chain {chain_id} is not active.", title="Chain not active", code="CHAIN_NOT_FOUND")
    block = await _block(service.chains.get(chain_id), number)
    # The genesis block of some chains, Ethereum's among them, has the time 0; elsewhere it means "not told".
    is_told = block.timestamp > 0 or number == 0
    return json_response(
        {
            "chain_id": chain_id,
            "number": block.number,
            "hash": block.hash,
            "timestamp": isoformat(block.timestamp) if is_told else None,
        }
    )


async def _block(chain: Chain, number: int) -> Block:
    chain_id = chain.config.chain_id
    try:
        async with asyncio.timeout(_BLOCK_PATIENCE):
            found = await chain.block(number)
    except TimeoutError:
        raise Unavailable(f"No node of chain {chain_id} answers within {_BLOCK_PATIENCE:g} s.") from None
    except ChainError as problem:
        raise Unavailable(f"Chain {chain_id} can't be read: {problem}") from problem
    if found is None:
        raise NotFound(
            f"Chain {chain_id} has no block {number}.", title="Block not found", code="BLOCK_NOT_FOUND"
        )
    return found


async def create_chain(request: Request) -> Response:
    """Add a chain."""
    caller_of(request).check_admin()
    service = service_of(request)
    wanted = await read_model(request, ChainConfigRequest, limit=service.settings.max_body_bytes)
    key = idempotency_key(request)
    keyed = None if key is None else idempotency.Keyed("", key, ["POST", request.url.path, wanted.to_dict()])
    now = service.clock.time()

    answer: dict[str, Any] = {}

    def describe(connection: Connection, config: ChainConfig) -> None:
        answer.update(_describe(request, config, active=True, message=f"Chain {config.chain_id} added."))
        if keyed is not None and idempotency.claim(connection, keyed, now=now) is None:
            idempotency.keep(connection, keyed, answer)

    async def before() -> dict[str, Any] | None:
        if keyed is None:
            return None
        return await query(request, lambda connection: idempotency.find(connection, keyed, now=now))

    answered = await before()
    if answered is not None:
        return created(answered, is_replayed=True)
    try:
        await service.registry.create(wanted, beside=describe)
    except Conflict:  # perhaps by a request with this key, a moment ago
        answered = await before()
        if answered is None:
            raise
        return created(answered, is_replayed=True)
    return created(answer, is_replayed=False)


async def update_chain(request: Request) -> Response:
    """Replace one chain's configuration; its streams go on with the new one."""
    caller_of(request).check_admin()
    service = service_of(request)
    chain_id = path_id(request, "chain_id")
    wanted = await read_model(request, ChainConfigRequest, limit=service.settings.max_body_bytes)
    config = await service.registry.update(chain_id, wanted)
    return json_response(_describe(request, config, active=True, message=f"Chain {chain_id} changed."))


async def delete_chain(request: Request) -> Response:
    """Deactivate one chain and end its streams."""
    caller_of(request).check_admin()
    service = service_of(request)
    chain_id = path_id(request, "chain_id")
    config = await service.registry.deactivate(chain_id)
    service.hub.end_chain(
        chain_id,
        Ending("chain_removed", "PROCESSING_STOPPED", f"Chain {chain_id} is no longer active here."),
    )
    return json_response(_describe(request, config, active=False, message=f"Chain {chain_id} deactivated."))


async def refresh_chains(request: Request) -> Response:
    """Read the configurations from the database again."""
    caller_of(request).check_admin()
    service = service_of(request)
    count = await service.registry.refresh()
    return json_response(
        {
            "chain_id": 0,
            "message": f"{count} active chain{'s' if count != 1 else ''} read from the database.",
            "status": "active",
            "timestamp": isoformat(service.clock.time()),
        }
    )


def _describe(
    request: Request, config: ChainConfig, *, active: bool, message: str | None = None
) -> dict[str, Any]:
    """
    Return a chain as the wire has it: all of its configuration, with masked URLs.

    Sent back with PUT it changes nothing.
    """
    status = "active" if active else "inactive"
    values: dict[str, Any] = asdict(config)
    for name in ("historical_rpc_url", "live_websocket_url"):
        values[name] = None if values[name] is None else redact_url(values[name])
    values["rpc_urls"] = _masked(config.rpc_urls or config.historical_urls)
    if not _shows_nodes(request):
        values |= {"rpc_urls": None, "historical_rpc_url": None, "live_websocket_url": None}
    return values | {
        "status": status,
        "message": message or f"Chain {config.chain_id} is {status}.",
        "timestamp": isoformat(service_of(request).clock.time()),
    }


def _masked(urls: Iterable[str]) -> list[str]:
    """Return nodes without what may be a secret in them."""
    return [redact_url(url) for url in urls]


def _shows_nodes(request: Request) -> bool:
    return caller_of(request).sees_operations or service_of(request).settings.show_nodes
