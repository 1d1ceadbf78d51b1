"""Events on a subject of NATS JetStream, with ids that it drops when they come again."""

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from typing import Any

import nats
import pytest

from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_sdk.sinks import NATSSink, SinkError, SinkUnavailableError
from event_streamer_service import DevChain, LocalService
from support.brokers import Server, nats_server
from support.sink_kills import kill_again_and_again
from support.sinks import rows_of_chain, still, stream_into, subscribe

COUNTER = iter(range(1_000_000))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with nats_server() as made:
        yield made


@pytest.fixture
def subject() -> str:
    return f"transfers{next(COUNTER)}.all"


def messages(server: Server, subject: str) -> list[dict[str, Any]]:
    """All messages of a subject, in order."""

    async def read() -> list[dict[str, Any]]:
        connection = await nats.connect(server.url)
        context = connection.jetstream()
        name = await context.find_stream_name_by_subject(subject)
        state = (await context.stream_info(name)).state
        read = [await context.get_msg(name, number) for number in range(state.first_seq, state.last_seq + 1)]
        found = [json.loads(message.data or b"") | {"sequence": message.seq} for message in read]
        await connection.close()
        return found

    return asyncio.run(read())


def test_a_subject_holds_the_logs_of_the_chain(
    service: LocalService, chain: DevChain, kind: str, server: Server, subject: str
) -> None:
    number = subscribe(service, 250)
    for _ in range(2):
        stream_into(kind, service.url, number, NATSSink(f"{server.url}/{subject}", write_rows=300))
        found = messages(server, subject)
        assert still(found) == rows_of_chain(chain, 0, 250)
        assert len(found) == len(rows_of_chain(chain, 0, 250))


@pytest.mark.parametrize("depth", [1, 6])
def test_a_notice_says_which_messages_are_void(
    service: LocalService, chain: DevChain, server: Server, subject: str, depth: int
) -> None:
    number = subscribe(service, chain.head_number + 5)

    def change(stream: Any) -> None:
        @stream.on_heartbeat
        def look(_: Any) -> None:
            if chain.head_number < 305:
                chain.reorg(depth)
                chain.mine(12)

    stream_into("sync", service.url, number, NATSSink(f"{server.url}/{subject}"), prepare=change)
    assert still(messages(server, subject)) == rows_of_chain(chain, 0, 304)


def test_messages_that_come_again_are_dropped(
    service: LocalService, chain: DevChain, server: Server, subject: str
) -> None:
    number = subscribe(service, 250)
    stream_into("sync", service.url, number, NATSSink(f"{server.url}/{subject}"))
    count = len(messages(server, subject))

    async def lose_the_position() -> None:
        connection = await nats.connect(server.url)
        bucket = await connection.jetstream().key_value("event_streamer_positions")
        await bucket.purge(subject)
        await connection.close()

    asyncio.run(lose_the_position())
    stream_into("sync", service.url, subscribe(service, 250), NATSSink(f"{server.url}/{subject}"))
    assert len(messages(server, subject)) == count
    assert still(messages(server, subject)) == rows_of_chain(chain, 0, 250)


def test_messages_that_no_position_speaks_of_are_void_where_their_blocks_were_replaced_meanwhile(
    service: LocalService, chain: DevChain, server: Server, subject: str
) -> None:
    number = subscribe(service, chain.head_number + 5)

    class Dies(NATSSink):
        """Publishes its last write and is gone before the position."""

        async def _keep(self, position: str) -> None:
            if json.loads(position)["resume_token"] and self._sequence >= 500:
                raise SinkError("gone")
            await super()._keep(position)

    place = f"{server.url}/{subject}"
    with pytest.raises(SinkError, match="gone"):
        stream_into("sync", service.url, number, Dies(place, write_rows=100), handler_retries=0)
    before = messages(server, subject)
    chain.reorg(6)
    chain.mine(12)
    stream_into("sync", service.url, number, NATSSink(place, write_rows=100))
    found = messages(server, subject)
    assert [message for message in found if "after_sequence" in message], "nothing was left behind"
    assert found[: len(before)] == before
    assert still(found) == rows_of_chain(chain, 0, chain.head_number - 7)


def test_a_server_that_restarts_is_waited_for(service: LocalService, chain: DevChain) -> None:
    with nats_server() as server:

        def restart(stream: Any) -> None:
            @stream.on_event("Transfer")
            def look(_: Any) -> None:
                if not stream.stats.batches:
                    server.stop()
                    threading.Timer(0.7, server.start).start()

        stream_into("sync", service.url, subscribe(service, 250), NATSSink(server.url), prepare=restart)
        found = messages(server, "transfer")
        assert still(found) == rows_of_chain(chain, 0, 250)
        assert len(found) == len(rows_of_chain(chain, 0, 250))


def test_a_server_that_hangs_is_slow_and_loses_nothing(service: LocalService, chain: DevChain) -> None:
    with nats_server() as server:

        def hold(stream: Any) -> None:
            @stream.on_event("Transfer")
            def look(_: Any) -> None:
                if not stream.stats.batches:
                    server.send(signal.SIGSTOP)
                    threading.Timer(0.7, server.send, [signal.SIGCONT]).start()

        stream_into("sync", service.url, subscribe(service, 250), NATSSink(server.url), prepare=hold)
        assert still(messages(server, "transfer")) == rows_of_chain(chain, 0, 250)


def test_a_full_stream_is_told_and_waited_for(service: LocalService, server: Server, subject: str) -> None:
    async def make() -> None:
        connection = await nats.connect(server.url)
        config = nats.js.api.StreamConfig(name="small", subjects=[subject], max_msgs=5, discard="new")
        await connection.jetstream().add_stream(config)
        await connection.close()

    asyncio.run(make())
    with pytest.raises(SinkUnavailableError, match=r"NATS refuses the messages: .*maximum messages exceeded"):
        stream_into(
            "sync", service.url, subscribe(service, 250), NATSSink(f"{server.url}/{subject}", patience=0.3)
        )


def test_what_can_not_be_used_is_refused_in_one_line(
    server: Server, service: LocalService, subject: str, free_port: int
) -> None:
    number = subscribe(service, 10)
    with pytest.raises(SinkUnavailableError, match="NATS can't be reached"):
        stream_into("sync", service.url, number, NATSSink(f"nats://127.0.0.1:{free_port}/x"))
    with pytest.raises(EventStreamerValidationError, match="names no host"):
        NATSSink("nats:///x")
    stream_into("sync", service.url, number, NATSSink(f"{server.url}/{subject}"))
    with pytest.raises(SinkError, match="name another place"):
        stream_into("sync", service.url, subscribe(service, 11), NATSSink(f"{server.url}/{subject}"))


def test_a_second_writer_is_found_out(service: LocalService, server: Server, subject: str) -> None:
    async def take() -> None:
        connection = await nats.connect(server.url)
        bucket = await connection.jetstream().key_value("event_streamer_positions")
        await bucket.put(subject, b"another one's")
        await connection.close()

    def meddle(stream: Any) -> None:
        stream.on_event("Transfer")(lambda _: asyncio.run(take()))

    with pytest.raises(SinkError, match="another process writes on subject"):
        stream_into(
            "sync", service.url, subscribe(service, 250), NATSSink(f"{server.url}/{subject}"), prepare=meddle
        )


def test_killed_at_random_instants_the_subject_ends_as_the_chain(server: Server, subject: str) -> None:
    place = f"{server.url}/{subject}"
    kill_again_and_again(
        lambda: still(messages(server, subject)), "--to", place, seed="nats", small_writes=place
    )
