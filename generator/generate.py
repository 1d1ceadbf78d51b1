"""
Writes generated/event_streamer_api from openapi.yaml.

    python generator/generate.py                       # write it, and say what changed for users
    python generator/generate.py --check               # fail when it is not what openapi.yaml gives
    python generator/generate.py --spec URL --out DIR  # try another document, in another folder

`files` reads the document. `prepare` writes it so that openapi-python-client can read all of it: `schemas`
the schemas, `intersections` their `allOf`, by what `kinds` finds in the document. `parsed` lets
openapi-python-client read it. `views` makes of what it found what the templates print: `types_of` a value's
type and check, `properties` the way from and to JSON, `rules` and `defaults` what openapi-python-client
drops. `changes` compares the result with what was there.

It is always written into a fresh folder, since openapi-python-client's `--overwrite` leaves files behind
that the document no longer asks for. The result then takes the place of the old one in one step.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from changes import changes
from document import DocumentError
from files import load
from parsed import parse, render
from views import View, handwritten_names

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "event_streamer_api"


FILES = Path(__file__).resolve().parent


@dataclass
class Generated:
    """
    What has been generated.

    Attributes:
        notices: A line for each rule of the document that isn't enforced.
        changes: A line for each change for users.
    """

    notices: list[str]
    changes: list[str]


def generate(source: str, target: Path, sdk: Path | None = None) -> Generated:
    """
    Generate the package from a document.

    Args:
        source: The document's path or URL.
        target: Where the package goes; what is there already is replaced as a whole.
        sdk: The SDK's package, whose clients have names of their own.

    Returns:
        What isn't enforced, and what changed.

    Raises:
        DocumentError: If the document is wrong.
    """
    document = load(source)
    # The service shows it at /docs; JSON, so that no YAML parser is needed for it.
    shown = json.dumps(document.root, indent=1, ensure_ascii=False, default=str)
    data, preparation = parse(document)
    view = View(document, preparation, data, handwritten_names(sdk) if sdk else set())
    with tempfile.TemporaryDirectory(prefix="generate-") as folder:
        fresh = Path(folder) / target.name
        render(data, preparation, FILES / "templates", fresh, view)
        for module in (FILES / "runtime").glob("*.py"):
            shutil.copy(module, fresh / module.name)
        # Without metadata openapi-python-client leaves the mark of a typed package out (PEP 561).
        (fresh / "py.typed").write_text("", encoding="utf-8")
        (fresh / "openapi.json").write_text(shown + "\n", encoding="utf-8")
        _tidy(fresh)
        found = changes(target, fresh)
        _swap(fresh, target)
    notices = [
        f"{document.shown(place)}: {text}" for place, told in preparation.notices.items() for text in told
    ]
    return Generated(notices, found)


def _tidy(package: Path) -> None:
    """Let ruff sort imports, drop those that aren't needed, and format; by no settings but these."""
    ruff = Path(sys.executable).parent / "ruff"
    if not ruff.exists():
        raise DocumentError(f"{ruff} is missing: install the dependency group `generator` for this Python")
    for arguments in (
        ("check", "--isolated", "--no-cache", "--select", "I,F", "--fix-only", "--quiet", "."),
        ("format", "--isolated", "--no-cache", "--line-length", "110", "--quiet", "."),
    ):
        done = subprocess.run([ruff, *arguments], cwd=package, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DocumentError(f"ruff failed on the generated code: {done.stdout}{done.stderr}")


def _swap(fresh: Path, target: Path) -> None:
    """Swap the fresh folder in for the old one in one step: a reader never sees half of it."""
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
    parser.add_argument("--spec", help="another document to try: a path, or a URL; YAML or JSON")
    parser.add_argument("--out", type=Path, help="the folder for what --spec gives (default: trial)")
    options = parser.parse_args(arguments)
    if options.out and not options.spec:
        parser.error("--out is for what --spec gives")
    source, target = str(options.root / "openapi.yaml"), options.root / "generated" / PACKAGE
    if options.spec:
        source, target = options.spec, (options.out or Path("trial")) / PACKAGE
    sdk = options.root / "sdk" / "event_streamer_sdk"
    try:
        if not options.check:
            made = generate(source, target, sdk)
            print(*made.notices, sep="\n", end="\n" if made.notices else "", file=sys.stderr)
            print(*made.changes, sep="\n")
            if options.spec:
                print(f"{target} is written: put {target.parent} on PYTHONPATH before the project's own")
            return 0
        with tempfile.TemporaryDirectory(prefix="generate-check-") as folder:
            fresh = Path(folder) / PACKAGE
            generate(source, fresh, sdk)
            found = list(differences(target, fresh))
    except DocumentError as error:
        print(error, file=sys.stderr)
        return 1
    for difference in found:
        print(f"generated/{PACKAGE}/{difference}", file=sys.stderr)
    if found:
        print("generated/ is not what openapi.yaml gives: run `make generate`", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
