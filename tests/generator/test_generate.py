"""From openapi.yaml to a method of both clients: drift, sameness, and a change of the spec in a copy."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, str(ROOT / "generator" / "generate.py")]

MODEL = """\
    Tag:
      type: object
      description: A label of a subscription.
      required: [name]
      properties:
        name:
          type: string
          pattern: "^[a-z]+$"
          description: The label itself.
        colour:
          type: string
          default: grey
          description: How it is shown.
        weight:
          type: [integer, "null"]
          minimum: 1
          maximum: 9
          description: How much it counts.
        labels:
          type: object
          additionalProperties: {type: array, items: {$ref: "#/components/schemas/Tag"}}
          description: Labels of the label, by kind.

"""
CALL = """\
  /subscriptions/{subscription_id}/tags:
    parameters:
      - $ref: "#/components/parameters/SubscriptionId"
    post:
      operationId: tag_subscription
      tags: [subscriptions]
      summary: Put a label on a subscription.
      description: A label of the same name is replaced.
      parameters:
        - name: dry_run
          in: query
          description: Whether nothing is to be changed.
          schema: {type: boolean, default: false}
      requestBody:
        required: true
        x-argument: tag
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Tag"}
      responses:
        "200":
          description: The label as it is now.
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Tag"}
        default: {$ref: "#/components/responses/Error"}

"""
FIELD = """\
        shard:
          type: [integer, "null"]
          minimum: 0
          description: Which worker reads the chain.
"""

USER = """\
import asyncio, inspect, json
from event_streamer_api.models import SubscriptionResponse, Tag
from event_streamer_sdk import EventStreamer, SyncEventStreamer
from support.scripted_server import Reply, scripted_server

tag = Tag(name="hot", labels={"near": [Tag(name="warm", weight=3)]})
assert tag.colour == "grey" and tag.weight is None
for wrong in ({"name": "HOT"}, {"name": "hot", "weight": 10}, {"name": "hot", "colour": 5}):
    try:
        Tag(**wrong)
    except ValueError as error:
        assert "Tag." in str(error), error
    else:
        raise SystemExit(f"{wrong} was taken")
assert Tag.from_dict(tag.to_dict()) == tag
assert "shard: Which worker reads the chain." in SubscriptionResponse.__doc__

with scripted_server() as server:
    server.script(Reply(200, {"name": "hot", "more": 1}))
    with SyncEventStreamer(server.url, "me") as client:
        assert client.tag_subscription(7, tag, dry_run=True)["more"] == 1

    async def main():
        async with EventStreamer(server.url, "me") as client:
            assert (await client.tag_subscription(7, tag)).name == "hot"

    asyncio.run(main())
    first, second = server.requests
    assert (first.method, first.path, first.query) == ("POST", "/subscriptions/7/tags", {"dry_run": "true"})
    assert first.json == tag.to_dict() and second.query == {"dry_run": "false"}

for client in (EventStreamer, SyncEventStreamer):
    doc = inspect.getdoc(client.tag_subscription)
    assert doc.startswith("Put a label on a subscription.\\n\\nA label of the same name is replaced."), doc
    assert "dry_run: Whether nothing is to be changed. Default False." in doc, doc
    assert str(inspect.signature(client.tag_subscription)).replace("'", "") == (
        "(self, subscription_id: int, tag: Tag, dry_run: bool = False, "
        "**options: Unpack[CallOptions]) -> Tag"
    )
"""

TYPED = """\
from event_streamer_api.models import Tag
from event_streamer_sdk import EventStreamer, SyncEventStreamer

def blocking(client: SyncEventStreamer) -> Tag:
    return client.tag_subscription(7, Tag(name="hot", weight=3))

async def asynchronous(client: EventStreamer) -> int | None:
    return (await client.tag_subscription(7, Tag(name="hot"), dry_run=True)).weight

