"""
The streaming core in virtual time, run by a scheduler, against a service that misbehaves.

Everything random comes from one seed, so a schedule that fails can be played again. Nothing sleeps: ten
minutes take milliseconds.
"""

import heapq
import itertools
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from attrs import define

from event_streamer_sdk import exceptions
from event_streamer_sdk._core.backoff import Reconnect
from event_streamer_sdk._core.stream import commands as do
from event_streamer_sdk._core.stream.checkpoint import Checkpoint, DeadLetterRecord
from event_streamer_sdk._core.stream.commands import Lane
from event_streamer_sdk._core.stream.committing import Progress
from event_streamer_sdk._core.stream.dedupe import Deduplicator
from event_streamer_sdk._core.stream.handlers import HandlerRegistry
from event_streamer_sdk._core.stream.lanes import Lanes
from event_streamer_sdk._core.stream.options import CheckedOptions
from event_streamer_sdk._core.stream.reports import Counters, EndReason
from event_streamer_sdk.exceptions import CheckpointError
from support.world_service import Connection, Service

FAULTY_SECONDS = 240.0
"""After this the world is kind, so that every schedule can come to its end."""
MAX_EVENTS = 30_000
"""A schedule that takes more is going round in circles."""


class WrongError(AssertionError):
    """The contract was broken."""


def handler_a(events: Any) -> None:
    """Stands for a user's handler; the world decides what comes of a call."""


def handler_b(events: Any) -> None:
    """A second one."""


@define
class Strand:
    """A lane and the command it has under way."""

    steps: Any
    command: Any = None
    ticket: int = 0
    flag: bool = False
    done: bool = False


class Process:
    """One life of the program: from its start to its end, or to a kill -9."""

    def __init__(self, world: "World") -> None:
        self.world = world
        registry = HandlerRegistry()
        for handler in (handler_a, handler_b):
            registry.add_event("E", handler)
        for kind in ("error", "status", "gap"):
            registry.add_notice(kind, lambda notice: None)
        for handler in (handler_a, handler_b):
            registry.add_notice("reorg", handler)
        settings = world.settings
        self.lanes = Lanes(
            settings=settings,
            registry=registry,
            progress=world.progress,
            counters=Counters(),
            dedupe=world.dedupe,
            subscription_id=1,
            clock=lambda: world.now,
            utc_now=lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=world.now),
            random=world.random.random,
        )
        self.session = self.lanes.session
        self.strands = {lane: Strand(self.lanes.steps(lane)) for lane in Lane}
        self.alive = True
        self.connection: Connection | None = None
        for lane in Lane:
            self.step_later(lane, 0.0, None)

    @property
    def over(self) -> bool:
        return all(strand.done for strand in self.strands.values())

    def kill(self) -> None:
        """Die at once, as by kill -9: nothing in memory is left."""
        self.alive = False

    def stop(self) -> None:
        self.session.stop()
        self.take_effects()

    def step_later(self, lane: Lane, delay: float, outcome: Any) -> None:
        strand = self.strands[lane]
        strand.ticket += 1
        ticket = strand.ticket

        def step() -> None:
            if self.alive and strand.ticket == ticket:
                self.step(lane, outcome() if callable(outcome) else outcome)

        self.world.after(delay, step)

    def step(self, lane: Lane, outcome: Any) -> None:
        strand = self.strands[lane]
        strand.command = None
        try:
            command = strand.steps.send(outcome)
        except StopIteration:
            strand.done = True
        else:
            strand.command = command
            self.carry_out(lane, strand, command)
        self.take_effects()
        self.world.check()

    def take_effects(self) -> None:
        wake, break_off = self.session.effects.take()
        for lane in sorted(wake, key=lambda lane: lane.value):  # a set's order differs from run to run
            strand = self.strands[lane]
            if isinstance(strand.command, do.Wait):
                self.step_later(lane, 0.0, None)
            else:
                strand.flag = True
        reader = self.strands[Lane.READ]
        if break_off and isinstance(reader.command, do.Connect | do.Read):
            self.step_later(Lane.READ, 0.0, do.Failed(exceptions.EventStreamerTimeoutError("broken off")))

    def carry_out(self, lane: Lane, strand: Strand, command: Any) -> None:
        world = self.world
        if isinstance(command, do.Wait):
            if strand.flag:
                strand.flag = False
                self.step_later(lane, 0.0, None)
            elif command.seconds is not None:
                if command.seconds < 0:
                    raise WrongError(f"a lane waits {command.seconds} s")
                self.step_later(lane, command.seconds, None)
            else:
                strand.ticket += 1  # nothing but a wake-up
            return
        delay, outcome = self.outcome_of(command)
        self.step_later(lane, delay * world.random.uniform(0.5, 1.5), outcome)

    def outcome_of(self, command: Any) -> tuple[float, Any]:
        world, service = self.world, self.world.service
        match command:
            case do.Connect():
                delay, outcome = service.connect(command.resume_token)
                if isinstance(outcome, tuple):
                    self.connection, outcome = outcome
                return delay, outcome
            case do.Read():
                assert self.connection is not None
                return service.read(self.connection)
            case do.Disconnect():
                if self.connection is not None:
                    self.connection.open = False
                return 0.0, None
            case do.Call():
                return self.call(command)
            case do.AskForSubscription():
                if world.random.random() < 0.3:
                    return 0.5, do.Failed(OSError("no answer"))
                return 0.05, do.KnownSubscription("E")
            case do.LoadCheckpoint():
                return 0.01, world.trouble_of_a_store() or (lambda: world.stored)
            case do.SaveCheckpoint():
                return 0.01, world.trouble_of_a_store() or (lambda: world.store(command.checkpoint))
            case do.WriteDeadLetter():
                return 0.01, world.trouble_of_a_store() or (lambda: world.bury(command.record))
            case do.Acknowledge():
                return service.acknowledge(command.connection_id, list(command.batch_ids))
            case do.SendHeartbeat():
                gone = world.faulty and world.random.random() < 0.02
                error = exceptions.EventStreamerNotFoundError("gone", status_code=404)
                return 0.05, do.Failed(error) if gone else None
        raise WrongError(f"nobody knows how to do {command}")

    def call(self, command: do.Call) -> tuple[float, Any]:
        world = self.world
        if command.function not in (handler_a, handler_b):
            return 0.0, None
        argument: Any = command.argument
        if isinstance(argument, list):
            indices = [int(event["transaction_hash"], 16) for event in argument]
        else:
            indices = [int(argument.batch_id[1:])]
        if world.faulty and world.random.random() < 0.08:
            return 0.1, RuntimeError("the handler raised")
        seconds = world.random.choice([0.0, 0.0, 0.0, 0.05, 1.0, 30.0]) if world.faulty else 0.0
        return seconds, lambda: world.handle(command.function.__name__, indices)


