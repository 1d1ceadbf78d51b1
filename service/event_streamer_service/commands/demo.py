"""`event-streamer demo`: a chain, the service, and both clients at work, all in one process."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Annotated, Any, Literal

import typer
from attrs import define
from rich.console import Console
from rich.table import Table
from rich.text import Text

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk._core.visible import visible
from event_streamer_sdk.exceptions import EventStreamerSDKError
from event_streamer_service.commands import demo_scenes
from event_streamer_service.commands.demo_scenes import Scene
from event_streamer_service.errors import StartupError

Events = Sequence[Mapping[str, Any]]

_LINES_A_BATCH = 3
_TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
_ERC20_ABI = """[
    {"type": "function", "name": "totalSupply", "inputs": [], "outputs": [{"type": "uint256"}]},
    {"type": "event", "name": "Transfer", "inputs": [
        {"name": "from", "type": "address", "indexed": true},
        {"name": "to", "type": "address", "indexed": true},
        {"name": "value", "type": "uint256", "indexed": false}]}
]"""


def demo_command(
    *,
    node: Annotated[
        Literal["embedded", "anvil"],
        typer.Option(help="The embedded development chain, or anvil, a real node that npm installs."),
    ] = "embedded",
    rpc: Annotated[
        list[str] | None,
        typer.Option(show_default=False, help="A node of your own instead; several are tried in turn."),
    ] = None,
    chain: Annotated[
        int | None, typer.Option(min=1, show_default=False, help="The chain id of your node.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How many seconds to stream events.")] = 12,
) -> None:
    """Show everything at once: a chain, the service, an asyncio and a blocking client. Ends by itself."""
    if rpc and chain is None:
        raise typer.BadParameter(
            "a node of your own needs its chain's id: --chain 1 (make demo RPC=… CHAIN=1)"
        )
    if chain is not None and not rpc:
        raise typer.BadParameter("--chain goes with --rpc (make demo RPC=https://… CHAIN=1)")
    show = _Show()
    try:
        with ExitStack() as stack:
            with show.waiting(
                "Starting anvil; the first time npm fetches it" if node == "anvil" else "Starting"
            ):
                scene = stack.enter_context(_scene(node, rpc, chain))
            show.opening(scene, seconds)
            enough = stack.enter_context(_over_at_a_signal())
            outcomes = _play(scene, show, seconds, enough)
    except (StartupError, EventStreamerSDKError) as problem:
        typer.echo(visible(f"event-streamer demo: {problem}"), err=True)
        raise typer.Exit(1) from problem
    show.summary(outcomes)
    if not enough.is_set() and not all(outcome.events for outcome in outcomes):
        typer.echo(f"event-streamer demo: no events came within {seconds:g} s.", err=True)
        raise typer.Exit(1)


def _scene(node: str, rpc: list[str] | None, chain: int | None) -> AbstractContextManager[Scene]:
    if rpc and chain is not None:
        return demo_scenes.node(rpc, chain)
    return demo_scenes.anvil() if node == "anvil" else demo_scenes.embedded()


@define
class _Outcome:
    """What one client did."""

    client: str
    events: int = 0
    batches: int = 0
    acknowledged: int = 0
    last_block: int | None = None
    resumable: bool = False


def _play(scene: Scene, show: _Show, seconds: float, enough: threading.Event) -> list[_Outcome]:
    """Stream to a blocking client in a thread of its own and to an asyncio client, both at once."""
    with SyncEventStreamer(scene.service.url, "demo-blocking") as client:
        outcome = _Outcome("blocking")
        subscription = client.subscribe(
            _TRANSFER,
            chain_id=scene.chain_id,
            start_block=scene.start_block,
        )
        stream = client.create_streaming_client(subscription.id, batch_ack_interval=1.0)

        @stream.on_event("Transfer")
        def arrived(transfers: Events) -> None:
            show.transfers(outcome, transfers)

        stream.start_streaming()
        try:
            other = asyncio.run(_play_async(scene, show, seconds, enough))
        finally:
            stream.stop_streaming()
        _sum_up(outcome, stream)
        return [other, outcome]


async def _play_async(scene: Scene, show: _Show, seconds: float, enough: threading.Event) -> _Outcome:
    async with EventStreamer(scene.service.url, "demo-asyncio") as client:
        outcome = _Outcome("asyncio")
        subscription = await client.subscribe(
            _ERC20_ABI, "Transfer", chain_id=scene.chain_id, start_block=scene.start_block
        )
        stream = client.create_streaming_client(subscription.id, batch_ack_interval=1.0)

        @stream.on_event("Transfer")
        async def arrived(transfers: Events) -> None:
            show.transfers(outcome, transfers)

        await stream.start_streaming()
        try:
            await asyncio.to_thread(enough.wait, seconds)
        finally:
            await stream.stop_streaming()
        _sum_up(outcome, stream)
        return outcome


@contextmanager
def _over_at_a_signal() -> Iterator[threading.Event]:
    """Let Ctrl-C and SIGTERM say that it is enough, instead of breaking off: a node of ours would go on."""
    enough = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: enough.set()) for number in numbers}
    try:
        yield enough
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _sum_up(outcome: _Outcome, stream: Any) -> None:
    outcome.batches = stream.stats.batches
    outcome.acknowledged = stream.stats.acks
    outcome.resumable = stream.get_current_resume_token() is not None


class _Show:
    """The screen, shared by both clients."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._lock = threading.Lock()

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """Show on a terminal that something is under way."""
        return self._console.status(f"{what} …")

    def opening(self, scene: Scene, seconds: float) -> None:
        self._console.print(Text.assemble(("Chain    ", "bold"), scene.description))
        self._console.print(Text.assemble(("Service  ", "bold"), scene.service.url))
        self._console.print(Text.assemble(("Event    ", "bold"), _TRANSFER))
        self._console.print(Text.assemble(("Ends     ", "bold"), f"after {seconds:g} s, or at Ctrl-C\n"))

    def transfers(self, outcome: _Outcome, transfers: Events) -> None:
        """Show the first events of a batch, and how many more there are."""
        outcome.events += len(transfers)
        outcome.last_block = transfers[-1]["block_number"]
        lines = [_line(outcome.client, transfer) for transfer in transfers[:_LINES_A_BATCH]]
        if len(transfers) > _LINES_A_BATCH:
            lines.append(Text(f"{'':10}… and {len(transfers) - _LINES_A_BATCH} more in this batch", "dim"))
        with self._lock:
            for line in lines:
                self._console.print(line)

    def summary(self, outcomes: Sequence[_Outcome]) -> None:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("Client", "Events", "Batches", "Acknowledged", "Last block", "Resumable from"):
            table.add_column(heading, justify="left" if heading == "Client" else "right")
        for one in outcomes:
            place = f"block {one.last_block + 1}" if one.resumable and one.last_block is not None else "-"
            counts = (one.events, one.batches, one.acknowledged, one.last_block)
            table.add_row(one.client, *map(str, counts), place)
        self._console.print()
        self._console.print(table)


def _line(client: str, transfer: Mapping[str, Any]) -> Text:
    style = "cyan" if client == "asyncio" else "magenta"
    return Text.assemble(
        (f"{client:<10}", style),
        (f"block {transfer['block_number']:<10}", "dim"),
        f"{_short(transfer['from'])} → {_short(transfer['to'])}  {transfer['value']}",
    )


def _short(address: str) -> str:
    return f"{address[:8]}…{address[-4:]}"
