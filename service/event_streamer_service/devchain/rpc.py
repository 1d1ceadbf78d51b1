"""
JSON-RPC 2.0: requests, batches, notifications. Which methods there are is somebody else's.

Rules: the JSON-RPC 2.0 specification, sections 4 to 6. Parameters by name are refused, as all nodes do.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from event_streamer_service.chains.errors import BlockGone, RangeTooLarge

from .refusals import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    LIMIT_EXCEEDED,
    PARSE_ERROR,
    SERVER_ERROR,
    Refusal,
    refusal_of_method,
)

__all__ = ["Method", "Methods", "answer"]

logger = logging.getLogger(__name__)

Method: TypeAlias = Callable[..., Awaitable[Any]]
Methods: TypeAlias = Mapping[str, Method]


async def answer(methods: Methods, body: bytes | str) -> bytes | None:
    """
    Answer a message: a request, a notification, or a batch of both.

    Args:
        methods: The methods by their names.
        body: The message.

    Returns:
        The answer; `None` where there is none, since all that came were notifications.
    """
    try:
        message = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return msgspec.json.encode(_error(None, PARSE_ERROR, "this is not valid JSON"))
    if not isinstance(message, list):
        one = await _answer_one(methods, message)
        return None if one is None else msgspec.json.encode(one)
    if not message:
        return msgspec.json.encode(_error(None, INVALID_REQUEST, "the batch is empty"))
    answers = [each for request in message if (each := await _answer_one(methods, request)) is not None]
    return msgspec.json.encode(answers) if answers else None


async def _answer_one(methods: Methods, request: Any) -> dict[str, Any] | None:
    """Answer one request; a notification is obeyed and not answered, even if it fails."""
    fault = _fault(request)
    if fault is not None:
        return fault
    answered = await _obey(methods, request["method"], request.get("params"))
    return {"jsonrpc": "2.0", "id": request["id"], **answered} if "id" in request else None


def _fault(request: Any) -> dict[str, Any] | None:
    """Say what keeps a value from being a request."""
    if not isinstance(request, dict):
        return _error(None, INVALID_REQUEST, "a request is an object")
    request_id = request.get("id")
    if isinstance(request_id, bool | dict | list):
        return _error(None, INVALID_REQUEST, "the id of a request is text or a number")
    if request.get("jsonrpc") != "2.0":
        return _error(request_id, INVALID_REQUEST, 'a request has "jsonrpc": "2.0"')
    if not isinstance(request.get("method"), str):
        return _error(request_id, INVALID_REQUEST, "the method of a request is text")
    return None


async def _obey(methods: Methods, name: str, params: Any) -> dict[str, Any]:
    """Call a method; the answer has a result or an error."""
    try:
        method = methods.get(name)
        if method is None:
            raise refusal_of_method(name)
        if not isinstance(params, list | None):
            raise Refusal(INVALID_PARAMS, "params must be a list")
        try:
            call = method(*(params or ()))
        except TypeError as error:  # the number of arguments; nothing has been done yet
            raise Refusal(INVALID_PARAMS, f"{name}: {str(error).partition('() ')[2]}") from None
        return {"result": await call}
    except Refusal as refusal:
        return _outcome(refusal.code, str(refusal))
    except RangeTooLarge as refusal:
        return _outcome(LIMIT_EXCEEDED, str(refusal))
    except BlockGone:
        return _outcome(SERVER_ERROR, "unknown block")
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        return _outcome(INVALID_PARAMS, f"invalid params: {error}")
    except Exception:
        logger.exception("%s failed", name)
        return _outcome(INTERNAL_ERROR, f"{name} failed")


def _outcome(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _error(request_id: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, **_outcome(code, message)}