class World:
    """Everything around the client, and the contract that is checked after every step."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.now = 0.0
        self.heap: list[tuple[float, float, int, Callable[[], None]]] = []
        self.counter = itertools.count()
        choose = self.random.choice
        self.manual = self.random.random() < 0.15
        self.durable = self.random.random() < 0.7
        self.settings = CheckedOptions(
            auto_acknowledge=not self.manual,
            batch_ack_interval=choose([0.0, 0.5, 3.0]),
            reconnect=Reconnect(initial=choose([0.1, 0.5]), maximum=10.0),
            checkpoint_interval=choose([0.0, 0.0, 2.0]),
            confirmations=choose([0, 0, 0, 2]),
            on_handler_error=choose(["stop", "stop", "dead_letter"]),
            handler_retries=choose([0, 1, 3]),
            handler_stall_timeout=20.0,
            on_token_lost=choose(["raise", "restart"]),
            max_line_bytes=2000,
            queue_batches=choose([1, 2, 1000]),
            max_unacknowledged=choose([1, 3, 100]),
            ack_chunk=choose([1, 3, 1000]),
            has_store=self.durable,
        )
        self.dedupe = Deduplicator(1000) if self.random.random() < 0.3 else None
        self.progress = Progress()
        self.service = Service(self, self.random.randrange(1, 25))
        self.stored: Checkpoint | None = None
        self.store_away_until = 0.0
        self.handled_by: dict[int, set[str]] = {}
        self.handled: set[int] = set()
        self.done: set[int] = set()
        self.furthest = -1
        self.process = Process(self)
        self.events = 0
        self.lives = 1

    @property
    def optional(self) -> set[int]:
        """Batches that need not be delivered: with confirmations, those that a reorg has taken back."""
        return self.service.removed if self.settings.confirmations else set()

    @property
    def faulty(self) -> bool:
        return self.now < FAULTY_SECONDS

    def after(self, delay: float, action: Callable[[], None]) -> None:
        heapq.heappush(self.heap, (self.now + delay, self.random.random(), next(self.counter), action))

    # --- what the client does to the world -----------------------------------------------------

    def handle(self, handler: str, indices: list[int]) -> None:
        for index in indices:
            by = self.handled_by.setdefault(index, set())
            by.add(handler)
            if len(by) == 2 and index not in self.handled:
                if any(earlier not in self.handled | self.optional for earlier in range(index)):
                    raise WrongError(f"batch {index} was handled before one that lies before it")
                self.handled.add(index)
                if not self.manual:
                    self.done.add(index)
            if len(by) == 2 and self.manual:
                acknowledges = partial(self.user_acknowledges, index, self.progress)
                self.after(self.random.choice([0.0, 0.1, 5.0]), acknowledges)

    def user_acknowledges(self, index: int, progress: Progress) -> None:
        """The user says that a batch is done, in whatever order."""
        process = self.process
        if progress is not self.progress or process.session.flushed:
            return  # the program has died since, or has stopped
        self.done.add(index)
        strand = Strand(process.lanes.committer.finish([f"b{index}"]))
        outcome: Any = None
        while True:  # the user waits for it: it is carried out at once
            try:
                command = strand.steps.send(outcome)
            except StopIteration as end:
                self.service.acked.update(int(batch_id[1:]) for batch_id in end.value)
                break
            outcome = None
            if isinstance(command, do.SaveCheckpoint):
                outcome = self.store(command.checkpoint)
        process.take_effects()
        self.check()

    def trouble_of_a_store(self) -> do.Failed | None:
        """A store is away for a while, or its disk is full, or all is well."""
        if not self.faulty:
            return None
        if self.now < self.store_away_until:
            return do.Failed(OSError("connection refused"))
        drawn = self.random.random()
        if drawn < 0.03:
            self.store_away_until = self.now + self.random.uniform(0.0, 40.0)
        if drawn > 0.05:
            return None
        return do.Failed(CheckpointError("the disk is full", permanent=drawn < 0.01))

    def store(self, checkpoint: Checkpoint) -> None:
        self.stored = checkpoint

    def bury(self, record: DeadLetterRecord) -> None:
        if record.kind == "batch" or record.batch_id:
            index = int(str(record.batch_id)[1:])
        else:
            raw = (record.raw or b"")[:200].rstrip(b"\n")
            index = self.service.damaged[raw]
        self.handled_by.setdefault(index, set()).update({"handler_a", "handler_b"})
        self.handled.add(index)
        self.done.add(index)

    # --- the contract --------------------------------------------------------------------------

    def check(self) -> None:
        """acked ⊆ committed ⊆ handled, and the committed position never goes back by itself."""
        token = self.stored.resume_token if self.durable and self.stored else self.progress.token
        committed = int(token[1:]) if token else -1
        for index in range(self.furthest + 1, committed + 1):
            if index not in self.done | self.optional:
                raise WrongError(f"batch {index} is committed and not handled")
        self.furthest = max(self.furthest, committed)
        beyond = [index for index in self.service.acked if index > self.furthest]
        if beyond:
            raise WrongError(f"batches {beyond} are acknowledged and not committed (up to {self.furthest})")

    def run(self) -> None:
        """Play the schedule to its end, and see that nothing is missing."""
        killings = self.random.choice([0, 0, 1, 3])
        for _ in range(killings):
            self.after(self.random.uniform(0.0, FAULTY_SECONDS), self.kill)
        for _ in range(self.random.choice([0, 0, 1, 2])):
            self.after(self.random.uniform(0.0, FAULTY_SECONDS), lambda: self.process.stop())
        while not self.finished():
            if not self.heap:
                raise WrongError("everything waits for everything")
            self.events += 1
            if self.events > MAX_EVENTS:
                raise WrongError("no progress: it goes round in circles")
            self.now, _, _, action = heapq.heappop(self.heap)
            action()
            if self.process.over:
                self.start_again()
        missing = set(range(len(self.service.items))) - self.handled - self.optional
        if missing:
            raise WrongError(f"batches {sorted(missing)} were never handled")

    def finished(self) -> bool:
        end = self.process.session.end
        return self.process.over and end is not None and end.reason is EndReason.FINISHED

    def start_again(self) -> None:
        """Start a new run in the same program, as a user would after a stop or an error."""
        if not self.finished():
            self.lives += 1
            self.process = Process(self)

    def kill(self) -> None:
        self.process.kill()
        self.lives += 1
        self.progress = Progress()
        if self.dedupe is not None:
            self.dedupe = Deduplicator(1000)
        self.process = Process(self)


def play(seed: int) -> World:
    """
    Play one schedule.

    Args:
        seed: Which.

    Returns:
        The world at its end.

    Raises:
        WrongError: The contract was broken; the message names the seed.
    """
    # Thousands of schedules log what they are made to: failures.
    logging.disable(logging.CRITICAL)
    try:
        world = World(seed)
        try:
            world.run()
        except WrongError as wrong:
            raise WrongError(f"seed {seed}, at {world.now:.2f} s: {wrong}") from None
        except Exception as error:
            error.add_note(f"seed {seed}, at {world.now:.2f} s")
            raise
        return world
    finally:
        logging.disable(logging.NOTSET)
