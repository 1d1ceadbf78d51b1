"""The commands that call a service, against a running one: what they show, and what a failure costs."""

import re

import pytest

from event_streamer_service import LocalService

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
CHAIN = 31337
CONTRACT = "0x" + "ab" * 20
NO_SUBSCRIPTIONS = "event-streamer-cli has no subscriptions; --subscriber-id names another subscriber.\n"


def create(cli, *more):
    made = cli("subscriptions", "create", TRANSFER, "--chain", CHAIN, *more, "--json")
    assert made.code == 0, made.err
    return made.json


@pytest.mark.quick
def test_a_subscription_from_making_to_deleting(served):
    made = create(served, "--address", CONTRACT, "--start-block", 5, "--end-block", 9)
    assert made["addresses"] == [CONTRACT]
    assert (made["start_block"], made["end_block"]) == (5, 9)

    listed = served("subscriptions", "list")
    assert "Transfer(address,address,uint256)" in listed.out
    assert "5 … 9" in listed.out
    assert listed.out == "".join(line.rstrip() + "\n" for line in listed.out.splitlines())

    shown = served("subscriptions", "show", made["id"])
    assert f"event {TRANSFER}" in shown.out
    assert CONTRACT in shown.out

    changed = served("subscriptions", "update", made["id"], "--end-block", 20, "--json").json
    assert (changed["start_block"], changed["end_block"]) == (5, 20)

    deleted = served("subscriptions", "delete", made["id"], "--yes")
    assert deleted.err == f"Deleted {made['id']}.\n"
    assert served("subscriptions", "list").err == NO_SUBSCRIPTIONS


@pytest.mark.quick
def test_a_subscription_selects_by_indexed_parameters(served):
    made = create(served, "--where", f"to={CONTRACT}", "--where", "to=0x" + "cd" * 20)
    assert made["topics"] == [None, None, ["0x" + "0" * 24 + each * 20 for each in ("ab", "cd")]]
    shown = served("subscriptions", "show", made["id"]).out
    assert "Only where" in shown
    assert f"to = {made['topics'][2][0]} or {made['topics'][2][1]}" in shown
    for wrong, code, said in (
        ("to", 2, "write --where NAME=VALUE"),
        ("value=3", 2, "'value' is not an indexed parameter"),
    ):
        refused = served("subscriptions", "create", TRANSFER, "--chain", CHAIN, "--where", wrong)
        assert refused.code == code
        assert said in " ".join(refused.err.split())
        assert not refused.out


def test_a_signature_without_names_is_warned_of(served):
    assert "Warning" not in served("subscriptions", "create", TRANSFER, "--chain", CHAIN).err
    made = served("subscriptions", "create", "Transfer(address,address,uint256)", "--chain", CHAIN)
    assert made.code == 0
    assert "Transfer(address, address, uint256) marks no parameter as indexed" in made.err


def test_subscriptions_come_by_pages(served):
    ids = [create(served)["id"] for _ in range(5)]
    page = served("subscriptions", "list", "--page", 2, "--page-size", 2, "--json").json
    assert [one["id"] for one in page] == ids[2:4]
    assert "2 of 5 shown" in served("subscriptions", "list", "--page-size", 2).err
    assert "Page 4 is empty" in served("subscriptions", "list", "--page", 4, "--page-size", 2).err
    everything = served("subscriptions", "list", "--all", "--page-size", 2, "--json").json
    assert [one["id"] for one in everything] == ids


def test_each_subscriber_sees_its_own(served):
    create(served, "--subscriber-id", "somebody-else")
    assert served("subscriptions", "list").err == NO_SUBSCRIPTIONS
    assert len(served("subscriptions", "list", "--subscriber-id", "somebody-else", "--json").json) == 1


def test_an_update_takes_limits_away(served):
    made = create(served, "--address", CONTRACT, "--end-block", 9)
    changed = served("subscriptions", "update", made["id"], "--live", "--all-contracts", "--json").json
    assert (changed.get("end_block"), changed["addresses"]) == (None, [])
    for both in (("--live", "--end-block", 3), ("--all-contracts", "--address", CONTRACT)):
        assert served("subscriptions", "update", made["id"], *both).code == 2


