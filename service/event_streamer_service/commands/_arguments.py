"""What the command line of `serve` says, read into what the service takes."""

from __future__ import annotations

import os

from event_streamer_service.chains.config import ChainConfig, redact_url
from event_streamer_service.chains.recording import Recording
from event_streamer_service.chains.source import ChainSource
from event_streamer_service.configuration import long_enough, revealed
from event_streamer_service.devchain.chain import DevChain
from event_streamer_service.errors import WrongArgument


def chains_of(texts: list[str], block_time: float | None) -> list[ChainConfig]:
    """Read all of `--chain`."""
    if block_time is not None and not texts:
        raise WrongArgument("--block-time is the block time of the chains given with --chain: give one.")
    chains: dict[int, ChainConfig] = {}
    for text in texts:
        config = _chain(text, block_time)
        if chains.setdefault(config.chain_id, config) is not config:
            raise WrongArgument(
                f"--chain {config.chain_id} is given twice: name all its nodes in one of them."
            )
    return list(chains.values())


def _chain(text: str, block_time: float | None) -> ChainConfig:
    """Read `ID=URL[,URL…]`."""
    number, _, urls = text.partition("=")
    if not (number.isascii() and number.isdigit()) or not urls:
        raise WrongArgument(f"--chain must be ID=URL, such as 1=https://node.example, not {_masked(text)!r}.")
    try:
        return ChainConfig(
            chain_id=int(number),
            name=f"Chain {int(number)}",
            rpc_urls=[revealed(url) for url in urls.split(",")],
            average_block_time=block_time,
        )
    except ValueError as problem:
        raise WrongArgument(f"--chain {number}: {problem}.") from problem


def _masked(text: str) -> str:
    """Return what was typed without what may be a secret: everything after a host's name."""
    name, equals, url = text.partition("=")
    return f"{name}{equals}{redact_url(url)}" if "://" in url else text


def recording_of(text: str) -> ChainSource:
    """Read `[ID=]FOLDER`."""
    number, equals, folder = text.partition("=")
    has_id = bool(equals) and number.isascii() and number.isdigit()
    try:
        return Recording(folder, chain_id=int(number)) if has_id else Recording(text)
    except (OSError, ValueError) as problem:
        raise WrongArgument(f"--recording {text}: {problem}") from problem


def dev_chain_of(chain_id: int, first_block: int, block_seconds: float) -> DevChain:
    """Make the development chain."""
    try:
        return DevChain(chain_id, first_block, mine_every=block_seconds)
    except ValueError as problem:
        raise WrongArgument(f"The development chain can't be made: {problem}.") from problem


def api_keys_of(texts: list[str]) -> dict[str, str]:
    """Read `SUBSCRIBER=KEY` into key → subscriber."""
    keys: dict[str, str] = {}
    for text in texts:
        subscriber, _, key = text.partition("=")
        if not subscriber or not key:
            raise WrongArgument("--api-key must be SUBSCRIBER=KEY, such as my-app=a-long-random-text.")
        key = long_enough(revealed(key))
        if keys.setdefault(key, subscriber) != subscriber:
            raise WrongArgument(f"The API key of {subscriber} is also another subscriber's.")
    return keys


def keys_of(texts: list[str]) -> frozenset[str]:
    """Read keys that belong to no subscriber."""
    return frozenset(long_enough(revealed(text)) for text in texts)


def from_environment(name: str, separator: str | None = ",") -> list[str]:
    """Return the parts of an environment variable; without a separator it is parted at blanks and lines."""
    return [part for part in os.environ.get(name, "").split(separator) if part]
