"""What is asked of Redis. Each question is a script: all of it or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from attrs import frozen

from event_streamer_api.errors import EventStreamerValidationError

from .._extras import needs
from ..exceptions import CheckpointError
from .shared import LeaseInfo, Overview, WorkerInfo, moment

TIMEOUT = 10.0
"""How long Redis may take to answer, seconds."""
PASSING = (
    *("ConnectionError", "TimeoutError", "OutOfMemoryError", "ReadOnlyError", "TryAgainError"),
    *("ClusterDownError", "MasterDownError"),
)
"""redis-py's exceptions for what may pass."""
PASSING_CODES = ("OOM", "LOADING", "READONLY", "MISCONF", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "NOREPLICAS")
"""How Redis begins what may pass, where redis-py has no exception for it."""
NAMES = ("resume_token", "batch_id", "block", "chain_id", "saved_at")

_CLOCK = """
-- Redis's clock alone decides about leases: seconds since 1970.
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
-- Numbers are written with all their digits: Lua's own way keeps fourteen.
local function from_now(seconds) return string.format('%.6f', now + tonumber(seconds)) end
"""
"""Begins each script."""
SAVE = """
if ARGV[1] ~= '' then
    if redis.call('HGET', KEYS[1], 'fencing') ~= ARGV[2] then return 0 end
    redis.call('HSET', KEYS[1], 'expires_at', from_now(ARGV[1]))
end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
return 1
"""
ACQUIRE = """
local owner = redis.call('HGET', KEYS[1], 'owner')
local expires = tonumber(redis.call('HGET', KEYS[1], 'expires_at') or '0')
if owner and owner ~= ARGV[1] and expires >= now then return false end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'expires_at', from_now(ARGV[2]))
return redis.call('HINCRBY', KEYS[1], 'fencing', 1)
"""
RENEW = """
if redis.call('HGET', KEYS[1], 'fencing') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'expires_at', from_now(ARGV[2]))
return 1
"""
RELEASE = """
if redis.call('HGET', KEYS[1], 'fencing') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'owner')
redis.call('HINCRBY', KEYS[1], 'fencing', 1)
redis.call('HSET', KEYS[1], 'expires_at', from_now(0))
return 1
"""
ANNOUNCE = """
local said = redis.call('HGET', KEYS[1], ARGV[1])
local row = {expires_at = from_now(ARGV[2]), report = ARGV[3]}
row.came_at = said and cjson.decode(said)['came_at'] or from_now(0)
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(row))
for _, worker in ipairs(redis.call('HKEYS', KEYS[1])) do
    local row = cjson.decode(redis.call('HGET', KEYS[1], worker))
    if tonumber(row['expires_at']) < now - 3600 then redis.call('HDEL', KEYS[1], worker) end
end
return 1
"""
LEASE = """
return {from_now(0), redis.call('HMGET', KEYS[1], 'owner', 'fencing', 'expires_at', 'block', 'saved_at')}
"""
WORKERS = "return {from_now(0), redis.call('HGETALL', KEYS[1])}"


@frozen
class Command:
    """
    A command, or several that are sent together, and what is made of the answers.

    Attributes:
        calls: Name and arguments of each.
        read: Gets the list of answers.
    """

    calls: list[tuple[Any, ...]]
    read: Callable[[list[Any]], Any]


def _script(script: str, key: str, *arguments: object) -> tuple[Any, ...]:
    return ("EVAL", _CLOCK + script, 1, key, *arguments)