def wrong(client: SyncEventStreamer) -> str:
    client.tag_subscription("7", Tag(name=5))
    return client.tag_subscription(7, Tag(name="hot"))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A project of its own: the spec, the generator, the SDK; nothing of it is shared with the real one."""
    for folder in ("generator", "generated", "sdk"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("openapi.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def generate(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    # No PATH at all: every tool has to be found beside the interpreter.
    return subprocess.run(
        [*COMMAND, "--root", str(root), *options],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/bin"},
    )


def change(root: Path, *, before: str, put: str) -> None:
    spec = root / "openapi.yaml"
    text = spec.read_text(encoding="utf-8")
    assert text.count(before) == 1
    spec.write_text(text.replace(before, put + before), encoding="utf-8")


def contents(root: Path) -> dict[str, bytes]:
    package = root / "generated" / "event_streamer_api"
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(package)): path.read_bytes() for path in files}


@pytest.mark.quick
def test_what_is_committed_is_what_the_spec_gives() -> None:
    done = subprocess.run([*COMMAND, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_run_gives_the_same_bytes(copy: Path) -> None:
    before = contents(copy)
    assert generate(copy).returncode == 0
    assert contents(copy) == before == contents(ROOT)


def test_what_the_spec_no_longer_asks_for_is_removed(copy: Path) -> None:
    stale = copy / "generated" / "event_streamer_api" / "models" / "stale.py"
    stale.write_text("")
    checked = generate(copy, "--check")
    assert checked.returncode == 1
    assert "models/stale.py: openapi.yaml does not give this file" in checked.stderr
    assert generate(copy).returncode == 0
    assert not stale.exists()
    assert {path.name for path in stale.parents[2].iterdir()} == {"event_streamer_api"}


def test_a_change_of_the_spec_fails_the_check_until_it_is_generated(copy: Path) -> None:
    change(copy, before="        events_delivered:\n", put=FIELD)
    checked = generate(copy, "--check")
    assert checked.returncode == 1
    assert "generated/event_streamer_api/models/subscription_response.py: differs" in checked.stderr
    assert "make generate" in checked.stderr
    assert generate(copy).returncode == 0
    assert generate(copy, "--check").returncode == 0


def test_a_new_field_model_and_call_become_methods_of_both_clients(copy: Path) -> None:
    change(copy, before="        events_delivered:\n", put=FIELD)
    change(copy, before="    SubscriptionUpdate:\n      type: object\n", put=MODEL)
    change(copy, before="  /subscriptions/{subscription_id}/stream:\n", put=CALL)
    handwritten = {path: path.read_bytes() for path in (copy / "sdk").rglob("*.py")}
    done = generate(copy)
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in (copy / "sdk").rglob("*.py")} == handwritten

    paths = [str(copy / "generated"), str(copy / "sdk"), str(ROOT / "tests")]
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}\n{USER}"],
        capture_output=True, text=True, check=False, cwd=copy,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr

    (copy / "user.py").write_text(TYPED)
    typed = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "user.py", "generated"],
        capture_output=True,
        text=True,
        check=False,
        cwd=copy,
        env={"MYPYPATH": "generated:sdk", "PATH": "/bin"},
    )
    found = re.findall(r"^user\.py:(\d+): error: .*\[(\S+)\]$", typed.stdout, re.MULTILINE)
    assert found == [("11", "arg-type"), ("11", "arg-type"), ("12", "return-value")], typed.stdout
    assert "generated/" not in typed.stdout


def test_a_wrong_document_changes_nothing(copy: Path) -> None:
    earlier = contents(copy)
    change(
        copy,
        before="        events_delivered:\n",
        put="        odd: {$ref: '#/components/schemas/Nothing'}\n",
    )
    done = generate(copy)
    assert done.returncode == 1
    place = "openapi.yaml#/components/schemas/SubscriptionResponse/properties/odd"
    assert done.stderr == f"{place}: $ref '#/components/schemas/Nothing' leads nowhere\n"
    assert contents(copy) == earlier
