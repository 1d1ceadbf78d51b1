"""
The configuration file of `serve --config`: keys, chains and limits, out of sight of `ps` and of shells.

    database = "file:/run/secrets/database"   # or "env:NAME", or the URL itself

    [keys]
    admin = ["sha256:…"]                      # as `event-streamer keys create` prints it
    metrics = ["env:PROMETHEUS_KEY"]

    [keys.subscribers]
    my-app = ["sha256:…", "sha256:…"]         # two while one replaces the other

    [[chains]]
    chain_id = 1
    name = "Ethereum"
    rpc_urls = ["file:/run/secrets/node"]

    [limits]
    max_streams = 50                          # any field of `Settings`
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import field as attribute
from attrs import fields_dict, frozen

from event_streamer_service.auth import digest_of
from event_streamer_service.chains.config import ChainConfig
from event_streamer_service.errors import StartupError, WrongArgument
from event_streamer_service.settings import Settings

LEAST_KEY = 16
"""Characters of a key: fewer can be guessed, and their digest can be turned back."""

Mark = tuple[int, ...]
Files = dict[Path, Mark | None]
"""Files and how each one was before it was read; see `mark_of`."""

_KEYS = frozenset({"api_keys", "admin_keys", "metrics_keys"})
_TOP = frozenset({"host", "port", "database", "keys", "chains", "limits"})
_IN_KEYS = frozenset({"subscribers", "admin", "metrics"})


@frozen(kw_only=True)
class KeySet:
    """
    API keys, as they are or as `sha256:` and their digest.

    Attributes:
        api_keys: Key → subscriber.
        admin_keys: Keys that may change chains and breakers.
        metrics_keys: Keys that read figures alone.
    """

    api_keys: Mapping[str, str] = attribute(factory=dict, repr=False)
    admin_keys: frozenset[str] = attribute(default=frozenset(), repr=False)
    metrics_keys: frozenset[str] = attribute(default=frozenset(), repr=False)

    def __or__(self, other: KeySet) -> KeySet:
        """Put two sets together."""
        for key, owner in other.api_keys.items():
            if self.api_keys.get(key, owner) != owner:
                raise StartupError(f"The API key of {owner} is also another subscriber's.")
        return KeySet(
            api_keys={**self.api_keys, **other.api_keys},
            admin_keys=self.admin_keys | other.admin_keys,
            metrics_keys=self.metrics_keys | other.metrics_keys,
        )

    def settings(self) -> dict[str, Any]:
        """Return the fields of `Settings` that hold keys."""
        return {
            "api_keys": self.api_keys,
            "admin_keys": self.admin_keys,
            "metrics_keys": self.metrics_keys,
        }


@frozen(kw_only=True)
class Configuration:
    """
    What a configuration file says.

    Attributes:
        host: Where to listen.
        port: The port to listen at.
        settings: Fields of `Settings`, keys apart.
        keys: The keys.
        chains: Chains that are read from nodes.
        files: The files that it was read from, itself and those of its secrets, each as it was then.
    """

    host: str | None = None
    port: int | None = None
    settings: dict[str, Any] = attribute(factory=dict)
    keys: KeySet = attribute(factory=KeySet)
    chains: tuple[ChainConfig, ...] = ()
    files: Files = attribute(factory=dict)

    @classmethod
    def read(cls, path: Path) -> Configuration:
        """
        Read a file.

        Raises:
            WrongArgument: There is none, it is not TOML, or it holds what is not known or can't be.
        """
        files = {path: mark_of(path)}
        try:
            content = tomllib.loads(path.read_text("utf-8"))
        except OSError as problem:
            raise WrongArgument(f"--config {path}: {problem.strerror or problem}.") from problem
        except UnicodeDecodeError as problem:
            raise WrongArgument(f"--config {path} is not TOML: it is not text in UTF-8.") from problem
        except tomllib.TOMLDecodeError as problem:
            raise WrongArgument(f"--config {path} is not TOML: {problem}.") from problem
        try:
            return cls._of(content, files)
        except (StartupError, ValueError, TypeError) as problem:
            said = str(problem).rstrip(".")
            raise WrongArgument(f"--config {path}: {said}{'' if said.endswith('?') else '.'}") from problem

    @classmethod
    def _of(cls, content: dict[str, Any], files: Files) -> Configuration:
        _check_names("", content, _TOP)
        settings = dict(_table(content, "limits"))
        _check_names("limits.", settings, fields_dict(Settings).keys() - _KEYS)
        if "database" in content:
            settings["database"] = _secret("database", content["database"], files)
        Settings(**settings)  # what can't be is refused here, with the file's name
        port = content.get("port")
        if port is not None and (not isinstance(port, int) or isinstance(port, bool)):
            raise WrongArgument(f"port must be a whole number, not {port!r}")
        if port is not None:
            check_port(port)
        host = content.get("host")
        if host is not None and not isinstance(host, str):
            raise WrongArgument(f"host must be a string, not {host!r}")
        return cls(
            host=host,
            port=port,
            settings=settings,
            keys=_keys(_table(content, "keys"), files),
            chains=tuple(_chains(content.get("chains", []), files)),
            files=files,
        )


def _keys(table: Mapping[str, Any], files: Files) -> KeySet:
    _check_names("keys.", table, _IN_KEYS)
    api_keys: dict[str, str] = {}
    for subscriber, given in _table(table, "subscribers").items():
        for key in _secrets(f"keys.subscribers.{subscriber}", given, files):
            if api_keys.setdefault(long_enough(key), subscriber) != subscriber:
                raise WrongArgument(f"the key of {subscriber} is also another subscriber's")
    return KeySet(
        api_keys=api_keys,
        admin_keys=frozenset(map(long_enough, _secrets("keys.admin", table.get("admin", []), files))),
        metrics_keys=frozenset(map(long_enough, _secrets("keys.metrics", table.get("metrics", []), files))),
    )


def _chains(tables: Any, files: Files) -> Iterable[ChainConfig]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise WrongArgument("chains are tables of their own: [[chains]]")
    seen: set[int] = set()
    for table in tables:
        values = dict(table)
        _check_names("chains.", values, fields_dict(ChainConfig).keys())
        values.setdefault("name", f"Chain {values.get('chain_id')}")
        values["rpc_urls"] = _secrets("chains.rpc_urls", values.get("rpc_urls", []), files)
        for name in ("historical_rpc_url", "live_websocket_url"):
            if name in values:
                values[name] = _secret(f"chains.{name}", values[name], files)
        chain = ChainConfig(**values)
        if chain.chain_id in seen:
            raise WrongArgument(f"chain {chain.chain_id} is listed twice")
        seen.add(chain.chain_id)
        yield chain


def _table(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise WrongArgument(f"{name} is a table: [{name}]")
    return table


def _check_names(where: str, given: Iterable[str], known: Iterable[str]) -> None:
    known = sorted(known)
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {where}{close[0]}?" if close else f"there are {', '.join(known)}"
            raise WrongArgument(f"{where}{name} is not known; {hint}")


def _secrets(where: str, given: Any, files: Files) -> list[str]:
    items = [given] if isinstance(given, str) else given
    if not isinstance(items, list):
        raise WrongArgument(f"{where} must be a string or a list of strings")
    return [_secret(where, item, files) for item in items]


def _secret(where: str, text: Any, files: Files) -> str:
    if not isinstance(text, str):
        raise WrongArgument(f"{where} must be a string or a list of strings")
    if text.startswith("file:"):
        path = Path(text.removeprefix("file:"))
        files.setdefault(path, mark_of(path))
    return revealed(text)


def check_port(port: int) -> None:
    """Raise `WrongArgument` where there is no such port."""
    if not 0 <= port <= 65_535:
        raise WrongArgument(f"Port {port} doesn't exist: ports go from 0 (any free one) to 65535.")


def mark_of(path: Path) -> Mark | None:
    """
    Return what is another where a file has changed (a replaced one has another inode), `None`: there is none.

    Take it *before* the file is read: of one that changes meanwhile the change is seen at the next look.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def revealed(text: str) -> str:
    """
    Return a secret that is given as it is, as `env:NAME`, or as `file:PATH` (without blanks around it).

    Raises:
        WrongArgument: There is no such variable or file, or it is empty.
    """
    kind, _, place = text.partition(":")
    if kind == "env":
        found = os.environ.get(place, "")
        problem = f"the environment variable {place} is not set"
    elif kind == "file" and not text.startswith("file://"):
        problem = f"the file {place} is empty"
        try:
            found = Path(place).read_text("utf-8").strip()
        except UnicodeDecodeError as failed:
            raise WrongArgument(f"The file {place} is not text in UTF-8.") from failed
        except OSError as failed:
            raise WrongArgument(f"The file {place} can't be read: {failed.strerror or failed}.") from failed
    else:
        return text
    if not found:
        raise WrongArgument(f"{problem[0].upper()}{problem[1:]}.")
    return found


def long_enough(key: str) -> str:
    """Return a key; raises `WrongArgument` where it can be guessed, or its digest is none."""
    if key.startswith("sha256:"):
        digest_of(key)
    elif len(key) < LEAST_KEY:
        raise WrongArgument(
            f"An API key has at least {LEAST_KEY} characters, and one has {len(key)}: "
            "`event-streamer keys create` makes one."
        )
    return key
