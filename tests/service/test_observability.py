"""Figures and logs: they tell what happened, and never a secret."""

import json
import logging
import re

import pytest

from event_streamer_service import DevChain
from event_streamer_service.logs import JsonFormatter, TextFormatter, configure, fields
from support.raw_client import RawClient
from support.service_process import service_process
from support.services import StartService, wait_until


def figures(client: RawClient) -> dict[str, float]:
    text = client.http.get("/metrics").text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_figures_count_what_happened(start: StartService, chain: DevChain) -> None:
    service = start(chain, max_batch_events=100)
    label = '{chain_id="31337"}'
    with RawClient(service.url) as client:
        number = client.subscribe()
        with client.stream(number) as stream:
            batches = stream.batches_to(199)
            stream.acknowledge(*batches[:3])
            chain.reorg(1)
            stream.next("reorg")
            now = figures(client)
            assert now["event_streamer_streams" + label] == 1
            streamed = f'{{chain_id="31337",subscription_id="{number}"}}'
            done = client.subscription(number)["last_processed_block"]
            assert now["event_streamer_last_processed_block" + streamed] == done
            assert now["event_streamer_blocks_behind" + streamed] == 199 - done
        client.get("/subscriptions/77", 404)
        wait_until(lambda: figures(client)["event_streamer_streams" + label] == 0)
        now = figures(client)
        assert "event_streamer_blocks_behind" + streamed not in now, "nobody streams it any more"
    assert now["event_streamer_batches_total" + label] >= len(batches)
    assert now["event_streamer_events_total" + label] >= sum(b["batch_size"] for b in batches)
    assert now["event_streamer_acknowledged_batches_total" + label] == 3
    assert now["event_streamer_reorg_messages_total" + label] == 1
    assert now["event_streamer_head_block" + label] == 199
    assert now["event_streamer_subscriptions"] == 1
    assert now['event_streamer_streams_closed_total{reason="client_gone"}'] == 1
    assert now['event_streamer_circuit_breaker_state{chain_id="31337",name="development_rpc"}'] == 0
    route = 'method="GET",route="/subscriptions/{subscription_id}",status="404"'
    assert now[f"event_streamer_requests_total{{{route}}}"] == 1
    assert now["event_streamer_stream_bytes_total" + label] > 10_000


def test_logs_hold_no_secret(tmp_path: object) -> None:
    arguments = ("--database", "sqlite://", "--port", "0", "--log-level", "debug", "--testing")
    with service_process(*arguments, EVENT_STREAMER_API_KEYS="alice=a-very-long-secret") as service:
        with RawClient(service.url, key="a-very-long-secret") as client:
            number = client.subscribe(subscriber_id="alice")
            with client.stream(number) as stream:
                token = stream.next("event_batch")["resume_token"]
            with client.stream(number, token, **{"x-client-metadata": '{"version":"1.0.0"}'}):
                pass
            client.get(f"/subscriptions/{number}/stream", 410, params={"resume_token": token + "x"})
            client.call("POST", "/subscriptions", 422, json={"topic0": token})
            client.get("/subscriptions", 401, headers={"x-api-key": "wrong-secret"})
        service.end(15)
    log = "".join(service.log)
    assert len(service.log) > 8
    for line in service.log:
        json.loads(line)
    assert not re.search(r"rt_|secret", log)
    requests = [json.loads(line) for line in service.log if '"Request"' in line]
    assert {"method", "path", "status", "milliseconds", "request_id", "subscriber"} <= requests[0].keys()
    assert requests[0]["subscriber"] == "alice"
    opened = [json.loads(line) for line in service.log if '"Stream opened"' in line]
    assert [line["client"] for line in opened] == [None, {"version": "1.0.0"}]


def test_both_forms_of_a_line() -> None:
    record = logging.LogRecord(
        "event_streamer_service.x", logging.INFO, __file__, 1, "Hello %s", ("you",), None
    )
    record.__dict__.update(fields(block=7))
    line = json.loads(JsonFormatter().format(record))
    assert (line["message"], line["level"], line["block"]) == ("Hello you", "info", 7)
    assert TextFormatter().format(record).endswith("INFO    Hello you block=7")
    try:
        raise ValueError("bad")
    except ValueError as problem:
        record.exc_info = (ValueError, problem, problem.__traceback__)
    assert "ValueError: bad" in json.loads(JsonFormatter().format(record))["exception"]
    assert "ValueError: bad" in TextFormatter().format(record)


@pytest.mark.parametrize("form", ["json", "text"])
def test_logs_go_to_standard_error(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("event_streamer_service")
    before = (logger.handlers[:], logger.propagate, logger.level)
    try:
        configure("warning", form=form)
        logging.getLogger("event_streamer_service.x").warning("Hello", extra=fields(block=7))
        logging.getLogger("event_streamer_service.x").info("not this")
    finally:
        logger.handlers[:], logger.propagate = before[:2]
        logger.setLevel(before[2])
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "Hello" in err
