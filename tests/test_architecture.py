"""The rules of the house that a machine can hold: arrows of import, sizes, no print, no registry."""

import ast
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "event_streamer_api": ROOT / "generated" / "event_streamer_api",
    "event_streamer_schemas": ROOT / "sdk" / "event_streamer_schemas",
    "event_streamer_sdk": ROOT / "sdk" / "event_streamer_sdk",
    "event_streamer_service": ROOT / "service" / "event_streamer_service",
}
# Bases hold the rule for all that lies under them; the longest one that fits a module counts.
MAY_IMPORT = {
    "event_streamer_api": {"event_streamer_api"},
    "event_streamer_schemas": {"event_streamer_schemas", "event_streamer_sdk", "event_streamer_api"},
    "event_streamer_sdk": {"event_streamer_sdk", "event_streamer_api"},
    "event_streamer_sdk.abi": {
        "event_streamer_sdk.abi",
        "event_streamer_sdk._core",
        "event_streamer_sdk.exceptions",
        "event_streamer_api",
    },
    "event_streamer_sdk._core": {
        "event_streamer_sdk._core",
        "event_streamer_sdk.abi",
        "event_streamer_sdk.exceptions",
        "event_streamer_api",
    },
    # One call knows nothing of how a stream runs, nor the other way round, and neither who carries it out.
    "event_streamer_sdk._core.call": {
        "event_streamer_sdk._core.call",
        "event_streamer_sdk._core.backoff",
        "event_streamer_sdk._core.inflate",
        "event_streamer_sdk._core.redaction",
        "event_streamer_sdk._core.version",
        "event_streamer_sdk.exceptions",
        "event_streamer_api",
    },
    "event_streamer_sdk._core.stream": {
        "event_streamer_sdk._core.stream",
        "event_streamer_sdk._core.backoff",
        "event_streamer_sdk._core.inflate",
        "event_streamer_sdk._core.words",
        "event_streamer_sdk.exceptions",
        "event_streamer_api",
    },
    # A transport knows what a request is, and nothing of who sends it, or why.
    "event_streamer_sdk._transports": {
        "event_streamer_sdk._transports",
        "event_streamer_sdk._core.call",
        "event_streamer_sdk._core.redaction",
        "event_streamer_sdk.exceptions",
        "event_streamer_api",
    },
    "event_streamer_sdk._runs": {
        "event_streamer_sdk._runs",
        "event_streamer_sdk._core",
        "event_streamer_sdk.exceptions",
        "event_streamer_api",
    },
    "event_streamer_service": {
        "event_streamer_service",
        "event_streamer_sdk.abi",
        "event_streamer_sdk.exceptions",
        "event_streamer_sdk._core.visible",
        "event_streamer_sdk._core.words",
        "event_streamer_api",
    },
    # Reading chains needs neither the service around it nor the development chain.
    "event_streamer_service.chains": {"event_streamer_service.chains", "event_streamer_sdk.abi"},
    # … but the SDK's connections, which carry a node's answers with a quarter of httpx's work.
    "event_streamer_service.chains.node_http": {
        "event_streamer_sdk._transports",
        "event_streamer_sdk._core.call.request",
        "event_streamer_sdk._core.inflate",
        "event_streamer_sdk.exceptions",
    },
    "event_streamer_service.devchain": {
        "event_streamer_service.devchain",
        "event_streamer_service.chains",
        "event_streamer_sdk.abi",
    },
    # The commands of the service show a client at work, so they alone may use the whole SDK.
    "event_streamer_service.commands": {"event_streamer_service", "event_streamer_sdk", "event_streamer_api"},
    "event_streamer_service.__main__": {"event_streamer_service", "event_streamer_sdk.cli"},
}
# What decides must not reach for the world: time, chance and input are handed to it.
IMPURE = {
    *("asyncio", "anyio", "select", "socket", "ssl", "subprocess", "threading"),
    *("aiohttp", "http.client", "http.server", "httpx", "urllib3", "sqlite3"),
    *("random", "secrets", "time", "uuid"),
}
LINES_A_FILE = 500


def modules() -> Iterator[tuple[str, Path]]:
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def tracked_files() -> list[Path]:
    """The files git holds or would take; without git (a source archive) this rule can't be looked at."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as problem:
        pytest.skip(f"not a git work tree: {problem}")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def imports_of(module: str, path: Path) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, at any depth, with its line; relative ones are spelled out."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for name in node.names:
                # "from a import b" may name a module or a thing in one: both spellings are judged alike.
                yield node.lineno, f"{origin}.{name.name}"


def loaded_with(module: str, path: Path, known: set[str]) -> Iterator[str]:
    """The modules that a file's own top level imports, those for type checkers among them."""
    tree = ast.parse(path.read_bytes(), str(path))
    later = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    for line, name in imports_of(module, path):
        if line not in later:
            yield name if name in known else name.rpartition(".")[0]


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Modules that import each other, by whatever way."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                waiting += graph.get(module, set())
        reached[start] = seen
    found = {
        tuple(sorted(other for other in reached[module] if module in reached.get(other, set())))
        for module in graph
        if module in reached[module]
    }
    return [list(circle) for circle in sorted(found)]


def lies_under(module: str, bases: set[str]) -> bool:
    return any(module == base or module.startswith(base + ".") for base in bases)


def rule_for(module: str) -> set[str]:
    fitting = [base for base in MAY_IMPORT if lies_under(module, {base})]
    return MAY_IMPORT[max(fitting, key=len)]


@pytest.mark.quick
def test_imports_go_one_way() -> None:
    ours = set(PACKAGES)
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {imported}"
        for module, path in modules()
        for line, imported in imports_of(module, path)
        if lies_under(imported, ours) and not lies_under(imported, rule_for(module))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.quick
