"""`event-streamer stream`: the events of a subscription as they come, one a line."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from dateutil import parser as dates
from rich.text import Text

from event_streamer_sdk import SyncEventStreamer, SyncStreamingClient
from event_streamer_sdk._core.visible import visible
from event_streamer_sdk._core.words import counted
from event_streamer_sdk.cli._connection import calls_the_service
from event_streamer_sdk.cli._dates import parse_moment
from event_streamer_sdk.cli._lines import pretty_line
from event_streamer_sdk.cli._output import json_text, say, write_styled
from event_streamer_sdk.cli._progress import Course, Display, Pace, progress_text
from event_streamer_sdk.cli._shared import STOP_SECONDS, option
from event_streamer_sdk.cli._trouble import tell_trouble
from event_streamer_sdk.cli.subscriptions import SubscriptionId
from event_streamer_sdk.models.streaming import StreamingReorg

_ENDS = {
    "finished": "the subscription is done",
    "signal": "stopped by a signal",
    "stopped": "stopped as asked",
}

Events = Mapping[str, Sequence[Mapping[str, Any]]]


@calls_the_service
def stream(
    client: SyncEventStreamer,
    subscription: SubscriptionId,
    as_json: Annotated[
        bool | None,
        option(
            "--json/--pretty",
            help="A JSON object a line, or lines for people. Default: pretty on a terminal, else JSON.",
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        option(dir_okay=False, help="A file that keeps the position: the next run resumes from there."),
    ] = None,
    resume_token: Annotated[str | None, option(help="Start right after this token's batch.")] = None,
    limit: Annotated[
        int | None, option(min=1, metavar="N", help="End after the batch that holds the N-th event.")
    ] = None,
    since: Annotated[str | None, option(metavar="DATE", help="Skip events of earlier blocks (UTC).")] = None,
    until: Annotated[
        str | None, option(metavar="DATE", help="End at the first event of a later block (UTC).")
    ] = None,
    on_token_lost: Annotated[
        Literal["raise", "restart"],
        typer.Option(help="What to do where the service no longer knows the position: end, or begin anew."),
    ] = "raise",  # noqa: S107 - not a password
    acknowledge: Annotated[
        bool, typer.Option("--ack/--no-ack", help="Whether written events count as delivered.")
    ] = True,
) -> None:
    """
    Write events as they come, until the subscription is done or Ctrl-C ends it.

    A batch counts as delivered when all its lines are written: after a crash it comes again, none is lost.
    """
    if checkpoint is not None and checkpoint.exists() and not checkpoint.is_file():
        raise typer.BadParameter(
            f"--checkpoint {checkpoint} is not a regular file: name one, or a file that is to be made"
        )
    span = _Span(_moment(since), _moment(until))
    if span.is_empty:
        raise typer.BadParameter(f"--since {since} is after --until {until}")
    pretty = sys.stdout.isatty() if as_json is None else not as_json
    streaming = client.create_streaming_client(
        subscription,
        resume_token=resume_token,
        client_metadata={"client": "event-streamer-cli"},
        auto_acknowledge=acknowledge,
        checkpoint=checkpoint,
        on_token_lost=on_token_lost,
        handler_retries=0,  # a line that can't be written can't be written a second later either
        stop_timeout=STOP_SECONDS,
    )
    meant = client.get_subscription(subscription)
    course = Course(meant.start_block, meant.end_block, limit, span.until)
    with _Screen(pretty, course) as screen:
        _listen(streaming, screen, span, limit)
        tell_trouble(streaming, screen.remark)
        # A service that isn't there is told at once; one that goes away later is waited for. A lost position
        # is left to the run, which alone begins anew.
        if on_token_lost != "restart":  # noqa: S105 - not a password
            streaming.connect()
        report = streaming.run()
    last = "" if screen.last_block is None else f", last block {screen.last_block}"
    say(
        f"{counted(screen.written, 'event')} in {counted(report.batches, 'batch', 'batches')}, "
        f"{report.acks} acknowledged{last}: {_ENDS.get(report.reason.value, report.reason.value)}"
    )


class _Span:
    """The time from `since` to `until`, either of them open."""

    def __init__(self, since: datetime | None, until: datetime | None) -> None:
        self.since = since
        self.until = until

    def __contains__(self, event: Mapping[str, Any]) -> bool:
        if self.since is None and self.until is None:
            return True
        when = dates.isoparse(event["timestamp"])
        return (self.since is None or when >= self.since) and not self.is_after(event)

    @property
    def is_empty(self) -> bool:
        """Whether no moment lies in it."""
        return self.since is not None and self.until is not None and self.since > self.until

    def is_after(self, event: Mapping[str, Any]) -> bool:
        return self.until is not None and dates.isoparse(event["timestamp"]) > self.until


class _Screen:
    """Where lines go: to standard output, and a running count to the terminal of standard error."""

    def __init__(self, pretty: bool, course: Course) -> None:
        self.pretty = pretty
        self.written = 0
        self.last_block: int | None = None
        self._waiting: list[Text] = []
        """Lines of the batch in hand, for a terminal that also has the count."""
        self._course = course
        self._pace = Pace()
        self._display = Display("waiting for events … (Ctrl-C ends it)")

    def __enter__(self) -> "_Screen":
        self._display.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        self._show_waiting()
        self._display.__exit__(*problem)

    def event(self, name: str, event: Mapping[str, Any]) -> None:
        self.written += 1
        self.last_block = event.get("block_number", self.last_block)
        if self.pretty:
            self._line(pretty_line(name, event))
        else:
            self._line(Text(json_text({"event": name, "values": event})))

    def reorg(self, reorg: StreamingReorg) -> None:
        """Tell that blocks are replaced: what was written of them is void, what comes instead follows."""
        blocks = [block.number for block in reorg.removed_blocks]
        if self.pretty:
            self._line(Text(f"reorg: blocks {blocks} after {reorg.common_ancestor} are replaced", "yellow"))
        else:
            self._line(Text(json_text({"reorg": reorg.to_dict()})))

    def remark(self, text: str) -> None:
        """Tell something that isn't an event; on a terminal above the running count."""
        if self._display.is_shown:
            self._show_waiting()
            self._display.lines([Text(visible(text), "yellow")])
        else:
            say(text)

    def _line(self, line: Text) -> None:
        if self._display.shares_terminal:
            self._waiting.append(line)
        else:
            write_styled(line)

    def _show_waiting(self) -> None:
        self._display.lines(self._waiting)
        self._waiting.clear()

    def flush(self, block: int | None, moment: datetime | None, lag: int | None) -> None:
        """Write all lines out, since what is not out does not count as delivered, and tell how far it is."""
        sys.stdout.flush()
        self._show_waiting()
        if not self._display.is_shown:
            return
        text = f"{counted(self.written, 'event')}, block {block}"
        done = self._course.part_done(block, self.written, moment)
        if done is not None:
            text += f", {progress_text(done, self._pace.seconds_left(done))}"
        elif lag and lag > 1:
            text += f", {lag:,} blocks behind the head"
        self._display.update(f"{text} (Ctrl-C ends it)")


def _listen(streaming: SyncStreamingClient, screen: _Screen, span: _Span, limit: int | None) -> None:
    @streaming.on_all_events
    def write(events: Events) -> None:
        past_the_end = False
        moment = None
        for name, found in events.items():
            for event in found:
                moment = event.get("timestamp", moment)
                if event in span:
                    screen.event(name, event)
                past_the_end = past_the_end or span.is_after(event)
        batch = streaming.current_batch
        screen.flush(
            screen.last_block if batch is None or batch.last_block is None else batch.last_block,
            None if moment is None else dates.isoparse(moment),
            streaming.stats.lag_blocks,
        )
        if past_the_end or (limit is not None and screen.written >= limit):
            streaming.stop_streaming()

    streaming.on_reorg(screen.reorg)


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_moment(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from problem
