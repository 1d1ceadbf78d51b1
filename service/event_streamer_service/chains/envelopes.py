"""
The envelopes of JSON-RPC: requests written, answers read in whatever shape a node gives them. Pure.

JSON-RPC 2.0 (https://www.jsonrpc.org/specification) pairs an answer with its request by `id`, and has either
a `result` or an `error` object. Met in the field as well: ids as text or left out, an error that is a string,
an error inside `result`, a gateway's `{"message": …}`, plain text and HTML, with any status.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from .errors import UnreadableAnswer

Request = tuple[str, list[Any]]
"""A JSON-RPC method and its parameters."""

_SHOWN = 200
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_WORDS = ("message", "errortext", "error_description", "detail", "details", "reason", "description", "title")
"""Where the words of an error stand, the usual place first."""


class RpcFailure(msgspec.Struct):
    """
    What a node says went wrong.

    Attributes:
        code: The error's code, 0 where it has none.
        message: Its words.
        data: Whatever else it says (JSON-RPC 2.0, section 5.1).
    """

    code: int = 0
    message: str = ""
    data: Any = None


class Answer(msgspec.Struct):
    """One answer. What is in `result` is decoded where its type is known."""

    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: RpcFailure | None = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw(b"null")


_MISSING = msgspec.Raw(b"")


class _Envelope(msgspec.Struct):
    """An answer as it came: any member may be missing, or be anything."""

    id: Any = None
    result: msgspec.Raw = _MISSING
    error: Any = None
    errors: Any = None
    method: Any = None
    params: msgspec.Raw = msgspec.Raw(b"null")
    message: Any = None
    code: Any = None
    data: Any = None


_envelopes: msgspec.json.Decoder[list[_Envelope]] = msgspec.json.Decoder(list[_Envelope])
_envelope: msgspec.json.Decoder[_Envelope] = msgspec.json.Decoder(_Envelope)
_anything: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def encode(requests: Sequence[Request], first_id: int) -> bytes:
    """Encode one request, or several as a batch, with ids from `first_id` on."""
    calls = [
        {"jsonrpc": "2.0", "id": first_id + i, "method": method, "params": params}
        for i, (method, params) in enumerate(requests)
    ]
    return msgspec.json.encode(calls if len(calls) > 1 else calls[0])


def decode(body: bytes) -> list[Answer]:
    """
    Decode one answer or a batch of them.

    Raises:
        UnreadableAnswer: It is not JSON-RPC; the message shows the beginning of its text.
    """
    try:
        found = _envelopes.decode(body) if body.lstrip()[:1] == b"[" else [_envelope.decode(body)]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        found = []
    answers = [_answer(envelope) for envelope in found]
    if not answers or None in answers:
        raise UnreadableAnswer(f"the answer is not JSON-RPC: {excerpt(body) or 'it is empty'}")
    return [answer for answer in answers if answer is not None]


def in_order(answers: Sequence[Answer], first_id: int, count: int) -> list[Answer | None]:
    """
    Return the answers by the order of their requests, `None` for a request that has none.

    The one answer to a single request is its answer whatever its id. A lone refusal of a batch comes alone.
    """
    if count == 1:
        return [next((a for a in answers if a.id == first_id), answers[0] if len(answers) == 1 else None)]
    if len(answers) == 1 and answers[0].error is not None:
        return [answers[0]]
    by_id = {answer.id: answer for answer in answers}
    if len(by_id) < len(answers):
        return [None] * count  # ids that fit several answers say nothing
    return [by_id.get(first_id + i) for i in range(count)]


def excerpt(body: bytes) -> str:
    """Return the beginning of a text for people, without markup; of HTML the words that a reader sees."""
    text = body[:20_000].decode("utf-8", "replace")
    return " ".join(_MARKUP.sub(" ", text).split())[:_SHOWN]


def _answer(envelope: _Envelope) -> Answer | None:
    """Return the answer in an envelope, `None` where there is neither an answer nor an error."""
    answer_id = _id(envelope.id)
    if isinstance(envelope.method, str):
        return Answer(answer_id, method=envelope.method, params=envelope.params)
    for error in (envelope.error, envelope.errors):
        if error not in (None, False, "", [], {}):
            return Answer(answer_id, error=_failure(error, envelope))
    if envelope.result is not _MISSING:
        inner = _inner_failure(envelope.result)
        return Answer(answer_id, envelope.result, inner)
    if envelope.message or envelope.code:  # a gateway's own form
        return Answer(
            answer_id, error=_failure({"message": envelope.message, "code": envelope.code}, envelope)
        )
    return None


def _id(value: Any) -> int | str | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _inner_failure(result: msgspec.Raw) -> RpcFailure | None:
    """Return the error that some proxies put inside of `result`."""
    beginning = bytes(memoryview(result)[:2_000])
    if not beginning.startswith(b"{") or b'"error"' not in beginning:
        return None
    found = _anything.decode(result)
    error = found.get("error")
    return None if error in (None, False, "", [], {}) else _failure(error)


def _failure(error: Any, envelope: _Envelope | None = None) -> RpcFailure:
    """Return the error in whatever was given as one."""
    if isinstance(error, list) and error:
        error = error[0]
    if not isinstance(error, dict):
        words = error if isinstance(error, str) else None
        outer = envelope.message if envelope is not None and isinstance(envelope.message, str) else None
        code = envelope.code if envelope is not None else None
        data = envelope.data if envelope is not None else None
        return RpcFailure(_code(code), words or outer or "an error without words", data)
    said = next((error[name] for name in _WORDS if error.get(name)), None)
    if isinstance(said, dict):
        return _failure({**error, **said, "message": said.get("message") or _json(said)})
    if isinstance(error.get("error"), dict | str):
        return _failure(error["error"])
    message = said if isinstance(said, str) else _json(said) if said is not None else ""
    return RpcFailure(_code(error.get("code")), message or "an error without words", error.get("data"))


def _code(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
