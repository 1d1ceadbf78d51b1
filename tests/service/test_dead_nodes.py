"""A service whose nodes fail: its streams hear of it within seconds, and the other chains go on."""

import json
import time

import httpx
import pytest

from event_streamer_sdk import SyncEventStreamer
from event_streamer_service import DevChain
from event_streamer_service.chains import ChainConfig
from event_streamer_service.devchain.server import DevChainServer
from support.odd_nodes import KEY, Front, failure, odd_node
from support.raw_client import RawClient, places
from support.service_process import service_process
from support.services import StartService, expected_transfers, wait_until


def node_config(front: Front) -> ChainConfig:
    """With the delays of a user who set none, but for the polls."""
    return ChainConfig(chain_id=31_337, name="Node", rpc_urls=[front.url], live_block_check_interval=0.1)


def test_a_live_stream_hears_of_its_node_within_seconds_and_in_its_words(start: StartService) -> None:
    words = f"out of coffee, see https://node.example/{KEY}"
    refusal = json.dumps({"id": None, **failure(-32000, words)}).encode()
    chain = DevChain(blocks=20)
    with odd_node(chain) as front:
        service = start(chains=[node_config(front)], heartbeat_interval=30)
        with RawClient(service.url) as client, client.stream(client.subscribe()) as stream:
            stream.events_to(19)
            front.whole = lambda _: (200, {}, refusal)
            began = time.monotonic()
            error = stream.next("error")
            assert time.monotonic() - began < 5
            assert error["recoverable"] is True
            assert "127.0.0.1" in error["error_message"]
            assert "out of coffee, see https://node.example/…" in error["error_message"]
            assert KEY not in error["error_message"]
            breaker = client.get("/api/circuit-breakers/node_rpc/metrics")
            assert "out of coffee" in breaker["last_error"]
            assert KEY not in breaker["last_error"]
            assert (
                "out of coffee"
                in client.get("/api/circuit-breakers/status")["circuit_breakers"]["node_rpc"]["last_error"]
            )


def test_a_development_node_started_anew_is_followed_by_the_client_too(start: StartService) -> None:
    old, new = DevChain(blocks=120), DevChain(seed=7, blocks=5)
    held: dict[tuple[int, int], object] = {}

    def forward(url: str, requests: list[dict[str, object]]) -> tuple[int, dict[str, str], bytes]:
        body = requests if len(requests) > 1 else requests[0]
        return 200, {}, httpx.post(url, json=body, trust_env=False).content

    with odd_node(old) as front, DevChainServer(new) as started_anew:
        service = start(chains=[node_config(front)])
        with RawClient(service.url) as raw:
            number = raw.subscribe()
        with SyncEventStreamer(service.url, subscriber_id="tests") as client:
            stream = client.create_streaming_client(subscription_id=number)

            @stream.on_event("Transfer")
            def hold(events: list[dict[str, object]]) -> None:
                for event in events:
                    held[event["block_number"], event["log_index"]] = event["block_hash"]  # type: ignore[index]

            @stream.on_reorg
            def drop(reorg: object) -> None:
                for place in [place for place in held if place[0] > reorg.common_ancestor]:  # type: ignore[attr-defined]
                    del held[place]

            stream.start_streaming()
            wait_until(lambda: held and max(held)[0] == 119)
            front.whole = lambda requests: forward(started_anew.url, requests)
            truth = expected_transfers(new, 0, 4)
            wait_until(lambda: sorted(held) == truth, seconds=20)
            new.mine(3)
            truth = expected_transfers(new, 0, 7)
            wait_until(lambda: sorted(held) == truth)
            stream.stop_streaming()


def test_a_dead_chain_keeps_no_other_from_being_served(database: str) -> None:
    chain = DevChain(1, blocks=20)
    with DevChainServer(chain) as node:
        dead = f"5=http://127.0.0.1:9/{KEY}"
        with service_process(
            "--database", database, "--port", "0", "--chain", dead, "--chain", f"1={node.url}"
        ) as service:
            with RawClient(service.url) as client:
                number = client.subscribe(chain_id=1, end_block=19)
                with client.stream(number) as stream:
                    batches = stream.batches_to_end()
                    events = [event for batch in batches for event in batch["events"]["Transfer"]]
                assert places(events) == expected_transfers(chain, 0, 19)
                with client.stream(client.subscribe(chain_id=5)) as stream:
                    error = stream.next("error")
                    assert (
                        "http://127.0.0.1:9/… can't be reached: Connection refused" in error["error_message"]
                    )
            service.end(15)
            told = [line for line in service.log if "Chain 5 can't be read" in line]
            assert len(told) == 1
            assert "Connection refused" in told[0]
            assert KEY not in "".join(service.log)


@pytest.mark.parametrize("scheme", ["http", "ws"])
@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", "ä" * 64 + ".example"])
def test_a_host_that_no_name_can_be_is_refused_in_a_sentence(scheme: str, host: str) -> None:
    with pytest.raises(ValueError, match="rpc_urls must hold full URLs"):
        ChainConfig(chain_id=1, name="x", rpc_urls=[f"{scheme}://{host}/"])
