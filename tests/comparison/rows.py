"""The rows of the comparison: what the service does, and what a client should make of it."""

import functools
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from support.stream_server import (
    END,
    HEARTBEAT,
    Answer,
    Script,
    StreamServer,
    Wire,
    answers,
    batch,
    healthy,
    line,
)

ALL = [0, 1, 2, 3, 4]
Problem = str | None


SMALL_LINES = {"ours": {"max_line_bytes": 1 << 20}}


@dataclass
class Outcome:
    """What a client did, as its runner told it."""

    handled: list[int]
    attempts: list[int]
    errors: list[str]
    unknown: list[str]
    gaps: list[str]
    token: str | None
    running: bool
    outcome: str
    seconds: float


Judge = Callable[[Outcome, StreamServer], Problem]


@dataclass
class Row:
    """One row: its number, what happens, and how a client is judged (`None`: as it should be)."""

    number: int
    fault: str
    scripts: tuple[Script, ...] = ()
    judge: Judge = field(default=lambda outcome, server: lost(outcome, server))
    options: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[StreamServer], None] = lambda server: None
    limit: float = 4.0
    size: int = 5


def lost(outcome: Outcome, server: StreamServer) -> Problem:
    """Nothing may be missing, and nothing acknowledged that was not handled."""
    missing = sorted(set(range(server.size)) - set(outcome.handled))
    if missing:
        return f"{len(missing)} of {server.size} batches lost"
    early = server.acked - {f"b{number}" for number in outcome.handled}
    return f"acknowledged {sorted(early)}, never handled" if early else None


def ended_once(outcome: Outcome, server: StreamServer) -> Problem:
    """One request, and the program is told."""
    if len(server.connects) != 1:
        return f"{len(server.connects)} requests"
    if outcome.running:
        return "still 'running'"
    return None if outcome.errors else "the program is not told"


def in_order(outcome: Outcome, server: StreamServer) -> Problem:
    firsts = list(dict.fromkeys(outcome.handled))
    return lost(outcome, server) or (None if firsts == sorted(firsts) else "out of order")


def then_rest(*parts: bytes) -> Script:
    def script(wire: Wire) -> None:
        wire.batches(wire.position, 1)
        wire.send(*parts)
        wire.rest(3)

    return script


def dribble(wire: Wire) -> None:
    for byte in wire.server.batch(0):
        wire.send(bytes([byte]))
        wire.pause(0.002)
    wire.rest(1)


def vanish(wire: Wire) -> None:
    wire.batches(wire.position, 1)
    wire.vanish()


def reset(wire: Wire) -> None:
    wire.batches(0, 1)
    wire.send(wire.server.batch(2)[:50])
    wire.pause(0.1)
    wire.reset()


def clean_end(wire: Wire) -> None:
    wire.batches(0, 2)
    wire.finish()


def huge(wire: Wire) -> None:
    wire.batches(wire.position, 1)
    for _ in range(1600):
        wire.send(b"x" * 65536)
    wire.send(b"\n")
    wire.rest(2)


