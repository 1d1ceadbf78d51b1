from collections.abc import Iterator
from pathlib import Path

import pytest

from support.trials import Trial

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def constructs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """The package of the construct document of OpenAPI 3.1, generated once."""
    trial = Trial(HERE / "construct-3.1.yaml", tmp_path_factory.mktemp("constructs") / "new")
    yield trial
    trial.close()