def test_an_update_without_a_change_is_a_wrong_usage(served):
    made = create(served)
    changed = served("subscriptions", "update", made["id"])
    assert changed.code == 2
    assert "nothing to change" in changed.err


@pytest.mark.quick
def test_health(served, service):
    assert served("health").code == 0
    answer = served("health", "--json").json
    assert answer["status"] == "healthy"


def test_a_bare_name_is_a_wrong_usage(cli):
    refused = cli("subscriptions", "create", "Transfer", "--chain", CHAIN)
    assert refused.code == 2
    assert "--abi" in refused.err


def test_chains_are_shown(served, service):
    assert [one["chain_id"] for one in served("chains", "list", "--json").json["chains"]] == [CHAIN]
    assert str(CHAIN) in served("chains", "list").out
    assert str(CHAIN) in served("chains", "show", CHAIN).out
    assert f"Head              {service.chain.head_number}\n" in served("chains", "show", CHAIN).out
    assert served("chains", "show", CHAIN, "--json").json["head_block"] == service.chain.head_number
    assert served("chains", "stats", "--json").json["total_chains"] == 1
    assert served("chains", "stats").code == 0


def test_a_chain_from_making_to_deactivating(served, closed_port):
    node = f"http://127.0.0.1:{closed_port}"
    made = served(
        "chains", "create", 137, "--name", "Polygon", "--rpc", node,
        "--confirmation-blocks", 7, "--set", "live_max_gap_size=500", "--json",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert served("chains", "show", 137, "--json").json["confirmation_blocks"] == 7
    changed = served("chains", "update", 137, "--name", "Polygon PoS", "--rpc", node, "--json")
    assert changed.code == 0, changed.err
    assert served("chains", "show", 137, "--json").json["name"] == "Polygon PoS"
    assert re.search(r"^Head +-$", served("chains", "show", 137).out, re.MULTILINE), "nobody answers there"
    assert served("chains", "refresh").code == 0
    asked = served("chains", "delete", 137)
    assert (asked.code, "pass --yes" in asked.err) == (2, True)
    assert served("chains", "delete", 137, "--yes").code == 0
    assert [one["chain_id"] for one in served("chains", "list", "--json").json["chains"]] == [CHAIN]


def test_an_unknown_setting_lists_the_known_ones(served):
    refused = served("chains", "create", 137, "--name", "P", "--rpc", "http://node", "--set", "speed=9")
    assert refused.code == 2
    assert "live_max_gap_size" in refused.err


def test_breakers_are_shown_and_reset(served, closed_port):
    served("chains", "create", 137, "--name", "Polygon", "--rpc", f"http://127.0.0.1:{closed_port}")
    status = served("breakers", "status", "--json").json["circuit_breakers"]
    assert status
    name = next(iter(status))
    assert name in served("breakers", "status").out
    assert served("breakers", "show", name, "--json").json["name"] == name
    assert "Success rate" in served("breakers", "show", name).out
    assert served("breakers", "config", "--json").json["failure_threshold"] >= 1
    assert served("breakers", "config").code == 0
    assert served("breakers", "health", "--json").json["total_rpcs"] >= 1
    assert served("breakers", "reset", name).code == 0
    assert served("breakers", "reset").code == 0


@pytest.mark.quick
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["subscriptions", "show", 404], "404"),
        (["subscriptions", "delete", 404, "--yes"], "404"),
        (["chains", "show", 999], "404"),
        (["breakers", "show", "nobody"], "404"),
        (["stream", 404], "404"),
        (
            ["subscriptions", "create", TRANSFER, "--chain", CHAIN, "--address", "0x12"],
            "Error: --address must",
        ),
        (["subscriptions", "create", "Transfer(adress a)", "--chain", CHAIN], "adress"),
        (
            ["subscriptions", "create", TRANSFER, "--chain", CHAIN, "--start-block", 9, "--end-block", 5],
            "--end-block 5 is before --start-block 9",
        ),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else value,
)
def test_a_refusal_costs_one_line(served, arguments, says):
    refused = served(*arguments)
    assert refused.code == (2 if TRANSFER in arguments or says == "adress" else 1), (
        "what was typed, or what was asked"
    )
    assert refused.out == ""
    assert len(refused.err.splitlines()) == 1, refused.err
    assert refused.err.startswith("Error: ")
    assert says in refused.err


