"""
What the development chain's JSON-RPC refuses, and with which words.

Codes: JSON-RPC 2.0, section 5.1, and EIP-1474.
"""

from __future__ import annotations

__all__ = [
    "INTERNAL_ERROR",
    "INVALID_PARAMS",
    "INVALID_REQUEST",
    "LIMIT_EXCEEDED",
    "METHOD_NOT_FOUND",
    "METHOD_NOT_SUPPORTED",
    "PARSE_ERROR",
    "SERVER_ERROR",
    "Refusal",
    "refusal_of_method",
]

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
METHOD_NOT_SUPPORTED = -32004
LIMIT_EXCEEDED = -32005

_IS_NOT = {
    "it has no accounts, balances or keys": (
        "eth_getBalance", "eth_getTransactionCount", "eth_getProof", "eth_sign", "eth_signTransaction",
        "eth_signTypedData", "eth_signTypedData_v4", "eth_coinbase", "eth_requestAccounts", "personal_*",
        "wallet_*",
    ),
    "it takes no transactions: its events are made by themselves, or with devchain_emit": (
        "eth_sendTransaction", "eth_sendRawTransaction", "eth_sendRawTransactionSync", "txpool_*",
        "eth_newPendingTransactionFilter", "eth_pendingTransactions", "eth_getRawTransactionByHash",
    ),
    "it runs no code, so that nothing can be called": (
        "eth_call", "eth_callMany", "eth_createAccessList", "eth_simulateV1", "eth_getCode",
        "eth_getStorageAt", "debug_*", "trace_*", "ots_*",
    ),
    "it has no gas and no fees": (
        "eth_estimateGas", "eth_gasPrice", "eth_maxPriorityFeePerGas", "eth_feeHistory", "eth_blobBaseFee",
    ),
}  # fmt: skip
"""What this chain is not, and the methods that ask for it."""


class Refusal(Exception):  # noqa: N818 - what it is on the wire
    """An answer with an error object."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def refusal_of_method(method: str) -> Refusal:
    """
    Say why a method isn't there.

    Args:
        method: Its name.

    Returns:
        The refusal: that this chain is no such thing, or that nobody knows the method.
    """
    family = method.partition("_")[0] + "_*"
    for why, methods in _IS_NOT.items():
        if method in methods or family in methods:
            return Refusal(
                METHOD_NOT_SUPPORTED,
                f"{method} is not supported by the development chain: {why}. "
                "A whole node for development is anvil.",
            )
    return Refusal(METHOD_NOT_FOUND, f"the method {method[:100]} does not exist/is not available")
