"""`event-streamer dead-letters`: look at what could not be handled, replay it, remove it."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from attrs import frozen

from event_streamer_sdk._core.words import counted
from event_streamer_sdk.checkpoints import (
    DeadLetter,
    JSONLinesDeadLetters,
    SQLDeadLetters,
    SQLiteDeadLetters,
)
from event_streamer_sdk.checkpoints._async.replaying import replay_async
from event_streamer_sdk.checkpoints._sql_letters import DEFAULT_TABLE
from event_streamer_sdk.checkpoints._sync.replaying import replay as replay_plain
from event_streamer_sdk.checkpoints.replaying import Replayed
from event_streamer_sdk.cli._app_function import app_function
from event_streamer_sdk.cli._lines import pretty_line
from event_streamer_sdk.cli._once import Commands
from event_streamer_sdk.cli._output import (
    AsJson,
    ask,
    complain,
    say,
    write_details,
    write_json,
    write_styled,
    write_table,
)
from event_streamer_sdk.cli._shared import given_by, option

app: typer.Typer = Commands(
    help="List, show, replay and remove dead letters, wherever your program keeps them.",
    no_args_is_help=True,
)

Letters = JSONLinesDeadLetters | SQLDeadLetters
SQLITE = b"SQLite format 3\0"
"""How a file of SQLite begins."""

Ids = Annotated[
    list[str] | None,
    typer.Argument(
        show_default=False, metavar="[ID]…", help="Which ones; the first digits of an id will do."
    ),
]


def _opened(
    place: Annotated[
        str,
        typer.Argument(
            show_default=False, metavar="PLACE", help="A file (JSON lines or SQLite), or postgresql://…"
        ),
    ],
    table: Annotated[str, typer.Option(help="The table, in a database.")] = DEFAULT_TABLE,
) -> Any:
    return _letters_at(place, table)


@contextmanager
def _letters_at(place: str, table: str) -> Iterator[Letters]:
    """Open the place where dead letters are; it has to be there."""
    path = Path(place.removeprefix("sqlite:///"))
    if "://" in place and not place.startswith("sqlite:"):
        letters: Letters = SQLDeadLetters(place, table=table)
    elif not path.is_file():
        raise typer.BadParameter(f"there is no file {path}")
    elif _begins_as_sqlite(path):
        letters = SQLiteDeadLetters(path, table=table)
    elif not _may_hold_json(path):
        raise typer.BadParameter(f"{path} is not a file of dead letters")
    else:
        letters = JSONLinesDeadLetters(path)
    try:
        yield letters
    finally:
        letters.close()


def _begins_as_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def _may_hold_json(path: Path) -> bool:
    """Tell whether a file begins as a line of JSON does, or is empty."""
    with path.open("rb") as file:
        return file.read(100).lstrip()[:1] in {b"", b"{"}


@frozen
class _Choice:
    """Which dead letters are meant."""

    subscription: int | None
    reason: str | None

    def __bool__(self) -> bool:
        return self.subscription is not None or self.reason is not None

    def has(self, letter: DeadLetter) -> bool:
        wanted = self.subscription in {None, letter.record.subscription_id}
        return wanted and (self.reason is None or self.reason in letter.record.reason)


def _choice(
    subscription: Annotated[
        int | None, option(min=1, metavar="N", help="Those of this subscription.")
    ] = None,
    reason: Annotated[
        str | None, option(metavar="TEXT", help="Those whose reason has this text in it.")
    ] = None,
) -> _Choice:
    return _Choice(subscription, reason)


def _chosen(letters: Letters, choice: _Choice, ids: Sequence[str] | None = None) -> list[DeadLetter]:
    """Find what is meant, each once; every id has to be one of them."""
    found = list({each.id: each for each in letters.read() if choice.has(each)}.values())
    if not ids:
        return found
    named = {each: [letter for letter in found if letter.id.startswith(each.lower())] for each in ids}
    for each, matches in named.items():
        if not matches:
            raise typer.BadParameter(f"there is no dead letter {each!r}: `dead-letters list` shows their ids")
        if len(matches) > 1:
            raise typer.BadParameter(
                f"{each!r} matches {counted(len(matches), 'id')}: give more of its digits"
            )
    wanted = {matches[0].id for matches in named.values()}
    return [each for each in found if each.id in wanted]


def _events(letter: DeadLetter) -> list[tuple[str, Any]]:
    message = letter.record.message or {}
    groups = message.get("events")
    if not isinstance(groups, dict):
        return []
    return [(name, event) for name, group in groups.items() if isinstance(group, list) for event in group]


def _row(letter: DeadLetter) -> dict[str, Any]:
    record, message = letter.record, letter.record.message or {}
    return {
        "id": letter.id,
        "time": record.time.isoformat(),
        "kind": record.kind,
        "subscription_id": record.subscription_id,
        "batch_id": record.batch_id,
        "events": len(_events(letter)),
        "first_block": message.get("first_block"),
        "last_block": message.get("last_block"),
        "handlers": list(record.handlers),
        "reason": record.reason,
    }


@app.command("list")
@given_by(letters=_opened, choice=_choice)
def list_letters(letters: Letters, choice: _Choice, as_json: AsJson = False) -> None:
    """List dead letters, the oldest first."""
    found = _chosen(letters, choice)
    if as_json:
        write_json([_row(each) for each in found])
        return
    write_table(
        ["id", "time", "subscription", "batch", "events", "reason"],
        [
            (
                each.id,
                each.record.time,
                each.record.subscription_id,
                each.record.batch_id,
                len(_events(each)),
                each.record.reason,
            )
            for each in found
        ],
        empty="No dead letters.",
    )


@app.command()
@given_by(letters=_opened, choice=_choice)
def count(letters: Letters, choice: _Choice, as_json: AsJson = False) -> None:
    """Count dead letters by their reason, the most frequent first."""
    by_reason: dict[str, list[DeadLetter]] = {}
    for each in _chosen(letters, choice):
        by_reason.setdefault(each.record.reason, []).append(each)
    rows = [
        {
            "count": len(those),
            "first": min(each.record.time for each in those),
            "last": max(each.record.time for each in those),
            "reason": reason,
        }
        for reason, those in sorted(by_reason.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ]
    if as_json:
        write_json(rows)
        return
    columns = ["count", "first", "last", "reason"]
    write_table(columns, [[row[name] for name in columns] for row in rows], empty="No dead letters.")


@app.command()
@given_by(letters=_opened)
def show(
    letters: Letters,
    letter_id: Annotated[
        str, typer.Argument(show_default=False, metavar="ID", help="Its id, or the first digits of it.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show one with its events, or what came in place of a batch."""
    (letter,) = _chosen(letters, _Choice(None, None), [letter_id])
    record = letter.record
    if as_json:
        write_json({**_row(letter), "message": record.message, "raw": record.raw})
        return
    row = _row(letter)
    first, last = row["first_block"], row["last_block"]
    blocks = None if first is None else str(first) if first == last else f"{first} to {last}"
    write_details(
        {
            "Id": letter.id,
            "Time": record.time,
            "Subscription": record.subscription_id,
            "Batch": record.batch_id,
            "Blocks": blocks,
            "Handlers": record.handlers,
            "Reason": record.reason,
            **({} if record.raw is None else {"As it came": record.raw.decode(errors="backslashreplace")}),
        }
    )
    for name, event in _events(letter):
        if isinstance(event, dict):
            write_styled(pretty_line(name, event))


