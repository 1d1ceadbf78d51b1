"""
A blocking remote control for a development node: what a demonstration, a test or a benchmark does to it.

The methods are those of anvil (`anvil_mine`, `anvil_reorg`, …); the development chain's server understands
the same ones, so both can stand behind it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx

from event_streamer_service.chains.config import redact_url
from event_streamer_service.chains.errors import ChainUnavailable, RpcError
from event_streamer_service.chains.transports import reason

__all__ = ["DevNode", "DevToken", "token_artifact"]

_GAS_LIMIT = 28_000_000
_RECEIPT_ATTEMPTS = 50
_RECEIPT_PAUSE = 0.005  # seconds


class DevNode:
    """
    Calls a development node over HTTP. Blocking; a context manager.

    Args:
        url: Where the node listens.
        timeout: Seconds that an answer may take.

    Example:
        >>> with DevNode("http://127.0.0.1:8545") as node:
        ...     node.mine(3)
        ...     node.reorg(2)
    """

    def __init__(self, url: str, *, timeout: float = 30.0) -> None:
        self.url = url
        self._timeout = timeout
        self._client: httpx.Client | None = None

    @property
    def websocket_url(self) -> str:
        """Where the node listens for WebSockets, on the same port."""
        return "ws" + self.url.removeprefix("http")

    def call(self, method: str, *params: Any) -> Any:
        """
        Call a JSON-RPC method and return its result.

        Raises:
            RpcError: The node answered with an error.
            ChainUnavailable: It gave no answer.
        """
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            if self._client is None:
                self._client = httpx.Client(timeout=self._timeout, trust_env=False)
            answer = self._client.post(self.url, json=request).json()
        except httpx.HTTPError as error:
            why = reason(error, self.url)
            raise ChainUnavailable(f"{redact_url(self.url)}: {method} failed: {why}") from None
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not isinstance(answer.get("error"), dict | None):
            raise ChainUnavailable(f"{redact_url(self.url)}: the answer to {method} is not JSON-RPC")
        refusal = answer.get("error")
        if refusal is not None:
            raise RpcError(f"{method}: {refusal.get('message')}", code=int(refusal.get("code", 0)))
        return answer.get("result")

    def block_number(self) -> int:
        """Return the newest block's number."""
        return int(self.call("eth_blockNumber"), 16)

    def accounts(self) -> list[str]:
        """Return the accounts that the node signs for."""
        return list(self.call("eth_accounts"))

    def mine(self, blocks: int = 1) -> int:
        """Mine blocks and return the newest block's number."""
        self.call("anvil_mine", hex(blocks))
        return self.block_number()

    def reorg(self, depth: int) -> None:
        """Replace the newest `depth` blocks by empty ones (anvil), or by other ones (development chain)."""
        self.call("anvil_reorg", depth, [])

    def send(self, data: str, *, to: str | None = None, sender: str | None = None) -> dict[str, Any]:
        """
        Send a transaction from an account of the node and return its receipt.

        Args:
            data: Call data, or a contract's bytecode and arguments, 0x-hex.
            to: The contract; `None` deploys one.
            sender: The account; the node's first one where not given.

        Raises:
            RpcError: It was refused, or it failed on chain.
        """
        transaction = {"from": sender or self.accounts()[0], "data": data, "gas": hex(_GAS_LIMIT)}
        if to is not None:
            transaction["to"] = to
        transaction_hash = self.call("eth_sendTransaction", transaction)
        receipt = self._receipt(transaction_hash)
        if receipt is None:  # the node does not mine by itself
            self.mine()
            receipt = self._receipt(transaction_hash)
        if receipt is None or receipt["status"] != "0x1":
            raise RpcError(f"transaction {transaction_hash} failed", code=0)
        return dict(receipt)

    def _receipt(self, transaction_hash: str) -> Any:
        """Return a receipt once it is there; a node that mines at once still needs some milliseconds."""
        for _ in range(_RECEIPT_ATTEMPTS):
            receipt = self.call("eth_getTransactionReceipt", transaction_hash)
            if receipt is not None:
                return receipt
            time.sleep(_RECEIPT_PAUSE)
        return None

    def close(self) -> None:
        """Close the connection; the next call opens one again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def __enter__(self) -> DevNode:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def token_artifact() -> dict[str, Any]:
    """Return the compiled token: `abi`, `bytecode`, `methodIdentifiers`, `compiler`."""
    text = (Path(__file__).parent / "contracts" / "Token.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


class DevToken:
    """
    The token of `contracts/Token.sol` on a node.

    Args:
        node: Where it is.
        address: Its address, 0x-hex.

    Example:
        >>> token = DevToken.deploy(node)
        >>> token.transfer(node.accounts()[1], 5)
    """

    def __init__(self, node: DevNode, address: str) -> None:
        self._node = node
        self.address = address.lower()
        self._selectors: dict[str, str] = token_artifact()["methodIdentifiers"]

    @classmethod
    def deploy(cls, node: DevNode, *, supply: int = 10**30) -> DevToken:
        """Deploy the token from the node's first account, which owns the supply."""
        receipt = node.send(token_artifact()["bytecode"] + _word(supply))
        return cls(node, receipt["contractAddress"])

    def transfer(self, to: str, value: int, *, sender: str | None = None) -> dict[str, Any]:
        """Send tokens; one Transfer event. Returns the receipt."""
        return self._call("transfer(address,uint256)", _address(to), _word(value), sender=sender)

    def transfer_many(self, to: str, value: int, count: int, *, sender: str | None = None) -> dict[str, Any]:
        """
        Send `count` times in one transaction; as many Transfer events. Returns the receipt.

        Args:
            to: Who receives.
            value: Tokens each time.
            count: How often; some 10,000 fit into one transaction.
            sender: Who sends; the owner of the supply where not given.
        """
        return self._call(
            "transferMany(address,uint256,uint256)", _address(to), _word(value), _word(count), sender=sender
        )

    def approve(self, spender: str, value: int, *, sender: str | None = None) -> dict[str, Any]:
        """Allow somebody to spend tokens; one Approval event. Returns the receipt."""
        return self._call("approve(address,uint256)", _address(spender), _word(value), sender=sender)

    def _call(self, function: str, *words: str, sender: str | None) -> dict[str, Any]:
        data = "0x" + self._selectors[function] + "".join(words)
        return self._node.send(data, to=self.address, sender=sender)


def _word(value: int) -> str:
    return f"{value:064x}"


def _address(address: str) -> str:
    return address.removeprefix("0x").lower().rjust(64, "0")
