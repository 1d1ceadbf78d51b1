"""deploy/ for containers: its files name what exists, and what they start works together."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
import yaml

from event_streamer_sdk.cli._app import app
from support.ports import own_port
from support.service_process import service_process

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
COMPOSE_FILES = ["compose.yaml", "workers.compose.yaml"]
SECRETS = "/run/secrets/"


def loaded(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text("utf-8"))
    return content


STACK = loaded("compose.yaml")["services"]
WORKER = loaded("workers.kubernetes.yaml")["spec"]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    """All containers of the Compose files, with where they are."""
    for name in COMPOSE_FILES:
        for service, container in loaded(name)["services"].items():
            yield f"{name}: {service}", container


def after(word: str) -> list[str]:
    """The rest of those of the Dockerfile's lines that hold a word at their beginning."""
    lines = [line.strip() for line in DOCKERFILE]
    return [line.removeprefix(f"{word} ") for line in lines if line.startswith(f"{word} ")]


def is_ours(program: str) -> bool:
    return Path(program).name == "event-streamer"


def command_lines() -> dict[str, list[str]]:
    """Every command line of ours in deploy/, by its place."""
    found: dict[str, list[str]] = {}
    for place, container in containers():
        found[place] = container.get("command", [])
        found[f"{place}, health"] = container["healthcheck"]["test"][1:] if "healthcheck" in container else []
    found["Kubernetes"] = WORKER["template"]["spec"]["containers"][0]["command"]
    unit = (DEPLOY / "event-streamer.service").read_text("utf-8")
    found["systemd"] = shlex.split(re.findall(r"^ExecStart=(.+)$", unit, flags=re.MULTILINE)[0])
    found["Dockerfile"] = json.loads(after("CMD")[-1])
    found["Dockerfile, health"] = json.loads(after("HEALTHCHECK")[0].partition("CMD ")[2])
    return {place: words for place, words in found.items() if words[:1] and is_ours(words[0])}


COMMAND_LINES = command_lines()


def variables() -> dict[str, tuple[str, set[str]]]:
    """The variables that containers of ours get, with the command that gets them."""
    found = {
        place: (container["command"][1], set(container.get("environment", {})))
        for place, container in containers()
        if place in COMMAND_LINES
    }
    worker = WORKER["template"]["spec"]["containers"][0]
    return found | {"Kubernetes": (worker["command"][1], {variable["name"] for variable in worker["env"]})}


def subcommand(name: str) -> Any:
    group: Any = typer.main.get_command(app)
    with group.make_context("event-streamer", [name], resilient_parsing=True) as context:
        return group.get_command(context, name)


def mounts(service: str) -> dict[str, Path]:
    """Where in a container of the stack which file or folder of deploy/ lies."""
    volumes = [volume.split(":") for volume in STACK[service]["volumes"]]
    return {inside: DEPLOY / outside for outside, inside, *_ in volumes if outside.startswith("./")}


def secrets_of(service: str) -> set[str]:
    return {SECRETS + name for name in STACK[service].get("secrets", [])}


@pytest.mark.quick
def test_all_kinds_of_files_have_command_lines_of_ours() -> None:
    assert COMMAND_LINES.keys() == {
        "compose.yaml: streamer", "compose.yaml: streamer, health", "workers.compose.yaml: worker",
        "Kubernetes", "systemd", "Dockerfile", "Dockerfile, health",
    }  # fmt: skip


@pytest.mark.quick
@pytest.mark.parametrize("place", COMMAND_LINES)
def test_the_command_takes_what_it_is_given(place: str) -> None:
    _, name, *arguments = COMMAND_LINES[place]
    with subcommand(name).make_context(name, arguments) as context:
        assert context.args == []


@pytest.mark.quick
@pytest.mark.parametrize("place", variables())
def test_the_command_reads_the_variables_that_it_is_given(place: str) -> None:
    command, given = variables()[place]
    assert given <= {option.envvar for option in subcommand(command).params if option.envvar}


