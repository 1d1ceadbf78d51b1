"""The service's logs: whatever a request or a node sent, one record is one line, and no terminal obeys it."""

import json
import logging

import pytest

from event_streamer_service.logs import JsonFormatter, TextFormatter
from support.hostile import HOSTILE, obeyed

pytestmark = pytest.mark.quick


def record(message: str = "Request", problem: Exception | None = None, **fields: object) -> logging.LogRecord:
    info = None if problem is None else (type(problem), problem, None)
    made = logging.LogRecord("event_streamer_service", logging.INFO, __file__, 1, message, (), info)
    made.fields = fields
    return made


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_obeyed_or_begins_a_line(text: str) -> None:
    line = TextFormatter().format(record(text, path=text))
    assert obeyed(line) == []
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_a_json_line_holds_the_text_whole(text: str) -> None:
    line = JsonFormatter().format(record("Request", path=text))
    assert obeyed(line) == []
    assert json.loads(line)["path"] == text


def test_a_traceback_is_set_in_so_that_its_text_forges_no_record() -> None:
    forged = "bad\n2026-01-01T00:00:00.000Z INFO    Granted admin\x1b[2J"
    first, *rest = TextFormatter().format(record(problem=ValueError(forged))).split("\n")
    assert first.endswith("Request")
    assert any("Granted" in line for line in rest)
    assert all(line.startswith("  ") for line in rest)
    assert obeyed("".join(rest)) == []


def test_a_value_with_blanks_is_one_field() -> None:
    line = TextFormatter().format(record(path='/a status=200 "x"', count=3, plain="/b"))
    assert line.endswith(r'Request path="/a status=200 \"x\"" count=3 plain=/b')
