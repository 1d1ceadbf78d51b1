"""Events in a stream of Redis, in one MULTI with the position."""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_sdk.sinks import RedisSink, SinkError, SinkUnavailableError
from event_streamer_service import DevChain, LocalService
from support.brokers import Server, redis_server
from support.relay import Relay
from support.services import wait_until
from support.sink_kills import kill_again_and_again
from support.sinks import rows_of_chain, still, stream_into, subscribe


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with redis_server() as made:
        yield made


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    with redis.Redis.from_url(server.url, decode_responses=True) as made:
        made.flushall()
        yield made


def entries(client: Any, stream: str = "transfers") -> list[dict[str, str]]:
    return [fields for _, fields in client.xrange(stream)]


def test_a_stream_holds_the_logs_of_the_chain(
    service: LocalService, chain: DevChain, kind: str, server: Server, client: Any
) -> None:
    number = subscribe(service, 250)
    for _ in range(2):
        stream_into(kind, service.url, number, RedisSink(f"{server.url}?stream=transfers", write_rows=300))
        assert still(entries(client)) == rows_of_chain(chain, 0, 250)
        assert len(entries(client)) == len(rows_of_chain(chain, 0, 250))


@pytest.mark.parametrize("depth", [1, 6])
def test_a_notice_says_which_entries_are_void(
    service: LocalService, chain: DevChain, server: Server, client: Any, depth: int
) -> None:
    number = subscribe(service, chain.head_number + 5)

    def change(stream: Any) -> None:
        @stream.on_heartbeat
        def look(_: Any) -> None:
            if chain.head_number < 305:
                chain.reorg(depth)
                chain.mine(12)

    stream_into("sync", service.url, number, RedisSink(server.url), prepare=change)
    found = entries(client, "transfer")
    assert still(found) == rows_of_chain(chain, 0, 304)
    (notice,) = [entry for entry in found if "log_index" not in entry]
    assert int(notice["common_ancestor"]) == 299 - depth


def test_a_stream_can_be_kept_short(service: LocalService, server: Server, client: Any) -> None:
    stream_into("sync", service.url, subscribe(service, 250), RedisSink(f"{server.url}?maxlen=100"))
    assert 100 <= client.xlen("transfer") < 300


def test_a_redis_that_restarts_is_waited_for(service: LocalService, chain: DevChain) -> None:
    with redis_server() as server:

        def restart(stream: Any) -> None:
            @stream.on_event("Transfer")
            def look(_: Any) -> None:
                if not stream.stats.batches:
                    server.stop()
                    threading.Timer(0.7, server.start).start()

        stream_into("sync", service.url, subscribe(service, 250), RedisSink(server.url), prepare=restart)
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            assert still(entries(client, "transfer")) == rows_of_chain(chain, 0, 250)