@pytest.mark.quick
@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_compose_files_are_as_the_compose_specification_says(name: str) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.quick
@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_what_compose_files_name_is_there(name: str) -> None:
    content = loaded(name)
    mounted: set[str] = set()
    used: set[str] = set()
    for container in content["services"].values():
        mounted |= {volume.split(":")[0] for volume in container.get("volumes", [])}
        used |= set(container.get("secrets", []))
        assert set(container.get("depends_on", {})) <= content["services"].keys()
        for needed in container.get("depends_on", {}):
            assert "healthcheck" in content["services"][needed], "it would wait for ever"
        if "build" in container:
            context = DEPLOY / container["build"]["context"]
            assert (context / container["build"]["dockerfile"]).is_file()
    assert {volume for volume in mounted if not volume.startswith("./")} == content["volumes"].keys()
    assert all((DEPLOY / path).exists() for path in mounted if path.startswith("./"))
    assert used == content.get("secrets", {}).keys()


@pytest.mark.quick
def test_images_have_a_version_to_the_patch_or_minor() -> None:
    images = [container["image"] for _, container in containers() if not container["image"].startswith("$")]
    assert len(images) == 5
    for image in [*images, *(line.split()[0] for line in after("FROM"))]:
        assert re.search(r":v?\d+\.\d+", image), image
    assert STACK["streamer"]["image"].split(":")[1] == PROJECT["project"]["version"]
    assert len({line.split()[0] for line in after("FROM")}) == 1, "a wheel for another Python"


@pytest.mark.quick
def test_every_container_of_the_stack_has_a_health_check_and_no_password_of_its_own() -> None:
    for container in STACK.values():
        assert "healthcheck" in container
        for name, value in container.get("environment", {}).items():
            assert "PASSWORD" not in name or value.startswith(SECRETS)
        for port in container.get("ports", []):
            assert port.startswith("127.0.0.1:")


@pytest.mark.quick
def test_files_that_configurations_name_are_in_their_container() -> None:
    text = (DEPLOY / "compose/service.toml").read_text("utf-8")
    assert set(re.findall(r'"file:([^"]+)"', text)) == secrets_of("streamer")

    prometheus = loaded("compose/prometheus.yml")
    assert set(prometheus["rule_files"]) <= mounts("prometheus").keys()
    (scrape,) = prometheus["scrape_configs"]
    assert scrape["authorization"]["credentials_file"] in secrets_of("prometheus")
    assert STACK["prometheus"]["command"][0].partition("=")[2] in mounts("prometheus")

    for service, container in STACK.items():
        named = {value for value in container.get("environment", {}).values() if value.startswith("/")}
        assert named <= secrets_of(service)


@pytest.mark.quick
def test_services_look_for_each_other_where_they_are() -> None:
    configuration = tomllib.loads((DEPLOY / "compose/service.toml").read_text("utf-8"))
    (scrape,) = loaded("compose/prometheus.yml")["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": [f"streamer:{configuration['port']}"]}]
    assert scrape["metrics_path"] == "/metrics"
    rules = (DEPLOY / "prometheus/event-streamer.rules.yml").read_text("utf-8")
    assert set(re.findall(r'job="([^"]+)"', rules)) == {scrape["job_name"]}
    assert f"127.0.0.1:{configuration['port']}:{configuration['port']}" in STACK["streamer"]["ports"]


@pytest.mark.quick
def test_grafana_is_given_the_dashboard_and_the_data_that_it_shows() -> None:
    inside = mounts("grafana")
    assert inside["/etc/grafana/provisioning"] == DEPLOY / "grafana/provisioning"
    (source,) = loaded("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    assert source["url"].removeprefix("http://").split(":")[0] in STACK
    (provider,) = loaded("grafana/provisioning/dashboards/event-streamer.yaml")["providers"]
    shown = [path for place, path in inside.items() if place.startswith(provider["options"]["path"] + "/")]
    assert shown == [DEPLOY / "grafana/event-streamer.json"]
    dashboard = json.loads(shown[0].read_text("utf-8"))
    (variable,) = dashboard["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", source["type"])
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["type"] for panel in panels} == {source["type"]}


