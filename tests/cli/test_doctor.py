"""`event-streamer doctor` against services that are well, away, strange, late, or ask for another key."""

import json
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import trustme

from event_streamer_sdk import __version__
from event_streamer_sdk.cli._machine_checks import extras, missing_by_extra
from event_streamer_sdk.cli._service_checks import version_check
from event_streamer_service import DevChain, LocalService
from support.scripted_server import Reply, scripted_server

pytestmark = pytest.mark.quick

KEY = "alices-own-key"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def guarded():
    with LocalService(DevChain(blocks=5), api_keys={KEY: "alice"}) as running:
        yield running


def examined(cli, *options, code):
    """The checks by their names."""
    done = cli("doctor", "--json", *options)
    assert done.code == code, done.out + done.err
    answer = json.loads(done.out)
    assert answer["ok"] is (code == 0)
    assert all(check["advice"] for check in answer["checks"] if check["status"] == "problem")
    checks = {check["name"]: check for check in answer["checks"]}
    assert len(checks) == len(answer["checks"])
    return checks


def problems(checks):
    return [name for name, check in checks.items() if check["status"] == "problem"]


def test_where_all_is_well_it_says_so(served, service):
    checks = examined(served, code=0)
    assert problems(checks) == []
    assert checks["Health"]["found"] == "healthy"
    assert checks["Ready"]["found"] == "ready"
    assert checks["Version"]["found"] == f"service {__version__}, client {__version__}"
    assert checks["Clock"]["found"].startswith("the same as the service's")
    assert checks["Key"]["found"] == "the service asks for none"
    assert service.url in checks["Settings"]["found"]
    assert "127.0.0.1" in checks["Name"]["found"]


def test_people_get_a_line_a_check_and_what_to_do(served, closed_port):
    well = served("doctor")
    assert (well.code, well.err) == (0, "")
    assert well.out.endswith("\nNo problem was found.\n")
    away = served("doctor", "--url", f"http://127.0.0.1:{closed_port}")
    assert (away.code, away.err) == (1, "")
    assert f"problem  Connection      127.0.0.1 port {closed_port}: Connection refused\n" in away.out
    assert "event-streamer serve" in away.out
    assert away.out.endswith("\n1 problem.\n")


def test_a_service_that_is_away_is_told_by_the_first_step_that_fails(cli, closed_port):
    checks = examined(cli, "--url", f"http://127.0.0.1:{closed_port}", code=1)
    assert problems(checks) == ["Connection"]
    assert "Health" not in checks


def test_a_name_that_nobody_knows(cli):
    checks = examined(cli, "--url", "http://events.invalid:8000", code=1)
    assert problems(checks) == ["Name"]


KEYS = {
    "missing": (("--subscriber-id", "alice"), "the service asks for a key, and none is set"),
    "unknown": (
        ("--subscriber-id", "alice", "--api-key", "bobs-own-key"),
        "the service doesn't know the key",
    ),
    "of another": (
        ("--subscriber-id", "bob", "--api-key", KEY),
        "the key doesn't belong to the subscriber bob",
    ),
}


@pytest.mark.parametrize(("options", "says"), KEYS.values(), ids=KEYS)
def test_a_key_that_is_refused_says_why(cli, guarded, options, says):
    checks = examined(cli, "--url", guarded.url, *options, code=1)
    assert problems(checks) == ["Key"]
    assert checks["Key"]["found"].startswith(says)
    assert "own-key" not in str(checks)


def test_a_key_that_is_right_is_never_shown(cli, guarded):
    url = guarded.url.replace("http://", "http://me:a-password@")
    to = ("--url", url, "--subscriber-id", "alice", "--api-key", KEY)
    checks = examined(cli, *to, code=0)
    assert checks["Key"]["found"] == "accepted, for the subscriber alice"
    shown = cli("doctor", *to).out + str(checks)
    assert KEY not in shown
    assert "a-password" not in shown


