"""What a chain, a service or a node says is shown and not obeyed: on both standard streams, and in JSON."""

import json

import pytest

from event_streamer_sdk.abi import EventDecoder, encode_log, extract_abi_event
from event_streamer_service import DevChain, LocalService
from support.hostile import HOSTILE, obeyed
from support.scripted_server import Reply, scripted_server

NOTE = "Note(string text, bytes32 indexed by)"
BAD = "".join(HOSTILE)


def check(result):
    assert obeyed(result.out) == []
    assert obeyed(result.err) == []


@pytest.fixture
def noted(cli, monkeypatch):
    """The command line, and a subscription to an event whose text is hostile, on a service of its own."""
    event = extract_abi_event([NOTE], "Note")
    topics, data = encode_log(event, {"text": BAD, "by": b"\1" * 32})
    assert EventDecoder(event).decode(topics, data)["text"] == BAD
    chain = DevChain(blocks=1, logs_per_block=0)
    chain.emit("0x" + "ab" * 20, topics, data, mine=True)
    with LocalService(chain) as service:
        monkeypatch.setenv("EVENT_STREAMER_URL", service.url)
        made = cli("subscriptions", "create", NOTE, "--chain", 31337, "--end-block", 1, "--quiet")
        assert made.code == 0, made.err
        yield cli, int(made.out)


def test_a_text_of_an_event(noted):
    cli, number = noted
    pretty = cli("stream", number, "--pretty", "--no-ack")
    check(pretty)
    assert len(pretty.out.splitlines()) == 1
    assert r"\x1b]0;title\x07" in pretty.out
    lines = cli("stream", number)
    check(lines)
    (line,) = lines.out.splitlines()
    assert json.loads(line)["values"]["text"] == BAD


@pytest.mark.parametrize("by", [("--json",), ()], ids=["json", "people"])
def test_a_text_of_a_log_that_is_decoded(cli, by):
    topics, data = encode_log(extract_abi_event([NOTE], "Note"), {"text": BAD, "by": b"\1" * 32})
    decoded = cli("abi", "decode", NOTE, "-t", topics[0], "-t", topics[1], "--data", data, *by)
    assert decoded.code == 0, decoded.err
    check(decoded)
    if by:
        assert decoded.json["values"]["text"] == BAD


ANSWERS = {
    ("health",): {"status": BAD},
    ("chains", "list"): {"chains": [{"chain_id": 1, "name": BAD, "rpc_urls": [BAD], "status": BAD}]},
    ("chains", "show", "1"): {"chain_id": 1, "name": BAD, "status": BAD, "rpc_urls": [BAD]},
    ("chains", "refresh"): {"chain_id": 0, "message": BAD},
    ("breakers", "status"): {"circuit_breakers": {BAD: {"state": BAD, "failure_count": 0}}},
    ("breakers", "health"): {"healthy_rpcs": 1, "total_rpcs": 1, "unhealthy_chains": [1]},
    ("breakers", "reset"): {"message": BAD, "reset_count": 1},
}


@pytest.mark.parametrize("command", ANSWERS, ids=" ".join)
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "json"])
def test_an_answer_of_a_service(cli, command, form):
    with scripted_server() as server:
        server.script(Reply(json=ANSWERS[command]))
        shown = cli(*command, *form, "--url", server.url)
    assert shown.out or shown.err
    assert "Error" not in shown.err
    check(shown)
    if form:
        assert shown.json.items() >= ANSWERS[command].items()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_a_refusal_of_a_service(cli, status):
    body = {"title": BAD, "detail": BAD, "code": BAD, "status": status}
    with scripted_server() as server:
        server.script(Reply(status, json=body))
        shown = cli("subscriptions", "list", "--url", server.url)
    assert shown.code == 1
    check(shown)
    assert len(shown.err.splitlines()) == 1
    assert shown.err.startswith("Error: ")


def test_what_a_stream_reports(cli, served, service):
    number = served(
        "subscriptions", "create", NOTE, "--chain", 31337, "--end-block", 1, "--quiet"
    ).out.strip()
    shown = served("stream", number, "--resume-token", "rt_" + BAD.replace("\x00", ""))
    assert shown.code == 1
    check(shown)


def test_a_name_in_an_abi(cli, tmp_path):
    file = tmp_path / "bad.json"
    file.write_text(json.dumps([{"type": "event", "name": BAD, "inputs": [{"name": BAD, "type": BAD}]}]))
    for command in ("events", "human-readable", "codegen"):
        check(cli("abi", command, file))
    check(cli("abi", "topic0", BAD, "--abi", file))


def test_internal_types_in_an_abi(cli, tmp_path):
    """Free text that compilers write beside a type; `codegen` may use it for names and docstrings."""
    inputs = [{"name": "p", "type": "tuple", "internalType": f"struct {BAD}", "components": [
        {"name": "a", "type": "uint256", "internalType": BAD}]}]  # fmt: skip
    file = tmp_path / "bad.json"
    file.write_text(json.dumps([{"type": "event", "name": "E", "inputs": inputs}]))
    for command in ("events", "human-readable", "codegen"):
        shown = cli("abi", command, file)
        check(shown)


def test_a_file_whose_name_is_hostile(cli, tmp_path):
    shown = cli("abi", "events", f"no\x1b]0;such\x07{tmp_path.name}\n.json")
    assert shown.code == 2
    check(shown)
    assert len(shown.err.splitlines()) == 1
