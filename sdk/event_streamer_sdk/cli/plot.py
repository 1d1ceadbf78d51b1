"""`event-streamer plot`: a picture, and a line of text, of a subscription's events or of an exported file."""

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from attrs import evolve

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.cli._bar import BlockProgress
from event_streamer_sdk.cli._connection import connect
from event_streamer_sdk.cli._output import say, write_line
from event_streamer_sdk.cli._shared import given_by, option
from event_streamer_sdk.cli._streams import can_encode_all
from event_streamer_sdk.frames import FetchProgress
from event_streamer_sdk.frames.charts import PlotData, chart_of, check_choices
from event_streamer_sdk.frames.drawing import check_drawing, draw, format_of
from event_streamer_sdk.frames.fetching import wanted
from event_streamer_sdk.frames.reading import read_export
from event_streamer_sdk.frames.sparkline import text_of

_SHOWN = "What is shown"
_shown = partial(option, rich_help_panel=_SHOWN)
_PICTURE = "The picture"
_MOST_EVENTS = 5_000_000
"""As many as `client.fetch` holds in memory where it isn't told."""


@given_by(client=connect)
def plot(
    client: SyncEventStreamer,
    place: Annotated[
        str,
        typer.Argument(
            show_default=False,
            metavar="SUBSCRIPTION|FILE",
            help="A subscription's number, or an exported file or folder.",
        ),
    ],
    kind: Annotated[
        str,
        typer.Option("--show", "-s", rich_help_panel=_SHOWN, help="events, sum, histogram or top."),
    ] = "events",
    of: Annotated[
        str | None, _shown(help="The parameter: a number for sum and histogram, an address for top.")
    ] = None,
    by: Annotated[
        str | None, _shown(help="With top: add up this number for each address, instead of counting events.")
    ] = None,
    per: Annotated[str | None, _shown(help="block, hour or day. Default: what fits.")] = None,
    decimals: Annotated[
        int,
        typer.Option(
            min=0, max=77, rich_help_panel=_SHOWN, help="Decimal places of numbers: 18 for most tokens."
        ),
    ] = 0,
    top: Annotated[int, typer.Option(min=1, rich_help_panel=_SHOWN, help="How many addresses.")] = 10,
    first: Annotated[
        int | None,
        _shown(
            "--start-block", "--from", min=0, help="Of a subscription: the first block. Default: its own."
        ),
    ] = None,
    last: Annotated[
        int | None,
        _shown(
            "--end-block",
            "--to",
            min=0,
            help="Of a subscription: the last block. Default: its own, else the chain's newest.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        option(
            "--output", "-o", rich_help_panel=_PICTURE, help="Write a picture to this file, .png or .svg."
        ),
    ] = None,
    theme: Annotated[str, typer.Option(rich_help_panel=_PICTURE, help="light or dark.")] = "light",
    width: Annotated[
        float, typer.Option(min=3, max=40, rich_help_panel=_PICTURE, help="Inches, of 144 dots each.")
    ] = 10.0,
    height: Annotated[float, typer.Option(min=3, max=40, rich_help_panel=_PICTURE, help="Inches.")] = 5.0,
) -> None:
    """
    Plot the events of a subscription or of an exported file, in the terminal and as a picture.

    A subscription is not read itself, so that nothing of it counts as delivered: its events are fetched
    through another one, which is removed at once.
    """  # fmt: skip
    # What is wrong is told before events are read, which may take long.
    check_choices(kind, per=per, decimals=decimals, top=top)
    if output is not None:
        format_of(output)
        check_drawing(theme, width, height)
    if place.isdecimal():
        data = _fetched(client, int(place), first, last)
    elif first is not None or last is not None:
        raise typer.BadParameter("--start-block and --end-block belong to a subscription")
    else:
        data = read_export(place)
    chart = chart_of(data, kind, of=of, by=by, per=per, decimals=decimals, top=top)
    if output is not None:
        draw(chart, theme=theme, width=width, height=height).save(output)
    for line in text_of(chart, _width(), plain=not can_encode_all()).splitlines():
        write_line(line)
    if output is not None:
        say(f"Written to {output}")


def _fetched(client: SyncEventStreamer, number: int, first: int | None, last: int | None) -> PlotData:
    found = client.get_subscription(number)
    begin = found.start_block if first is None else first
    end = last if last is not None else found.end_block
    if end is None:
        end = client.get_chain(found.chain_id).head_block
        if end is None:
            raise typer.BadParameter(f"subscription {number} has no last block: say one with --end-block")
    with _ended_by_sigterm(), BlockProgress(begin, end) as shown:

        def tell(progress: FetchProgress) -> None:
            shown.update(progress.block, progress.events, 0)

        what = wanted(
            found.event_signature, None, chain_id=found.chain_id, start_block=begin, end_block=end,
            addresses=found.addresses, columns=None, where=None, progress=tell, wait=False,
            max_events=_MOST_EVENTS, options={},
        )  # fmt: skip
        # Also what the subscription selects by indexed parameters.
        what = evolve(what, subscription=evolve(what.subscription, topics=found.topics))
        return client._fetch(what).plot_data()


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does, so that the fetch removes its subscription."""

    def end(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 100) if sys.stdout.isatty() else 72