def test_settings_that_are_wrong_are_a_problem_like_others(cli, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("adress = 1")
    assert problems(examined(cli, "--config", file, code=1)) == ["Settings"]
    file.write_text('url = "ftp://events.example"')
    assert problems(examined(cli, "--config", file, code=1)) == ["Settings"]


def test_the_settings_file_is_named(cli, service, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(f'url = "{service.url}"')
    assert f"settings file {file}" in examined(cli, "--config", file, code=0)["Settings"]["found"]


@pytest.fixture
def scripted():
    with scripted_server() as server:
        yield server


HEALTHY = {"status": "healthy", "timestamp": "2026-01-01T00:00:00Z"}
NO_SUBSCRIPTIONS = {"subscriptions": [], "total": 0, "page": 1, "page_size": 1}
WELL = HEALTHY | NO_SUBSCRIPTIONS
"""An answer to each of the questions."""


def dated(server, shift):
    """Answer as a service whose clock is off by some seconds."""

    def date(timestamp=None):  # when it answers, and not when the test began: the machine may pause between
        return format_datetime(datetime.now(UTC) + timedelta(seconds=shift), usegmt=True)

    def look(handler):
        handler.date_time_string = date

    server.script(Reply(json=WELL, before=look))


@pytest.mark.parametrize(("shift", "side"), [(3600, "ahead of"), (-3600, "behind"), (30, "ahead of")])
def test_clocks_that_differ_are_a_problem(cli, scripted, shift, side):
    dated(scripted, shift)
    checks = examined(cli, "--url", scripted.url, code=1)
    assert problems(checks) == ["Clock"]
    assert side in checks["Clock"]["found"]
    seconds = float(checks["Clock"]["found"].split(" is ")[1].split(" s ")[0].replace(",", ""))
    assert abs(seconds - abs(shift)) <= 10


@pytest.mark.parametrize("shift", [-4, 0, 4])
def test_clocks_that_nearly_agree_are_well(cli, scripted, shift):
    dated(scripted, shift)
    assert examined(cli, "--url", scripted.url, code=0)["Clock"]["status"] == "ok"


@pytest.mark.parametrize("reply", [Reply(404), Reply(json=[]), Reply(body=b"<html>", status=200), Reply(401)])
def test_another_server_is_told_as_one(cli, scripted, reply):
    scripted.script(reply)
    checks = examined(cli, "--url", scripted.url, code=1)
    assert problems(checks) == ["Health"]
    assert "not as the service does" in checks["Health"]["found"]
    assert "Key" not in checks


def test_a_service_that_is_not_ready_names_what_holds_it_up(cli, scripted):
    waiting = {"status": "not_ready", "checks": {"database": "ok", "chain_1": "no node answers"}}
    scripted.script(Reply(json=HEALTHY), Reply(503, json=waiting), Reply(json=WELL))
    checks = examined(cli, "--url", scripted.url, code=1)
    assert checks["Ready"]["found"] == "chain_1: no node answers"


def test_a_service_without_ready_and_version_is_older_and_no_problem(cli, scripted):
    scripted.script(Reply(json=HEALTHY), Reply(404), Reply(json=NO_SUBSCRIPTIONS), Reply(404))
    checks = examined(cli, "--url", scripted.url, code=0)
    assert checks["Ready"]["status"] == checks["Version"]["status"] == "note"
    assert checks["Key"]["status"] == "ok"


def test_certificates_that_are_not_trusted_are_told(cli, monkeypatch, tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with scripted_server(context) as server:
        server.script(Reply(json=WELL))
        checks = examined(cli, "--url", server.url, code=1)
        assert problems(checks) == ["TLS"]
        assert "SSL_CERT_FILE" in checks["TLS"]["advice"]
        trusted = tmp_path / "authority.pem"
        authority.cert_pem.write_to_path(trusted)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert "TLSv1" in examined(cli, "--url", server.url, code=0)["TLS"]["found"]


def test_a_port_without_tls_is_told(cli, service):
    checks = examined(cli, "--url", service.url.replace("http", "https"), code=1)
    assert problems(checks) == ["TLS"]
    assert "http://" in checks["TLS"]["advice"]


def test_a_proxy_is_named_without_its_password_and_checked_in_the_services_place(
    cli, closed_port, monkeypatch
):
    monkeypatch.setenv("HTTP_PROXY", f"http://me:a-password@127.0.0.1:{closed_port}")
    checks = examined(cli, "--url", "http://events.invalid", code=1)
    assert checks["Proxy"]["found"] == f"http://127.0.0.1:{closed_port}, by HTTP_PROXY"
    assert problems(checks) == ["Connection"]
    assert "NO_PROXY" in checks["Connection"]["advice"]
    assert "a-password" not in str(checks)


def test_a_variable_that_is_no_proxy_is_named(cli, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "ftp://proxy")
    checks = examined(cli, "--url", "http://events.invalid", code=1)
    assert problems(checks) == ["Proxy"]
    assert "HTTP_PROXY" in checks["Proxy"]["found"]


@pytest.mark.parametrize(
    ("service", "status", "says"),
    [
        (__version__, "ok", None),
        ("1.99.0", "ok", None),
        ("0.5.0", "problem", "bring the service up to date"),
        ("12.0.0", "problem", "bring the client up to date"),
        ("unknown", "note", None),
    ],
)
def test_versions_fit_while_their_first_numbers_are_the_same(service, status, says):
    check = version_check(service)
    assert check.status == status
    assert (check.advice or "").startswith(says or "")


def test_extras_that_are_missing_come_with_the_line_that_brings_them():
    whole, lacking = extras({"cli": [], "sql": ["psycopg"], "kafka": ["confluent-kafka"]})
    assert (whole.status, whole.found) == ("ok", "cli")
    assert lacking.status == "note"
    assert lacking.found == "kafka (confluent-kafka), sql (psycopg)"
    assert "pip install 'event-streamer-sdk[kafka,sql]>=1'" in str(lacking.advice)


def test_the_extras_are_those_of_the_package():
    missing = missing_by_extra()
    assert missing["cli"] == []
    assert {"all", "fast", "kafka", "plot", "redis", "service", "sql", "worker"} <= missing.keys()
