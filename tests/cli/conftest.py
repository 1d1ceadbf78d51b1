"""The command line, run in this process against a service of the tests' own."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk.cli._app import run
from event_streamer_service import LocalService
from support.ports import refusing_port


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Result]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    for name in ("URL", "SUBSCRIBER_ID", "API_KEY", "CONFIG"):
        monkeypatch.delenv(f"EVENT_STREAMER_{name}", raising=False)
    monkeypatch.setenv(
        "XDG_CONFIG_HOME", str(tmp_path / "settings")
    )  # and not those of whoever runs the tests

    def call(*arguments: object) -> Result:
        code = run([str(argument) for argument in arguments])
        written = capsys.readouterr()
        return Result(code, written.out, written.err)

    return call


@pytest.fixture
def service() -> Iterator[LocalService]:
    with LocalService() as running:
        yield running


@pytest.fixture
def served(cli: Cli, service: LocalService, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line with the address of a running service in its environment."""
    monkeypatch.setenv("EVENT_STREAMER_URL", service.url)
    return cli


@pytest.fixture
def closed_port() -> Iterator[int]:
    with refusing_port() as port:
        yield port
