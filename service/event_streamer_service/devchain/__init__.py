"""
The development chain and what belongs to development: no part of it is needed to read real chains.

    DevChain            blocks and logs out of a seed, reorgs on demand (chain, logs)
    DevChainServer      the same over JSON-RPC, for other people's libraries (server, rpc, methods, …)
    Anvil, DevNode      a real node from npm, and remote control of nodes (anvil, node, npm, contracts)
"""

from .chain import DevChain

__all__ = ["DevChain"]