@app.command()
@given_by(letters=_opened, choice=_choice)
def replay(
    letters: Letters,
    choice: _Choice,
    app_name: Annotated[
        str,
        option(
            "--app",
            metavar="MODULE:FUNCTION",
            help="Gets a streaming client for each subscription, and registers handlers with it.",
        ),
    ],
    ids: Ids = None,
    blocking: Annotated[
        bool, typer.Option("--blocking", help="Handlers are plain functions, for SyncStreamingClient.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the ones that are handled, too.")] = False,
) -> None:
    """
    Hand dead letters to the handlers of your program again; what they handle is removed.

    Without ids all are meant. The app is the one of `event-streamer worker`. What fails again stays, and the
    exit code is 1. Ctrl-C (130) and SIGTERM (143) end it behind the batch in hand.
    """
    registers = app_function(app_name)
    found = _chosen(letters, choice, ids)
    if not found:
        say("No dead letters.")
        return
    replayed = Replayed()
    run: Callable[..., Any] = replay_plain if blocking else _replay_on_loop
    try:
        run(found, registers, replayed, name="event-streamer-cli")
    finally:
        if not keep and replayed.handled:
            letters.remove({each.id for each in replayed.handled})
    for letter, reason in replayed.failed:
        complain(f"{letter.id} failed again: {reason}")
    for letter in replayed.unreadable:
        complain(f"{letter.id} can't be replayed, since it isn't a batch: {letter.record.reason}")
    left = len(found) - len(replayed.handled)
    kept = " and kept" if keep else ""
    say(f"{counted(len(replayed.handled), 'dead letter')} handled{kept}, {left} not handled")
    if left and replayed.signal is not None:
        raise typer.Exit(128 + replayed.signal)
    if left:
        raise typer.Exit(1)


def _replay_on_loop(*arguments: Any, **options: Any) -> None:
    asyncio.run(replay_async(*arguments, **options))


@app.command()
@given_by(letters=_opened, choice=_choice)
def remove(
    letters: Letters,
    choice: _Choice,
    ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
) -> None:
    """Forget dead letters: those named, those chosen by an option, or all."""
    if not (ids or choice or everything):
        raise typer.BadParameter("say which ones: give ids, --subscription, --reason or --all")
    found = _chosen(letters, choice, ids)
    if not found:
        say("No dead letters.")
        return
    if not yes:
        ask(f"Remove {counted(len(found), 'dead letter')}?")
    say(f"{counted(letters.remove({each.id for each in found}), 'dead letter')} removed")