@pytest.mark.quick
def test_the_image_gets_what_the_wheel_is_built_from_and_runs_as_nobody_in_particular() -> None:
    copied = {word for line in after("COPY") if "--from" not in line for word in line.split()[:-1]}
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {package.split("/")[0] for package in wheel} <= copied
    assert {"pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]} <= copied
    assert all((ROOT / name).exists() for name in copied)
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert {line.removeprefix("!") for line in ignore if line.startswith("!")} == copied
    assert after("USER")[-1].split(":")[0] not in {"0", "root"}
    extras = re.findall(r"\[([a-z,]+)\]\"", " ".join(after("RUN")))[0].split(",")
    assert set(extras) <= PROJECT["project"]["optional-dependencies"].keys()


@pytest.mark.quick
def test_kubernetes_finds_the_workers_and_their_probes() -> None:
    assert WORKER["selector"]["matchLabels"].items() <= WORKER["template"]["metadata"]["labels"].items()
    (worker,) = WORKER["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in worker["ports"]}
    listens = worker["command"][worker["command"].index("--health") + 1]
    assert listens == f"0.0.0.0:{ports['http']}"
    assert WORKER["template"]["metadata"]["annotations"]["prometheus.io/port"] == str(ports["http"])
    for probe in ("readinessProbe", "livenessProbe"):
        assert worker[probe]["httpGet"]["port"] in ports
        assert worker[probe]["httpGet"]["path"] in {"/health", "/metrics"}


def secrets_made_in(folder: Path) -> Path:
    """Make the stack's secrets in a copy of deploy/."""
    copy = folder / "deploy"
    if not copy.exists():
        shutil.copytree(DEPLOY, copy, ignore=shutil.ignore_patterns("secrets"))
    subprocess.run([copy / "compose/make-secrets"], check=True, capture_output=True)
    return copy / "secrets"


@pytest.mark.quick
def test_secrets_are_made_once_for_the_owner_alone_and_read_by_containers(tmp_path: Path) -> None:
    secrets = secrets_made_in(tmp_path)
    made = {path.name: path.read_text("utf-8") for path in secrets.iterdir()}
    assert {f"./secrets/{name}" for name in made} == {
        secret["file"] for secret in loaded("compose.yaml")["secrets"].values()
    }
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in secrets.iterdir()} == {0o444}
    assert len(set(made.values())) == len(made)
    environment = STACK["postgres"]["environment"]
    assert made["database"] == (
        f"postgresql://{environment['POSTGRES_USER']}:{made['postgres-password']}"
        f"@postgres/{environment['POSTGRES_DB']}"
    )
    secrets_made_in(tmp_path)
    assert {path.name: path.read_text("utf-8") for path in secrets.iterdir()} == made


def test_prometheus_reads_the_service_with_the_key_that_was_made(tmp_path: Path) -> None:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("prometheus is missing: apt install prometheus")
    secrets = secrets_made_in(tmp_path)

    def moved(name: str, **changes: str) -> Path:
        """A copy of a configuration whose files lie where the test has them."""
        text = (DEPLOY / name).read_text("utf-8").replace(SECRETS, f"{secrets}/")
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        (tmp_path / Path(name).name).write_text(text, "utf-8")
        return tmp_path / Path(name).name

    configuration = moved("compose/service.toml")
    database = f"sqlite:///{tmp_path}/state.db"
    with service_process("--config", str(configuration), "--database", database,
                         "--host", "127.0.0.1", "--port", "0") as service:  # fmt: skip
        health = [*COMMAND_LINES["compose.yaml: streamer, health"][1:-1], service.url]
        asked = subprocess.run([sys.executable, "-m", "event_streamer_sdk.cli", *health], capture_output=True)
        assert asked.returncode == 0, asked.stderr
        assert httpx.get(f"{service.url}/metrics").status_code == 401
        rules = DEPLOY / "prometheus/event-streamer.rules.yml"
        changes = {
            "streamer:8000": service.url.removeprefix("http://"),
            "/etc/prometheus/event-streamer.rules.yml": str(rules),
            "interval: 15s": "interval: 1s",
        }
        scraping = moved("compose/prometheus.yml", **changes)
        checked = subprocess.run(["promtool", "check", "config", scraping], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        port = own_port()
        process = subprocess.Popen(
            [prometheus, f"--config.file={scraping}", f"--storage.tsdb.path={tmp_path}/figures",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert up(f"http://127.0.0.1:{port}") == ("event-streamer", "1")
        finally:
            process.terminate()
            process.wait(20)


def up(prometheus: str, patience: float = 30) -> tuple[str, str] | None:
    """The job that Prometheus has scraped, and whether it could, as soon as it has."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            found = httpx.get(f"{prometheus}/api/v1/query", params={"query": "up"}).json()["data"]["result"]
        except (httpx.TransportError, ValueError):
            found = []
        if found:
            return found[0]["metric"]["job"], found[0]["value"][1]
        time.sleep(0.1)
    return None