def test_the_core_is_pure() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {imported}"
        for module, path in modules()
        if lies_under(module, {"event_streamer_sdk._core", "event_streamer_sdk.abi"})
        for line, imported in imports_of(module, path)
        if lies_under(imported, IMPURE)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.quick
def test_no_module_imports_what_imports_it() -> None:
    paths = dict(modules())
    graph = {
        module: {name for name in loaded_with(module, path, set(paths)) if name in paths and name != module}
        for module, path in paths.items()
    }
    assert circles(graph) == []


def test_circles_are_seen(tmp_path: Path) -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    file = tmp_path / "one.py"
    file.write_text(
        "from . import two\nif TYPE_CHECKING:\n    from .three import X\ndef f():\n    from . import four\n"
    )
    known = {"p.one", "p.two", "p.three", "p.four"}
    assert set(loaded_with("p.one", file, known)) == {"p.two", "p.three"}


def test_the_rules_see_every_way_to_import(tmp_path: Path) -> None:
    file = tmp_path / "lines.py"
    file.write_text(
        "import time\nfrom .. import client\nfrom ..client import X\n"
        "def f():\n    from socket import socket\n"
    )
    assert [name for _, name in imports_of("event_streamer_sdk._core.backoff", file)] == [
        "time",
        "event_streamer_sdk.client",
        "event_streamer_sdk.client.X",
        "socket.socket",
    ]


OWNED = ("event_streamer_sdk._core.stream", "event_streamer_sdk._runs")
"""Where state has one owner: nothing outside of a class's own module writes the attributes of its objects."""


def attributes_of(class_: ast.ClassDef) -> Iterator[str]:
    """What a class calls its own: the names in its body, and what its methods put on `self`."""
    for node in class_.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
    for function in class_.body:
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (node.attr for node in written_in(function) if is_self(node))


def written_in(tree: ast.AST) -> Iterator[ast.Attribute]:
    """Every attribute that is assigned, added to or deleted, at any depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node


def is_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def written_elsewhere(path: Path) -> Iterator[tuple[int, str]]:
    """Attributes that a module writes on objects of other modules' classes, with their lines."""
    tree = ast.parse(path.read_bytes(), str(path))
    own = {name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for name in attributes_of(node)}
    for node in written_in(tree):
        if not is_self(node) and node.attr not in own:
            yield node.lineno, ast.unparse(node)


@pytest.mark.quick
def test_state_is_written_by_its_owner_alone() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} writes {what}"
        for module, path in modules()
        if lies_under(module, set(OWNED))
        for line, what in written_elsewhere(path)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_way_to_write_an_attribute_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "lane.py"
    file.write_text(
        "class Own:\n    here: int\n    def __init__(self):\n        self.there = 1\n"
        "def f(own, other):\n"
        "    own.here = own.there = 1\n"
        "    other.end = 1\n    other.a.count += 1\n    x, other.pair = 1, 2\n    del other.gone\n"
        "    other.noted: int = 1\n    for other.each in []: ...\n    with x as other.opened: ...\n"
        "    other.items[0] = 1\n"
    )
    assert sorted(what for _, what in written_elsewhere(file)) == [
        "other.a.count", "other.each", "other.end", "other.gone", "other.noted", "other.opened", "other.pair",
    ]  # fmt: skip


@pytest.mark.quick
def test_files_stay_short_enough_to_read() -> None:
    handwritten = [path for path in tracked_files() if path.suffix == ".py" and "generated" not in path.parts]
    long = {
        str(path.relative_to(ROOT)): lines
        for path in handwritten
        if (lines := len(path.read_text("utf-8").splitlines())) > LINES_A_FILE
    }
    assert not long, f"over {LINES_A_FILE} lines: {long}"


@pytest.mark.quick
def test_only_the_command_line_prints() -> None:
    wrong = []
    for module, path in modules():
        if "cli" in module.split(".") or lies_under(module, {"event_streamer_service.commands"}):
            continue
        wrong += [
            f"{path.relative_to(ROOT)}:{node.lineno}"
            for node in ast.walk(ast.parse(path.read_bytes()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        ]
    assert not wrong, f"print outside of the command line: {wrong}"


@pytest.mark.quick
def test_every_package_ships_its_types() -> None:
    assert not [name for name, folder in PACKAGES.items() if not (folder / "py.typed").is_file()]


@pytest.mark.quick
def test_no_file_names_a_package_registry() -> None:
    # A file that names one would bind everybody's installation to it. Put together, so that this one doesn't.
    hosts = re.compile(
        r"pypi\.(?:org|python)|python"
        r"hosted\.org|registry\.(?:npm"
        r"js|yarn"
        r"pkg)|deb\.debian\.org|proxy\.go"
        r"lang\.org|static\.cra"
        r"tes\.io"
    )
    wrong = []
    for path in tracked_files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        wrong += [
            f"{path.relative_to(ROOT)}:{number}"
            for number, line in enumerate(text.splitlines(), 1)
            if hosts.search(line)
        ]
    assert not wrong, f"a registry's host is named in {wrong}"


@pytest.mark.quick
def test_no_work_is_left_as_a_note() -> None:
    notes = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b")
    wrong = []
    for _, path in modules():
        if "generated" in path.parts:
            continue
        with tokenize.open(path) as file:
            wrong += [
                f"{path.relative_to(ROOT)}:{token.start[0]}"
                for token in tokenize.generate_tokens(file.readline)
                if token.type == tokenize.COMMENT and notes.search(token.string)
            ]
    assert not wrong, f"unfinished: {wrong}"
