"""The settings file of the command line: what counts when, and what is wrong with a file, in one sentence."""

import json
from pathlib import Path

import pytest

from event_streamer_service import DevChain, LocalService

pytestmark = pytest.mark.quick


@pytest.fixture
def settings(tmp_path):
    """Write the settings file, in the usual place unless another is named."""

    def write(text: str, *, to: str = "settings/event-streamer/config.toml", mode: int = 0o600) -> Path:
        path = tmp_path / to
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


@pytest.fixture(scope="module")
def guarded():
    keys = {"alices-own-key": "alice", "bobs-own-key": "bob", "carols-own-key": "carol"}
    with LocalService(DevChain(blocks=5), api_keys=keys) as running:
        yield running


def who_asks(cli, *options):
    """The subscriber whom the service knows by what the command sent."""
    event = "Paid(address indexed by)"
    made = cli("subscriptions", "create", event, "--chain", 31337, "--end-block", 3, "--json", *options)
    assert made.code == 0, made.err
    return json.loads(made.out)["subscriber_id"]


def told(url, who):
    return f'url = "{url}"\nsubscriber_id = "{who}"\napi_key = "{who}s-own-key"\n'


def test_a_file_in_the_usual_place_is_read(cli, guarded, settings):
    settings(told(guarded.url, "alice"))
    assert who_asks(cli) == "alice"


def test_options_win_over_the_environment_and_both_over_the_file(cli, guarded, settings, monkeypatch):
    settings(told("http://127.0.0.1:9", "alice"))
    monkeypatch.setenv("EVENT_STREAMER_URL", guarded.url)
    assert who_asks(cli) == "alice"
    monkeypatch.setenv("EVENT_STREAMER_SUBSCRIBER_ID", "bob")
    monkeypatch.setenv("EVENT_STREAMER_API_KEY", "bobs-own-key")
    assert who_asks(cli) == "bob"
    assert who_asks(cli, "--subscriber-id", "carol", "--api-key", "carols-own-key") == "carol"


def test_the_variable_names_another_file_and_the_option_wins_over_it(cli, guarded, settings, monkeypatch):
    settings("not = TOML")
    bobs = settings(told(guarded.url, "bob"), to="bob.toml")
    carols = settings(told(guarded.url, "carol"), to="carol.toml")
    monkeypatch.setenv("EVENT_STREAMER_CONFIG", str(bobs))
    assert who_asks(cli) == "bob"
    assert who_asks(cli, "--config", carols) == "carol"


def test_without_a_file_the_defaults_hold(cli):
    shown = cli("health", "--help").out
    assert "http://localhost:8000" in shown
    assert "event-streamer-cli" in shown


KEY = 'api_key = "a-secret-key"\n'
WRONG = {
    "unknown name": (KEY + 'adress = "x"', "has 'adress': it knows url, subscriber_id, api_key"),
    "table": (KEY + "[service]\nurl = 1", "has 'service': it knows url, subscriber_id, api_key"),
    "wrong type": (KEY + "url = 8000", "url in the settings file"),
    "key of a wrong type": ("api_key = 12345678", "api_key in the settings file"),
    "empty": ('url = " "', "url in the settings file"),
    "no TOML": (KEY + "url: http://localhost", "is not TOML"),
    "half a string": ('api_key = "a-secret-key', "is not TOML"),
    "twice": (KEY + KEY, "is not TOML"),
}


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_file_is_one_sentence_without_the_key(cli, settings, text, says):
    path = settings(text)
    refused = cli("health")
    assert (refused.code, refused.out) == (2, "")
    assert len(refused.err.splitlines()) == 1
    assert says in refused.err
    assert str(path) in refused.err
    assert "secret" not in refused.err
    assert "12345678" not in refused.err


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(cli, guarded, settings, mode):
    path = settings(told(guarded.url, "alice"), mode=mode)
    refused = cli("subscriptions", "list")
    assert refused.code == 2
    assert f"chmod 600 {path}" in refused.err
    assert "alices-own-key" not in refused.err
    path.chmod(0o600)
    assert cli("subscriptions", "list").code == 0


def test_a_file_without_a_key_may_be_read_by_anybody(cli, guarded, settings):
    settings(f'url = "{guarded.url}"', mode=0o644)
    assert cli("health").code == 0


def test_files_that_cannot_be_read_are_named(cli, settings, tmp_path):
    latin = settings("", to="latin.toml")
    latin.write_bytes(b'subscriber_id = "\xe9"')
    for path, says in {
        tmp_path / "missing.toml": "doesn't exist",
        tmp_path: "can't be read: Is a directory",
        latin: "is not UTF-8",
    }.items():
        refused = cli("health", "--config", path)
        assert refused.code == 2
        assert refused.err == f"Error: the settings file {path} {says}\n"


def test_commands_that_call_no_service_need_no_good_file(cli, settings):
    settings("not TOML")
    assert cli("abi", "topic0", "Paid(address indexed by)").code == 0
    assert cli("health", "--help").code == 0
