"""
Writes generated/event_streamer_api from openapi.yaml.

    python generator/generate.py            # write it
    python generator/generate.py --check    # fail when it is not what openapi.yaml gives

openapi-python-client is called as a command, since its Python imports are no public API, and always into a
fresh folder, since its `--overwrite` leaves files behind that the document no longer asks for. The result
then takes the place of the old one in one step.
"""

from __future__ import annotations

import argparse
import copy
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

sys.path.insert(0, str(Path(__file__).parent))
import facts

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "event_streamer_api"


class GenerationError(Exception):
    """openapi.yaml cannot be turned into a client; the message says where it is wrong."""


def generate(root: Path, target: Path) -> None:
    """
    Generate the package from a project's openapi.yaml.

    Args:
        root: The project, with `openapi.yaml` and `generator/`.
        target: Where the package goes; what is there already is replaced as a whole.

    Raises:
        GenerationError: If the document is wrong or the generator gives a warning.
    """
    document = _document(root / "openapi.yaml")
    with tempfile.TemporaryDirectory(prefix="generate-") as folder:
        work = Path(folder)
        templates = work / "templates"
        shutil.copytree(root / "generator" / "templates", templates)
        try:
            known = facts.of_document(document)
        except facts.UnsupportedSchemaError as error:
            raise GenerationError(f"openapi.yaml: {error}") from error
        except KeyError as error:
            raise GenerationError(f"openapi.yaml: {error} is missing") from error
        # A Python literal of strings, numbers, lists and dicts is a Jinja literal too.
        (templates / "facts.jinja").write_text(f"{{% set facts = {known!r} %}}", encoding="utf-8")
        with (work / "openapi.yaml").open("w", encoding="utf-8") as stream:
            YAML(typ="safe").dump(_without_maps(document), stream)
        fresh = work / PACKAGE
        _run_generator(work, root / "generator" / "config.yaml", templates, fresh)
        # Without metadata (`--meta none`) the generator leaves the mark of a typed package out (PEP 561).
        (fresh / "py.typed").write_text("", encoding="utf-8")
        _swap(fresh, target)


def _document(path: Path) -> dict[str, Any]:
    try:
        document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise GenerationError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise GenerationError(f"{path.name} is no OpenAPI document")
    return document


def _without_maps(document: dict[str, Any]) -> dict[str, Any]:
    """
    Take out what would make openapi-python-client emit classes that nobody wants.

    It makes a class of every object, also of a plain map such as `additionalProperties: {type: integer}`, and
    no class at all of an object with `anyOf`. Users get dicts for the former, and facts.py reads both from
    the original document.
    """

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        kinds = node.get("type")
        is_object = kinds == "object" or (isinstance(kinds, list) and "object" in kinds)
        if is_object and "properties" not in node:
            return {"description": node.get("description", "")}
        kept = {key: value for key, value in node.items() if not (is_object and key == "anyOf")}
        return {key: walk(value) for key, value in kept.items()}

    cleaned: dict[str, Any] = walk(copy.deepcopy(document))
    return cleaned


def _run_generator(work: Path, config: Path, templates: Path, fresh: Path) -> None:
    beside_python = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{beside_python}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [
        *(str(beside_python / "openapi-python-client"), "generate", "--fail-on-warning", "--meta", "none"),
        *("--path", str(work / "openapi.yaml"), "--config", str(config)),
        *("--custom-template-path", str(templates), "--output-path", str(fresh)),
    ]
    if not Path(command[0]).exists():
        raise GenerationError(
            f"{command[0]} is missing: install the dependency group `generator` beside this Python"
        )
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise GenerationError(f"openapi-python-client failed:\n{done.stdout}{done.stderr}")


def _swap(fresh: Path, target: Path) -> None:
    """Put the fresh folder in the place of the old one, so that nobody sees half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(f".{target.name}.new")
    retired = target.with_name(f".{target.name}.old")
    for leftover in (staged, retired):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(fresh, staged)
    if target.exists():
        target.rename(retired)
    staged.rename(target)
    shutil.rmtree(retired, ignore_errors=True)


def differences(committed: Path, fresh: Path) -> Iterator[str]:
    """
    Compare two generated packages.

    Args:
        committed: The package in the repository.
        fresh: The package as openapi.yaml gives it.

    Yields:
        One line for each file that differs, is missing or is too many.
    """
    names = sorted(_files(committed) | _files(fresh))
    for name in names:
        if not (fresh / name).exists():
            yield f"{name}: openapi.yaml does not give this file"
        elif not (committed / name).exists():
            yield f"{name}: missing"
        elif not filecmp.cmp(committed / name, fresh / name, shallow=False):
            yield f"{name}: differs"


def _files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def main(arguments: list[str] | None = None) -> int:
    """
    Run the command.

    Args:
        arguments: The command line without the program's name; by default the process's own.

    Returns:
        The exit code: 0, or 1 where the document is wrong or `--check` found a difference.
    """
    parser = argparse.ArgumentParser(description="Write generated/event_streamer_api from openapi.yaml.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 where a file differs")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project (default: this one)")
    options = parser.parse_args(arguments)
    target = options.root / "generated" / PACKAGE
    try:
        if not options.check:
            generate(options.root, target)
            return 0
        with tempfile.TemporaryDirectory(prefix="generate-check-") as folder:
            fresh = Path(folder) / PACKAGE
            generate(options.root, fresh)
            found = list(differences(target, fresh))
    except GenerationError as error:
        print(error, file=sys.stderr)
        return 1
    for difference in found:
        print(f"generated/{PACKAGE}/{difference}", file=sys.stderr)
    if found:
        print("generated/ is not what openapi.yaml gives: run `make generate`", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