@functools.cache
def packed_blanks() -> bytes:
    """300 MiB of blanks as gzip has them; packed before the client's time runs, since that takes seconds."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    return b"".join(packer.compress(b" " * (1 << 20)) for _ in range(300)) + packer.flush()


def pack_first(_server: StreamServer) -> None:
    packed_blanks()


def bomb(wire: Wire) -> None:
    if wire.number > 0:
        healthy(wire)
        return
    wire.begin(Content_Encoding="gzip")
    wire.send(packed_blanks())
    wire.vanish()


def cut(wire: Wire) -> None:
    for number in range(5):
        wire.send(*(bytes([byte]) for byte in wire.server.batch(number)))
    wire.send(END)
    wire.finish()


def flap(wire: Wire) -> None:
    wire.begin()
    wire.finish()


def twice(wire: Wire) -> None:
    wire.batches(0, 1)
    wire.batches(1, 1)
    wire.rest(2)


def shuffle(wire: Wire) -> None:
    for number in (0, 3, 1, 2, 4):
        wire.batches(number, number)
    wire.send(END)
    wire.finish()


def beats_stop(wire: Wire) -> None:
    wire.begin(X_Heartbeat_Interval="0.2")
    wire.batches(0, 1)
    wire.send(HEARTBEAT)
    wire.vanish()


def slowly(wire: Wire) -> None:
    wire.batches(wire.position, 2)
    wire.pause(1.0)
    wire.rest(3)


def not_recoverable(wire: Wire) -> None:
    wire.batches(0, 4)
    error = {"type": "error", "error_code": "GONE", "error_message": "deleted", "recoverable": False}
    wire.send(line(error))
    wire.vanish()


def stay(wire: Wire) -> None:
    wire.batches(wire.position, 4)
    wire.beat(0.05)


def lag(wire: Wire) -> None:
    wire.rest(1)


def set_ack(answer: Answer, times: int | None = 1) -> Callable[[StreamServer], None]:
    def prepare(server: StreamServer) -> None:
        if times is None:
            server.always_ack = answer
        else:
            server.ack_answers.extend([answer] * times)

    return prepare


def big_batches(server: StreamServer) -> None:
    server.batch = lambda number: batch(number, padding="x" * (2 << 20 if number == 2 else 0))


def odd_characters(server: StreamServer) -> None:
    server.batch = lambda number: batch(number, note="a\u2028b\u0085c \u00e4\U0001f680")


def refuse_one(server: StreamServer) -> None:
    server.refused_acks = lambda ids: {"b1"} & set(ids)


def judge_trouble(outcome: Outcome, server: StreamServer) -> Problem:
    """The bad line is not passed over in silence: what follows it waits, or it is told."""
    if outcome.token in ("t3", "t4") and 2 not in outcome.handled and not outcome.errors:
        return "passed over in silence"
    return None if outcome.handled[:2] == [0, 1] else lost(outcome, server)


def judge_token(outcome: Outcome, server: StreamServer) -> Problem:
    (request, *_) = server.connects
    if request.query.get("resume_token") != "rt_+/=&#%41":
        return "the token arrives damaged"
    if request.headers.get("x-tenant") != "blue":
        return "headers don't go with the stream"
    return None if request.headers.get("x-client-metadata") else "client metadata is not sent"


def judge_unknown(outcome: Outcome, server: StreamServer) -> Problem:
    return lost(outcome, server) or (None if outcome.unknown == ["news"] else "no handler hears of it")


def judge_gap(outcome: Outcome, server: StreamServer) -> Problem:
    return lost(outcome, server) or (None if "out_of_order" in outcome.gaps else "no notice")


def judge_acked(outcome: Outcome, server: StreamServer) -> Problem:
    unacked = sorted({f"b{number}" for number in ALL} - server.acked)
    return lost(outcome, server) or (f"{unacked} never acknowledged" if unacked else None)


def judge_bounded_acks(outcome: Outcome, server: StreamServer) -> Problem:
    return lost(outcome, server) or (
        f"{len(server.acks)} requests in {outcome.seconds:.0f} s" if len(server.acks) > 8 else None
    )


def judge_stop(outcome: Outcome, server: StreamServer) -> Problem:
    if outcome.token not in (None, "t0", "t1"):
        return f"the token lies behind the failed batch ({outcome.token})"
    return None if not outcome.running else "goes on past it"


def judge_hang(outcome: Outcome, server: StreamServer) -> Problem:
    beats = len(server.heartbeats)
    return f"{beats} heartbeats for a handler that hangs" if beats > 30 else judge_stop(outcome, server)


def judge_block(outcome: Outcome, server: StreamServer) -> Problem:
    return lost(outcome, server)


def judge_lag(outcome: Outcome, server: StreamServer) -> Problem:
    return None if set(outcome.handled) == {1, 2, 3, 4} else lost(outcome, server)


def judge_gone(outcome: Outcome, server: StreamServer) -> Problem:
    return ended_once(outcome, server)


def judge_retry_after(outcome: Outcome, server: StreamServer) -> Problem:
    if len(server.connects) > 1 and server.connects[1].at - server.connects[0].at < 1.0:
        return "asks again too soon"
    return lost(outcome, server)


ROWS = [
    Row(1, "bytes dribble in", (dribble,), options={"ours": {"heartbeat_interval": 0.1}}),
    Row(2, "half-open TCP (peer vanishes)", (vanish,), options={"ours": {"heartbeat_interval": 0.2}}),
    Row(3, "RST in mid-line", (reset,)),
    Row(4, "clean end of response", (clean_end,)),
    Row(5, "recoverable: false", (not_recoverable,), ended_once),
    Row(6, "truncated line, more after it", (then_rest(batch(2)[:60] + b"\n"),)),
    Row(7, "invalid UTF-8", (then_rest(batch(2).replace(b"event_batch", b"event\xff\xfebatch")),)),
    Row(8, "a 100 MB line", (huge,), limit=8.0),
    Row(9, "a valid 2 MB line", prepare=big_batches),
    Row(10, "compression bomb", (bomb,), limit=8.0, options=SMALL_LINES, prepare=pack_first),
    Row(11, "chunks cut at every offset", (cut,), prepare=odd_characters),
    Row(12, "401", (answers(401),), ended_once),
    Row(13, "404 subscription", (answers(404),), ended_once),
    Row(14, "409", (answers(409),)),
    Row(15, "410", (answers(410),), judge_gone, {"resume_token": "t1"}),
    Row(16, "422", (answers(422),), ended_once),
    Row(17, "429 with Retry-After", (answers(429, Retry_After="1"),), judge_retry_after),
    Row(18, "503, three times", (answers(503), answers(503), answers(503))),
    Row(19, "flapping", (flap, flap, flap)),
    Row(23, "token with +/=&#%, headers", (Wire.no_content,), judge_token,
        {"resume_token": "rt_+/=&#%41", "headers": {"X-Tenant": "blue"}}),
    Row(24, "heartbeats stop", (beats_stop,)),
    Row(26, "duplicate batch", (twice,), judge_acked),
    Row(27, "blocks out of order", (shuffle,), judge_gap),
    Row(28, "unknown type", (then_rest(line({"type": "news"}), batch(2)),), judge_unknown),
    Row(29, "batch_size lies", (then_rest(batch(2, batch_size=9)),)),
    Row(30, "ack endpoint down", (slowly,), judge_bounded_acks, prepare=set_ack(Answer(503), None)),
    Row(31, "one id fails for ever", (slowly,), prepare=refuse_one),
    Row(32, "ack says 404", (vanish,), prepare=set_ack(Answer(404, {"error": "Kein Anschluss"}))),
    Row(33, "answer to an ack is lost", (slowly,), judge_acked, prepare=set_ack(Answer(0, drop=True))),
    Row(36, "handler raises once", (), judge_acked, {"fail_once": 2}),
    Row(36, "handler always raises", (), judge_stop, {"fail_always": 2}),
    Row(37, "handler hangs", (stay,), judge_hang,
        {"hang": 2, "seconds": 30, "ours": {"handler_timeout": 0.5, "handler_retries": 0}}),
    Row(38, "handler blocks the event loop", (), judge_block, {"block": 2, "seconds": 1.5}),
    Row(43, "resumed on a server that lags", (lag,), judge_lag, {"resume_token": "t3"}),
]  # fmt: skip
