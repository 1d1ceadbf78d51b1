"""Opt-in de-duplication: handled events are not handed out again. Bounded; marked after commit."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from .messages import Batch, Events

Key = tuple[Any, ...]


class Deduplicator:
    """
    Remembers handled events by chain, block number, transaction hash, log index and event name.

    Args:
        limit: How many events are remembered; the oldest is forgotten first.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # No dict: finding its first key takes as long as there were keys before it.
        self._seen: OrderedDict[Key, None] = OrderedDict()

    def fresh(self, batch: Batch) -> tuple[Events, list[Key], int]:
        """
        Sort out what was handled before.

        Returns:
            The events that are new, the keys to `mark` when they are handled, and how many were held back.
            An event that lacks one of the fields can't be told from another: it counts as new.
        """
        chain_id = batch.chain_id
        fresh: Events = {}
        keys: list[Key] = []
        within: set[Key] = set()
        held_back = 0
        for name, group in batch.events.items():
            kept = []
            for event in group:
                key = _key(chain_id, name, event)
                if key is None:
                    kept.append(event)
                elif key in self._seen or key in within:
                    held_back += 1
                else:
                    within.add(key)
                    keys.append(key)
                    kept.append(event)
            if kept:
                fresh[name] = kept
        return fresh, keys, held_back

    def mark(self, keys: list[Key]) -> None:
        """Remember events whose batch is committed."""
        for key in keys:
            self._seen[key] = None
        while len(self._seen) > self._limit:
            self._seen.popitem(last=False)

    def forget_above(self, block: int) -> None:
        """Forget the events of blocks that a reorganisation removed: the same transactions may come again."""
        for key in [key for key in self._seen if isinstance(key[1], int) and key[1] > block]:
            del self._seen[key]


def _key(chain_id: int | None, name: str, event: dict[str, Any]) -> Key | None:
    try:
        key = (chain_id, event["block_number"], event["transaction_hash"], event["log_index"], name)
        hash(key)
    except (KeyError, TypeError):
        return None
    return key
