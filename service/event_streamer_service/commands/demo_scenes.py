"""The chains that the demonstration can be played on, each with events that come by themselves."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen

from event_streamer_service.chains.config import ChainConfig, redact_url
from event_streamer_service.chains.errors import ChainError
from event_streamer_service.devchain.anvil import Anvil, AnvilError
from event_streamer_service.devchain.chain import DevChain
from event_streamer_service.devchain.node import DevNode, DevToken
from event_streamer_service.errors import StartupError
from event_streamer_service.testing.local import LocalService

_BLOCK_SECONDS = 0.5
_HISTORY = 10
_ANVIL_CHAIN = 31_337


@frozen
class Scene:
    """
    A running service, and where on its chain the demonstration begins.

    Attributes:
        service: The service.
        chain_id: The chain to subscribe on.
        start_block: The first block to stream.
        description: What the chain is, for the screen.
    """

    service: LocalService
    chain_id: int
    start_block: int
    description: str


@contextmanager
def embedded() -> Iterator[Scene]:
    """
    Play on the embedded development chain: some blocks of history, then two blocks a second.

    Yields:
        The scene.
    """
    chain = DevChain(blocks=_HISTORY, logs_per_block=4, mine_every=_BLOCK_SECONDS)
    with LocalService(chain) as service:
        yield Scene(service, _ANVIL_CHAIN, 0, "the embedded development chain, no node needed")


@contextmanager
def anvil() -> Iterator[Scene]:
    """
    Play on anvil, a real node: a token is deployed and keeps being sent around.

    Yields:
        The scene.

    Raises:
        StartupError: There is no anvil, and it can't be installed.
    """
    with contextlib.ExitStack() as stack:
        try:
            node = stack.enter_context(Anvil())
            token = DevToken.deploy(node)
        except (AnvilError, ChainError) as problem:
            raise StartupError(f"NODE=anvil doesn't work here: {problem}.") from problem
        config = ChainConfig(
            chain_id=_ANVIL_CHAIN, name="anvil", rpc_urls=[node.url], average_block_time=_BLOCK_SECONDS / 2
        )
        service = stack.enter_context(LocalService(chains=[config]))
        stack.enter_context(_transfers(token, node.accounts()))
        yield Scene(
            service, _ANVIL_CHAIN, 0, f"anvil at {node.url}, a real node, with a token at {token.address}"
        )


@contextmanager
def _transfers(token: DevToken, accounts: list[str]) -> Iterator[None]:
    """Send transactions in the background, one after the other, until the block is left."""
    enough = threading.Event()

    def send() -> None:
        # The owner of all tokens pays. A node that stops while it is asked has nothing to tell any more.
        with contextlib.suppress(ChainError):
            for number, receiver in enumerate(itertools.cycle(accounts[1:]), 1):
                token.transfer(receiver, number * 10**18)
                if enough.wait(_BLOCK_SECONDS):
                    return

    sender = threading.Thread(target=send, name="demo transfers", daemon=True)
    sender.start()
    try:
        yield
    finally:
        enough.set()
        sender.join()


@contextmanager
def node(urls: list[str], chain_id: int) -> Iterator[Scene]:
    """
    Play on the user's own node, from a few blocks before its head on.

    Args:
        urls: JSON-RPC addresses (http, https), the preferred one first.
        chain_id: The chain that they are expected to serve.

    Yields:
        The scene.

    Raises:
        StartupError: The node doesn't answer, or it serves another chain.
    """
    head = _head(urls[0], chain_id)
    try:
        config = ChainConfig(
            chain_id=chain_id, name=f"Chain {chain_id}", rpc_urls=urls, live_block_check_interval=2
        )
    except ValueError as problem:
        raise StartupError(f"RPC={redact_url(urls[0])}: {problem}.") from problem
    with LocalService(chains=[config]) as service:
        yield Scene(service, chain_id, max(0, head - 2), f"chain {chain_id} at {redact_url(urls[0])}")


def _head(url: str, chain_id: int) -> int:
    if not url.startswith(("http://", "https://")):
        raise StartupError(f"RPC={redact_url(url)} is not an http:// or https:// address of a node.")
    shown = redact_url(url)
    with DevNode(url, timeout=10) as asked:
        try:
            found = int(asked.call("eth_chainId"), 16)
            head = asked.block_number()
        except (ChainError, TypeError, ValueError) as problem:
            why = str(problem).removeprefix(f"{shown}: ")
            raise StartupError(f"No node answers at RPC={shown}: {why}.") from problem
    if found != chain_id:
        raise StartupError(f"The node at {shown} serves chain {found}: say CHAIN={found}.")
    return head
