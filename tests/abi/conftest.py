"""What the tests of the ABI part share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.npm_abis import PACKAGES, Unavailable, json_files, npm_package


@pytest.fixture(scope="session")
def artifacts() -> dict[str, list[Path]]:
    """The JSON files of the npm packages; without npm the test is skipped, in CI that is a failure."""
    try:
        return {package: json_files(package) for package in PACKAGES}
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def fetch_package() -> Callable[[str, str], Path]:
    """Fetch an npm package by name and version; without npm the test is skipped, in CI that is a failure."""

    def fetch(name: str, version: str) -> Path:
        try:
            return npm_package(name, version)
        except Unavailable as reason:
            pytest.skip(str(reason))

    return fetch