def test_a_redis_that_stays_away_ends_the_stream_in_one_line(
    service: LocalService, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_server() as server:

        def stop(stream: Any) -> None:
            stream.on_event("Transfer")(lambda _: server.stop())

        sink = RedisSink(server.url, patience=0.6)
        began = time.monotonic()
        with pytest.raises(SinkUnavailableError, match="Redis can't be reached"):
            stream_into("sync", service.url, subscribe(service, 250), sink, prepare=stop)
        assert time.monotonic() - began < 15
        assert "trying again in 0.5 s" in caplog.text


def test_a_redis_that_hangs_is_slow_and_loses_nothing(service: LocalService, chain: DevChain) -> None:
    with redis_server() as server:

        def hold(stream: Any) -> None:
            @stream.on_event("Transfer")
            def look(_: Any) -> None:
                if not stream.stats.batches:
                    server.send(signal.SIGSTOP)
                    threading.Timer(0.7, server.send, [signal.SIGCONT]).start()

        stream_into("sync", service.url, subscribe(service, 250), RedisSink(server.url), prepare=hold)
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            assert still(entries(client, "transfer")) == rows_of_chain(chain, 0, 250)


def test_a_full_redis_is_waited_for_and_holds_nothing_by_halves(
    service: LocalService, chain: DevChain
) -> None:
    with redis_server() as server, redis.Redis.from_url(server.url, decode_responses=True) as client:
        client.config_set("maxmemory", "1")

        def free(stream: Any) -> None:
            @stream.on_event("Transfer")
            def look(_: Any) -> None:
                if not stream.stats.batches:
                    threading.Timer(0.7, client.config_set, ["maxmemory", "0"]).start()

        stream_into("sync", service.url, subscribe(service, 250), RedisSink(server.url), prepare=free)
        assert still(entries(client, "transfer")) == rows_of_chain(chain, 0, 250)


def test_a_redis_that_has_become_a_replica_is_left_for_its_successor(
    service: LocalService, chain: DevChain, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_server() as first, redis_server() as second:
        ports = [int(each.url.rpartition(":")[2]) for each in (first, second)]
        was, comes = (redis.Redis(port=port, decode_responses=True) for port in ports)
        with was, comes, Relay(ports[0]) as relay:
            comes.replicaof("127.0.0.1", ports[0])
            wait_until(lambda: comes.info("replication")["master_link_status"] == "up")

            def fail_over(stream: Any) -> None:
                @stream.on_event("Transfer")
                def look(_: Any) -> None:
                    if not stream.stats.batches:
                        comes.replicaof("NO", "ONE")
                        was.replicaof("127.0.0.1", ports[1])
                        relay.lead_to(ports[1])

            sink = RedisSink(f"redis://127.0.0.1:{relay.port}")
            stream_into("sync", service.url, subscribe(service, 250), sink, prepare=fail_over)
            assert still(entries(comes, "transfer")) == rows_of_chain(chain, 0, 250)
            assert "read only replica" in caplog.text


def test_a_redis_that_may_forget_is_told_of(
    server: Server, service: LocalService, client: Any, caplog: Any
) -> None:
    number = subscribe(service, 10)
    stream_into("sync", service.url, number, RedisSink(f"{server.url}?stream=a"))
    assert "may forget" not in caplog.text
    client.config_set("appendfsync", "everysec")
    try:
        with caplog.at_level(logging.WARNING):
            stream_into("sync", service.url, subscribe(service, 10), RedisSink(f"{server.url}?stream=b"))
    finally:
        client.config_set("appendfsync", "always")
    assert "Redis is set to appendfsync everysec: when it dies it may forget" in caplog.text


def test_what_can_not_be_used_is_refused_in_one_line(
    server: Server, service: LocalService, client: Any, free_port: int
) -> None:
    number = subscribe(service, 10)
    client.set("taken", "by others")
    with pytest.raises(SinkError, match="the key taken of Redis is a string: name another stream"):
        stream_into("sync", service.url, number, RedisSink(f"{server.url}?stream=taken"))
    with pytest.raises(SinkUnavailableError, match="Redis can't be reached"):
        stream_into("sync", service.url, number, RedisSink(f"redis://127.0.0.1:{free_port}"))
    client.config_set("requirepass", "secret")
    try:
        with pytest.raises(SinkError, match="Redis refuses: "):
            stream_into("sync", service.url, number, RedisSink(server.url.replace("//", "//:wrong@")))
    finally:
        with redis.Redis.from_url(server.url.replace("//", "//:secret@")) as known:
            known.config_set("requirepass", "")
    with pytest.raises(EventStreamerValidationError, match="maxlen must be"):
        RedisSink(f"{server.url}?maxlen=many")


def test_a_second_writer_is_found_out(server: Server, service: LocalService, client: Any) -> None:
    def meddle(stream: Any) -> None:
        stream.on_event("Transfer")(lambda _: client.set("transfer:position", "another one's"))

    with pytest.raises(SinkError, match="another process writes into stream transfer of Redis"):
        stream_into("sync", service.url, subscribe(service, 250), RedisSink(server.url), prepare=meddle)
    assert entries(client, "transfer") == []


def test_killed_at_random_instants_the_stream_ends_as_the_chain(server: Server, client: Any) -> None:
    kill_again_and_again(
        lambda: still(entries(client, "transfer")),
        "--to", server.url,
        seed="redis",
        small_writes=server.url,
    )  # fmt: skip