def test_a_missing_and_a_wrong_key_say_where_it_is_taken_from(cli):
    with LocalService(api_keys={"alices-key": "alice"}) as service:
        to = ("--url", service.url, "--subscriber-id", "alice")
        for wrong in ((), ("--api-key", "bobs-key")):
            refused = cli("subscriptions", "list", *to, *wrong)
            assert refused.code == 1
            assert len(refused.err.splitlines()) == 1
            assert "EVENT_STREAMER_API_KEY" in refused.err
            assert "bobs-key" not in refused.err
        assert cli("subscriptions", "list", *to, "--api-key", "alices-key").code == 0


def test_a_key_of_somebody_else_names_the_option_that_says_whose_it_is(cli):
    with LocalService(api_keys={"alices-key": "alice"}) as service:
        to = ("--url", service.url, "--api-key", "alices-key")
        assert cli("subscriptions", "list", *to).code == 0, "the key tells whose they are"
        to += ("--subscriber-id", "bob")
        for command in (
            ["subscriptions", "list"],
            ["subscriptions", "create", TRANSFER, "--chain", CHAIN],
            ["chains", "refresh"],
        ):
            refused = cli(*command, *to)
            assert (refused.code, refused.out) == (1, "")
            assert len(refused.err.splitlines()) == 1
            assert "--subscriber-id" in refused.err
            assert "alices-key" not in refused.err
        assert cli("subscriptions", "list", *to[:-1], "alice").code == 0


def test_a_key_tells_whose_subscriptions_are_meant(cli, tmp_path):
    with LocalService(api_keys={"alices-key": "alice"}) as service:
        to = ("--url", service.url, "--api-key", "alices-key")
        assert "The subscriber of this key has no" in cli("subscriptions", "list", *to).err
        number = cli(
            "subscriptions", "create", TRANSFER, "--chain", CHAIN, "--end-block", 3, "-q", *to
        ).out.strip()
        assert re.search("^Subscriber +alice$", cli("subscriptions", "show", number, *to).out, re.MULTILINE)
        kept = ("--checkpoint", f"sqlite:///{tmp_path}/p.db")
        assert number in cli("worker", "status", *kept, *to).out
        checked = cli("doctor", *to)
        assert (checked.code, "for its subscriber" in checked.out) == (0, True)


def test_logs_that_can_not_be_decoded_are_told(served):
    event = "Transfer(address from, address to, uint256 value)"
    made = served("subscriptions", "create", event, "--chain", CHAIN, "--end-block", 9, "--quiet")
    number = made.out.strip()
    assert re.search("^Problem +-$", served("subscriptions", "show", number).out, re.MULTILINE)
    streamed = served("stream", number)
    assert "UNDECODABLE_LOGS" in streamed.err
    (problem,) = re.findall("^Problem +(.+)$", served("subscriptions", "show", number).out, re.MULTILINE)
    assert "topics" in problem
    assert "finished, problem" in served("subscriptions", "list").out


def test_a_quiet_create_writes_the_number_alone(served):
    made = served("subscriptions", "create", TRANSFER, "--chain", CHAIN, "-q")
    assert (made.code, made.err) == (0, "")
    assert served("subscriptions", "show", made.out.strip()).code == 0


@pytest.mark.quick
@pytest.mark.parametrize("command", [["health"], ["subscriptions", "list"], ["chains", "list"]], ids=" ".join)
def test_nobody_at_the_address_is_one_line(cli, closed_port, command):
    url = f"http://127.0.0.1:{closed_port}"
    refused = cli(*command, "--url", url)
    assert refused.code == 1
    assert len(refused.err.splitlines()) == 1
    assert url in refused.err


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://", ""])
def test_a_wrong_url_is_one_line(cli, url):
    refused = cli("health", "--url", url)
    assert refused.code == 2
    assert len(refused.err.splitlines()) == 1
    assert "http://localhost:8000" in refused.err


def test_a_web_site_is_no_service(cli, tmp_path):
    import functools
    import http.server
    import threading

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    (tmp_path / "health").write_text("<html>hello</html>")
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path)
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            refused = cli("health", "--url", f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()
    assert refused.code == 1
    assert len(refused.err.splitlines()) == 1
    assert "not JSON" in refused.err