class RedisQuestions:
    """
    What is asked of Redis (see `Questions`): each method gives a `Command`.

    Args:
        prefix: What all keys begin with.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def _key(self, key: str) -> str:
        return f"{self._prefix}:position:{key}"

    def _group(self, group: str) -> str:
        return f"{self._prefix}:workers:{group}"

    def load(self, key: str) -> Command:
        """Ask for a position."""
        return Command([("HMGET", self._key(key), *NAMES)], lambda answers: tuple(answers[0]))

    def save(self, key: str, values: tuple[Any, ...], lease: float | None, fencing: int) -> Command:
        """Store a position."""
        fields: list[Any] = []
        for name, value in zip(NAMES, values, strict=True):
            fields += [name, "" if value is None else value]
        kept = "" if lease is None else repr(lease)
        return Command([_script(SAVE, self._key(key), kept, fencing, *fields)], _yes)

    def acquire(self, keys: Collection[str], owner: str, lease: float) -> Command:
        """Take leases."""
        return Command(
            [_script(ACQUIRE, self._key(key), owner, repr(lease)) for key in keys],
            lambda answers: {key: number for key, number in zip(keys, answers, strict=True) if number},
        )

    def renew(self, numbers: Mapping[str, int], lease: float) -> Command:
        """Prolong leases."""
        calls = [_script(RENEW, self._key(key), number, repr(lease)) for key, number in numbers.items()]
        return Command(
            calls,
            lambda answers: {key for key, held in zip(numbers, answers, strict=True) if held},
        )

    def release(self, key: str, fencing: int) -> Command:
        """Give a lease back."""
        return Command([_script(RELEASE, self._key(key), fencing)], _yes)

    def announce(self, group: str, worker: str, lease: float, report: str) -> Command:
        """Say that a worker is there."""
        return Command([_script(ANNOUNCE, self._group(group), worker, repr(lease), report)], _yes)

    def leave(self, group: str, worker: str) -> Command:
        """Say that a worker is gone."""
        return Command([("HDEL", self._group(group), worker)], _yes)

    def overview(self, group: str, keys: Collection[str]) -> Command:
        """Ask who is there and who has what."""
        calls = [_script(WORKERS, self._group(group)), *(_script(LEASE, self._key(key)) for key in keys)]

        def read(answers: list[Any]) -> Overview:
            (now, rows), *leases = answers
            return Overview(
                workers=_workers(float(now), rows),
                leases={
                    key: _lease(float(at), row) for key, (at, row) in zip(keys, leases, strict=True) if row[1]
                },
            )

        return Command(calls, read)


def _yes(answers: list[Any]) -> bool:
    return bool(answers[0])


def _workers(now: float, rows: list[str]) -> tuple[WorkerInfo, ...]:
    said = [(name, json.loads(row)) for name, row in zip(rows[::2], rows[1::2], strict=True)]
    return tuple(
        WorkerInfo(
            name=name,
            seconds_left=float(row["expires_at"]) - now,
            age=now - float(row["came_at"]),
            report=json.loads(row["report"]),
        )
        for name, row in sorted(said)
        if float(row["expires_at"]) > now
    )


def _lease(now: float, row: list[Any]) -> LeaseInfo:
    owner, fencing, expires_at, block, saved_at = row
    return LeaseInfo(
        owner=owner,
        fencing=int(fencing),
        seconds_left=float(expires_at or 0) - now,
        block=int(block) if block else None,
        saved_at=moment(saved_at),
    )


def client_of(module: Any, url: str) -> Any:
    """
    Make a client of Redis, which connects with its first command.

    Raises:
        EventStreamerValidationError: The URL can't be used.
    """
    try:
        return module.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            socket_keepalive=True,
            decode_responses=True,
            client_name="event-streamer",
        )
    except ValueError as problem:
        raise EventStreamerValidationError(f"the URL of Redis can't be used: {problem}") from None


def answered(answers: list[Any]) -> list[Any]:
    """Raise a refusal as it came: redis-py's own way shows the whole command, and with it a resume token."""
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def failed(what: str, error: Exception) -> CheckpointError:
    """Say what went wrong; a Redis that is full, loads its data or is a replica may do better later."""
    exceptions = needs("redis.exceptions")
    passing = [getattr(exceptions, name) for name in PASSING if hasattr(exceptions, name)]
    may_pass = isinstance(error, (*passing, OSError)) or str(error).startswith(PASSING_CODES)
    permanent = isinstance(error, exceptions.AuthenticationError) or not may_pass
    return CheckpointError(f"{what} failed: {type(error).__name__}: {error}", permanent=permanent)
