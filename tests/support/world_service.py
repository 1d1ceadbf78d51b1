"""The service of the simulated world: it keeps batches and acknowledgements, and misbehaves on purpose."""

import itertools
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import define, field

from event_streamer_sdk import exceptions
from event_streamer_sdk._core.stream import commands as do

if TYPE_CHECKING:
    from support.world import World

HEARTBEAT = 5.0
FIRST_BLOCK = 100


@define
class Item:
    """One message that carries a token: a batch, or a reorg of the two blocks before it."""

    index: int
    available_at: float
    block: int
    is_reorg: bool


@define
class Connection:
    """A connection as the service sees it."""

    id: str
    position: int
    open: bool = True
    silent: bool = False
    rest: bytes = b""
    damaged: dict[bytes, int] = field(factory=dict)
    ended: bool = False


def line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


class Service:
    """Keeps the batches and what was acknowledged; every answer may be a fault while the world is faulty."""

    def __init__(self, world: "World", size: int) -> None:
        self.world = world
        moment = 0.0
        block = FIRST_BLOCK
        self.items: list[Item] = []
        self.removed: set[int] = set()
        for index in range(size):
            moment += world.random.choice([0.0, 0.0, 0.1, 1.0, 20.0])
            is_reorg = index > 2 and world.random.random() < 0.08
            block += -2 if is_reorg else 1
            if is_reorg:
                self.removed.update(item.index for item in self.items if item.block > block)
            self.items.append(Item(index, moment, block, is_reorg))
        self.acked: set[int] = set()
        self.connections: dict[str, Connection] = {}
        self.damaged: dict[bytes, int] = {}
        self.requests = 0

    def _line(self, index: int, **changes: Any) -> bytes:
        item = self.items[index]
        identity = {"batch_id": f"b{index}", "resume_token": f"t{index}"}
        if item.is_reorg:
            reorg = {
                "common_ancestor": item.block,
                "removed_blocks": [{"number": item.block + 1, "hash": "0x1"}],
            }
            return line({"type": "reorg", **identity, **reorg, **changes})
        event = {"block_number": item.block, "transaction_hash": f"0x{index:064x}", "log_index": 0}
        now = self.world.now
        head = max(one.block for one in self.items if one.available_at <= max(now, item.available_at))
        settled = now > self.items[-1].available_at + 30.0
        return line(
            {
                "type": "event_batch",
                "response_id": f"r{index}",
                "events": {"E": [event]},
                "batch_size": 1,
                "head_block": head + (10 if settled else 0),
                **identity,
                **changes,
            }
        )

    @property
    def acked_run(self) -> int:
        """The end of the unbroken run of acknowledged batches."""
        return next(index for index in itertools.count() if index not in self.acked)

    def connect(self, token: str | None) -> tuple[float, Any]:
        """Answer a connect: after how long, and with what."""
        world = self.world
        roll = world.random.random() if world.faulty else 1.0
        if roll < 0.10:
            return 0.1, do.Failed(exceptions.EventStreamerConnectionError("refused"))
        if roll < 0.16:
            status = world.random.choice([429, 500, 502, 503, 504])
            retry_after = world.random.choice([None, 1.0, 7.0, 100000.0])
            error = exceptions.EventStreamerServerError(
                "in trouble", status_code=status, retry_after=retry_after
            )
            return 0.1, do.Failed(error)
        if roll < 0.18:
            return 0.1, do.Failed(exceptions.EventStreamerConflictError("conflict", status_code=409))
        if roll < 0.20:
            return 10_000.0, do.Failed(exceptions.EventStreamerTimeoutError("no answer"))
        if roll < 0.22 and token is not None and world.settings.on_token_lost == "restart":
            return 0.1, do.Failed(exceptions.EventStreamerGoneError("gone", status_code=410))
        position = self.acked_run if token is None else int(token[1:]) + 1
        if roll < 0.27:
            position = max(0, position - 3)  # a replica that lags behind
        if position >= len(self.items):
            return 0.1, do.NoContent()
        connection = Connection(f"c{len(self.connections)}", position)
        self.connections[connection.id] = connection
        header = connection.id if world.random.random() < 0.8 else None
        return 0.05, (connection, do.Connected(header, HEARTBEAT))

    def read(self, connection: Connection) -> tuple[float, Any]:
        """Answer a read: after how long, and with what."""
        world = self.world
        choose = world.random
        if not connection.open or connection.ended:
            return 0.0, do.EndOfResponse()
        if connection.silent:
            return 10_000.0, do.Failed(exceptions.EventStreamerTimeoutError("silence"))
        roll = choose.random() if world.faulty else 1.0
        if roll < 0.02:
            return 0.1, self._broken(connection, do.EndOfResponse())
        if roll < 0.04:
            return 0.1, self._broken(connection, do.Failed(exceptions.EventStreamerConnectionError("reset")))
        if roll < 0.05:
            connection.silent = True
            return 10_000.0, do.Failed(exceptions.EventStreamerTimeoutError("silence"))
        delay, data = self._data(connection, roll)
        data = connection.rest + data
        cut = choose.randrange(1, len(data) + 1) if choose.random() < 0.4 else len(data)
        connection.rest = data[cut:]
        return delay if not connection.rest else min(delay, 0.01), data[:cut]

    def _broken(self, connection: Connection, outcome: Any) -> Any:
        connection.open = self.world.random.random() < 0.5  # it may take a while to notice
        return outcome

    def _data(self, connection: Connection, roll: float) -> tuple[float, bytes]:
        world = self.world
        common = {"connection_id": connection.id, "subscription_id": 1}
        if connection.rest and world.random.random() < 0.5:
            return 0.0, b""
        if connection.position >= len(self.items):
            connection.ended = True
            token = f"t{len(self.items) - 1}"
            return 0.0, line({"type": "end", "reason": "end_block_reached", "resume_token": token, **common})
        if roll < 0.08:
            return 0.1, line({"type": "news", **common})
        if roll < 0.09:
            error = {"error_code": "RATE_LIMITED", "error_message": "slow down", **common}
            return 0.1, line({"type": "error", **error})
        if roll < 0.12 and connection.position > 0:
            return 0.0, self._line(connection.position - 1)  # a duplicate
        batch = self.items[connection.position]
        wait = batch.available_at - world.now
        if wait > HEARTBEAT:
            return HEARTBEAT, line({"type": "heartbeat", **common})
        wait = max(0.0, wait)
        connection.position += 1
        if roll < 0.16:
            return wait, self._damage(batch)
        data = self._line(batch.index)
        while connection.position < len(self.items) and world.random.random() < 0.5:
            following = self.items[connection.position]
            if following.available_at > world.now + wait:
                break
            data += self._line(following.index)
            connection.position += 1
        return wait, data

    def _damage(self, batch: Item) -> bytes:
        kind = self.world.random.choice(["truncated", "encoding", "lie", "long"])
        whole = self._line(batch.index)
        if kind == "truncated":
            data = whole[: self.world.random.randrange(1, len(whole) - 2)] + b"\n"
        elif kind == "encoding":
            data = whole.replace(b"batch_id", b"batch\xff\xfeid")
        elif kind == "lie":
            data = self._line(batch.index, batch_size=7, common_ancestor=-1)
        else:
            data = self._line(batch.index, padding="x" * self.world.settings.max_line_bytes)
        self.damaged[data[:200].rstrip(b"\n")] = batch.index
        return data

    def acknowledge(self, connection_id: str, batch_ids: list[str]) -> tuple[float, Callable[[], Any]]:
        """Answer an acknowledgement: after how long, and with what."""
        self.requests += 1
        roll = self.world.random.random() if self.world.faulty else 1.0
        if roll < 0.15:
            error: Any = exceptions.EventStreamerServerError("in trouble", status_code=503)
            if roll < 0.05:
                error = exceptions.EventStreamerNotFoundError("connection gone", status_code=404)
            return 0.1, lambda: do.Failed(error)
        refused = {batch_id for batch_id in batch_ids if roll < 0.2 and self.world.random.random() < 0.3}

        def take() -> Any:
            self.acked.update(int(batch_id[1:]) for batch_id in batch_ids if batch_id not in refused)
            if 0.2 <= roll < 0.25:
                return do.Failed(exceptions.EventStreamerTimeoutError("the answer is lost"))
            return do.Acknowledged(tuple(sorted(refused)))

        return 0.05, take
