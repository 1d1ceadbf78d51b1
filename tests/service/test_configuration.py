"""`serve --config`, keys that come and go without a restart, and secrets that are changed."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from event_streamer_service import DevChain, LocalService
from event_streamer_service.auth import digest_of
from event_streamer_service.clock import ManualClock
from event_streamer_service.configuration import Configuration, KeySet, revealed
from event_streamer_service.errors import StartupError, WrongArgument
from event_streamer_service.reloading import Reloading
from event_streamer_service.service import Service
from event_streamer_service.settings import Settings
from event_streamer_service.store.token_secrets import rotate
from support.raw_client import RawClient, definition
from support.service_process import service_process
from support.services import wait_until

ALICE, BOB, ADMIN = "alices-key-0123456789", "bobs-key-0123456789", "admins-key-0123456789"


def sha(key: str) -> str:
    return f"sha256:{digest_of(key).hex()}"


def run(*arguments: str, stdin: str | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "event_streamer_sdk.cli", *arguments],
        capture_output=True, text=True, input=stdin, timeout=60,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.quick
def test_keys_create_prints_a_key_and_what_the_file_holds_of_it(tmp_path: Path) -> None:
    made = run("keys", "create", "my app")
    key = made.stdout.strip()
    assert len(key) >= 43
    assert key not in made.stderr
    # All of it may be appended to the file, its first line too.
    held = tomllib.loads(made.stderr)["keys"]["subscribers"]["my app"]
    assert held == [sha(key)]
    assert run("keys", "digest", stdin=key + "\n").stdout.strip() == sha(key)
    assert run("keys", "create", "my app").stdout != made.stdout
    for arguments in ((), ("x", "--admin"), ("--admin", "--metrics")):
        assert "say --admin" in run("keys", "create", *arguments, code=2).stderr
    assert "at least 16" in run("keys", "digest", stdin="short\n", code=2).stderr


def write(path: Path, keys: dict[str, str], **more: str) -> None:
    lines = [f"{name} = {json.dumps(value)}" for name, value in more.items()]
    lines += ["[keys]", f"admin = [{json.dumps(sha(ADMIN))}]", "[keys.subscribers]"]
    lines += [f"{name} = [{json.dumps(value)}]" for name, value in keys.items()]
    path.write_text("\n".join([*lines, "[limits]", "max_subscriptions = 1", ""]))


@pytest.mark.parametrize("told", ["by the file", "by SIGHUP"])
def test_keys_change_without_a_restart(tmp_path: Path, told: str) -> None:
    path = tmp_path / "service.toml"
    database = f"sqlite:///{tmp_path / 'service.db'}"
    write(path, {"alice": sha(ALICE)}, database=database, host="127.0.0.1")
    with service_process("--config", str(path), "--port", "0") as service:
        with RawClient(service.url, key=ALICE) as alice, RawClient(service.url, key=BOB) as bob:
            number = alice.subscribe(subscriber_id="alice")
            alice.post("/subscriptions", definition(start_block=1, subscriber_id="alice"), 429)
            bob.get("/subscriptions", 401)
            with alice.stream(number) as stream:
                stream.next("event_batch")
                kept = path.stat()
                write(path, {"bob": sha(BOB)}, database=database)
                if told == "by SIGHUP":
                    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
                    service.process.send_signal(signal.SIGHUP)
                wait_until(lambda: bob.http.get("/subscriptions").status_code == 200)
                alice.get("/subscriptions", 401)
                messages = list(stream.messages())
            assert messages[-1]["error_code"] == "UNAUTHORIZED"
            assert messages[-1]["recoverable"] is False
            path.write_text("[keys")
            wait_until(lambda: any("stay as they were" in line for line in service.log))
            bob.get("/subscriptions")
            path.write_text("")
            wait_until(lambda: any("No key is left" in line for line in service.log))
            bob.get("/subscriptions")
        assert service.end(signal.SIGTERM) == 0
    log = "".join(service.log)
    assert ALICE not in log
    assert digest_of(BOB).hex() not in log


@pytest.mark.parametrize("at", ["while the service starts", "while they are read"])
def test_no_change_of_keys_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    """A file may be written at any instant: what counts is how it was before it was read."""
    path = tmp_path / "service.toml"
    write(path, {"alice": sha(ALICE)})
    read = Configuration.read
    file = read(path)
    reloading = Reloading(path, KeySet(), file.files)
    service = Service(Settings(database="sqlite://", **file.keys.settings()))
    later = [{"bob": sha(BOB)}]

    def read_and_change(path: Path) -> Configuration:
        found = read(path)
        if later:
            write(path, later.pop())
        return found

    if at == "while they are read":
        monkeypatch.setattr(Configuration, "read", read_and_change)
        write(path, {"alice": sha(ALICE), "carol": sha("carols-key-0123456789")})
    else:
        write(path, later.pop())

    async def run_for_a_while() -> None:
        task = asyncio.create_task(reloading.run(service))
        until = time.monotonic() + 10
        while not service.keys.knows(digest_of(BOB)) and time.monotonic() < until:  # noqa: ASYNC110 - polls
            await asyncio.sleep(0.02)
        task.cancel()
        await service.close()

    asyncio.run(run_for_a_while())
    assert service.keys.knows(digest_of(BOB))
    assert not service.keys.knows(digest_of(ALICE))


def test_the_command_line_counts_more_than_the_file_and_secrets_come_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{ALICE}\n")
    (tmp_path / "node").write_text("http://127.0.0.1:9/a-secret")
    path = tmp_path / "service.toml"
    path.write_text(
        f"""
        database = "env:THE_DATABASE"
        port = 1
        [keys.subscribers]
        alice = "file:{tmp_path / "key"}"
        [[chains]]
        chain_id = 137
        rpc_urls = ["file:{tmp_path / "node"}"]
        live_retry_delay = 1.5
        """
    )
    environment = {
        "THE_DATABASE": f"sqlite:///{tmp_path / 'a.db'}",
        "B": BOB,
        "EVENT_STREAMER_API_KEYS": "bob=env:B",
    }
    os.environ["THE_DATABASE"] = environment["THE_DATABASE"]
    try:
        found = Configuration.read(path)
    finally:
        del os.environ["THE_DATABASE"]
    assert found.chains[0].rpc_urls == ("http://127.0.0.1:9/a-secret",)
    assert (found.chains[0].live_retry_delay, found.chains[0].name) == (1.5, "Chain 137")
    assert found.keys == KeySet(api_keys={ALICE: "alice"})
    assert ALICE not in repr(found)
    path.write_text(re.sub(r"\[\[chains.*", "", path.read_text(), flags=re.DOTALL))
    with service_process("--config", str(path), "--port", "0", **environment) as service:
        for key in (ALICE, BOB):
            with RawClient(service.url, key=key) as client:
                client.get("/subscriptions")
    assert (tmp_path / "a.db").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = 'x'", "port must be a whole number, not 'x'"),
        ("port = 70000", "Port 70000 doesn't exist"),
        ("host = 5", "host must be a string"),
        ("hosts = 'x'", "did you mean host?"),
        ("[limits]\nmax_stream = 5", "did you mean limits.max_streams?"),
        ("[limits]\nmax_streams = 0", "max_streams must be more than 0"),
        ("[limits]\nmax_streams = 'ten'", "max_streams must be a whole number, not 'ten'"),
        ("[limits]\nmax_streams = true", "max_streams must be a whole number"),
        ("[limits]\nmax_streams = 1.5", "max_streams must be a whole number"),
        ("[limits]\nhead_timeout = 'x'", "head_timeout must be a number"),
        ("[limits]\nhead_timeout = nan", "head_timeout must be more than 0"),
        ("[limits]\nclient_timeout = 'x'", "client_timeout must be a number"),
        ("[limits]\nrequests_per_second = 'x'", "requests_per_second must be a number"),
        ("[limits]\ntrusted_proxies = '127.0.0.1'", "trusted_proxies must be a list of strings"),
        ("[limits]\nallowed_hosts = [5]", "allowed_hosts must hold only strings"),
        ("[limits]\ntesting = 'yes'", "testing must be true or false"),
        ("[[chains]]\nchain_id = '1'\nrpc_urls = 'http://x'", "chain_id must be a whole number"),
        ("[keys]\nadmin = 'sha256:zz'", "64 hexadecimal digits"),
        ("[limits]\napi_keys = {}", "limits.api_keys is not known"),
        ("[keys]\nadmin = 'short'", "at least 16 characters"),
        ("[keys]\nadmin = 5", "keys.admin must be a string"),
        ("[keys]\nadmin = 'file:/no/such/file'", "can't be read"),
        ("[keys]\nadmin = 'env:NO_SUCH_VARIABLE'", "NO_SUCH_VARIABLE is not set"),
        ("[[chains]]\nchain_id = 1\nrpc_urls = ['ftp://x']", "rpc_urls"),
        ("[[chains]]\nchain_id = 1\nrpc_url = 'http://x'", "did you mean chains.rpc_urls?"),
        ("[chains]\nchain_id = 1", "[[chains]]"),
        (
            "[[chains]]\nchain_id = 1\nrpc_urls = 'http://x'\n[[chains]]\nchain_id = 1\nrpc_urls = 'http://y'",
            "twice",
        ),
        ("database = 'mysql://x'", None),
        ("x = ", "is not TOML"),
    ],
)
def test_a_file_that_can_not_be_is_refused_with_a_sentence(
    tmp_path: Path, text: str, says: str | None
) -> None:
    path = tmp_path / "service.toml"
    path.write_text(text)
    if says is None:
        done = run("serve", "--config", str(path), "--port", "0", code=2)
        assert "SQLite or PostgreSQL" in done.stderr
        return
    with pytest.raises(WrongArgument) as refused:
        Configuration.read(path)
    assert says in str(refused.value)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("key", ["sha256:", "sha256:12", "sha256:" + "g" * 64])
def test_a_digest_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(StartupError, match="64 hexadecimal digits"):
        LocalService(api_keys={key: "alice"}).start()


def test_a_digest_is_no_key(start: object) -> None:
    with LocalService(DevChain(blocks=2), api_keys={sha(ALICE): "alice"}) as service:
        for key, expected in ((ALICE, 200), (sha(ALICE), 401)):
            with RawClient(service.url, key=key) as client:
                assert client.http.get("/subscriptions").status_code == expected


def test_short_keys_are_refused_on_the_command_line_too() -> None:
    done = run("serve", "--api-key", "alice=short", "--port", "0", code=2)
    assert "at least 16 characters" in done.stderr
    assert "short" not in done.stderr.replace("`", "")


def test_what_is_no_reference_stays_as_it_is() -> None:
    for text in ("file:///x", "https://env:file@host/", "a:b", ""):
        assert revealed(text) == text


def test_the_token_secret_changes_and_old_tokens_are_good_for_a_while(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'service.db'}"
    arguments = ["--database", database, "--port", "0"]
    with service_process(*arguments) as service, RawClient(service.url) as client:
        number = client.subscribe(end_block=50)
        with client.stream(number) as stream:
            old = stream.next("event_batch")["resume_token"]
        run("keys", "rotate-tokens", "--database", database)
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: any("Keys read anew" in line for line in service.log))
        with client.stream(number, old) as stream:
            stream.batches_to_end()
        new = client.post("/subscriptions", definition(end_block=50), 201)["id"]
        with client.stream(new) as stream:
            assert stream.next("event_batch")["resume_token"].rsplit(".")[1] != old.rsplit(".")[1]
        run("keys", "rotate-tokens", "--database", database, "--keep", "0")
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: sum("Keys read anew" in line for line in service.log) == 2)
        refused = client.http.get(f"/subscriptions/{number}/stream", params={"resume_token": old})
        assert refused.status_code == 410
        service.end(signal.SIGTERM)
    with LocalService(DevChain(), database=database) as again, RawClient(again.url) as client:
        assert (
            client.http.get(f"/subscriptions/{number}/stream", params={"resume_token": old}).status_code
            == 410
        )


def test_what_only_looks_or_rotates_makes_no_database(tmp_path: Path) -> None:
    """After a leak, a typo in the database's name must not look as if tokens had been revoked."""
    missing, others = tmp_path / "nothere.db", tmp_path / "others.db"
    with sqlite3.connect(others) as other:
        other.execute("CREATE TABLE notes (text)")
    other.close()
    rotate_tokens = ("keys", "rotate-tokens", "--database")
    assert f"There is no database {missing}" in run(*rotate_tokens, f"sqlite:///{missing}", code=1).stderr
    assert "No service has used" in run(*rotate_tokens, f"sqlite:///{others}", code=1).stderr
    assert "can't be read" in run(*rotate_tokens, "foo", code=2).stderr
    run("replicas", "--database", f"sqlite:///{missing}", code=2)
    run("serve", "--replicas", "--database", f"sqlite:///{missing}", "--port", "0", code=2)
    assert not missing.exists()
    with sqlite3.connect(others) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]
    other.close()


def test_secrets_that_are_too_old_are_forgotten(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from event_streamer_service.store import token_secrets
    from event_streamer_service.store.database import Database

    clock = ManualClock()
    monkeypatch.setattr(token_secrets.time, "time", clock.time)
    held = Database(sqlite_database)
    first = held.run_now(token_secrets.token_secrets)
    held.run_now(lambda c: rotate(c, keep=60))
    held.run_now(lambda c: rotate(c, keep=60))
    assert len(held.run_now(token_secrets.token_secrets)) == 3
    clock.advance(61)
    assert len(held.run_now(token_secrets.token_secrets)) == 1
    assert first[0] not in held.run_now(token_secrets.token_secrets)
    held.close()
