"""The calls of one tag of openapi.yaml."""

from .create_chain import create_chain
from .delete_chain import delete_chain
from .get_all_chains import get_all_chains
from .get_block import get_block
from .get_chain import get_chain
from .get_chain_stats import get_chain_stats
from .refresh_chains import refresh_chains
from .update_chain import update_chain

__all__ = (
    "create_chain",
    "delete_chain",
    "get_all_chains",
    "get_block",
    "get_chain",
    "get_chain_stats",
    "refresh_chains",
    "update_chain",
)
