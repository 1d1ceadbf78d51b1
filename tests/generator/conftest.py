import copy
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from support.trials import Trial

HERE = Path(__file__).parent
DOCUMENTS = {
    "3.1": HERE / "construct-3.1.yaml",
    "changes": HERE / "construct-changes.yaml",
    "3.0": HERE / "construct-3.0.yaml",
    "own": HERE.parents[1] / "openapi.yaml",
}


@functools.cache
def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def with_holders(path: Path) -> Any:
    """
    A document with a model for each schema that holds one value of it: not every schema becomes a
    model.
    """
    document = copy.deepcopy(read(path))
    schemas = document["components"]["schemas"]
    for name in list(schemas):
        held = {"$ref": f"#/components/schemas/{name}"}
        schemas[f"Holds{name}"] = {"type": "object", "required": ["value"], "properties": {"value": held}}
    return document


class Trials:
    """The packages of the documents, each of them generated when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Trial] = {}

    def __getitem__(self, name: str) -> Trial:
        if name not in self._made:
            # As JSON, which a document may be as well.
            document = self._folder / f"construct-{name}.json"
            document.write_text(json.dumps(with_holders(DOCUMENTS[name]), default=str), encoding="utf-8")
            self._made[name] = Trial(document, self._folder / f"of-{name}")
        return self._made[name]

    def close(self) -> None:
        for trial in self._made.values():
            trial.close()


@pytest.fixture(scope="session")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    """The packages of the construct documents and of the project's own, generated once in a run."""
    trials = Trials(tmp_path_factory.mktemp("trials"))
    yield trials
    trials.close()


@pytest.fixture(scope="session")
def constructs(trials: Trials) -> Trial:
    """The package of the construct document of OpenAPI 3.1."""
    return trials["3.1"]


@pytest.fixture(scope="session")
def ordinary(trials: Trials) -> Trial:
    """The package of the document of ordinary changes."""
    return trials["changes"]
