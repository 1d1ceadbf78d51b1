"""What a browser loads: files of the package, with headers that keep everybody else out."""

import hashlib
import re
from importlib import resources
from pathlib import Path

import httpx
import pytest

from event_streamer_service import DevChain, LocalService
from event_streamer_service.devchain import npm

ASSETS = Path(str(resources.files("event_streamer_service.page"))) / "assets"
NAMES = sorted(str(path.relative_to(ASSETS)) for path in ASSETS.rglob("*") if path.is_file())
VENDORED = {
    "htm.js": ("htm", "3.1.1", "dist/htm.module.js"),
    "preact-htm.js": ("htm", "3.1.1", "preact/standalone.module.js"),
    "uPlot.js": ("uplot", "1.6.32", "dist/uPlot.esm.js"),
    "uPlot.css": ("uplot", "1.6.32", "dist/uPlot.min.css"),
}


@pytest.fixture(scope="module")
def url() -> str:
    with LocalService(DevChain(blocks=1), api_keys={"key": "alice"}) as service:
        yield service.url


@pytest.mark.quick
@pytest.mark.parametrize("path", ["/", "/docs", *(f"/assets/{name}" for name in NAMES)])
def test_the_page_needs_no_key_and_lets_nothing_in(url: str, path: str) -> None:
    answer = httpx.get(url + path, headers={"accept": "text/html,*/*"})
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert httpx.head(url + path, headers={"accept": "text/html"}).status_code == 200
    again = httpx.get(url + path, headers={"if-none-match": answer.headers["etag"], "accept": "text/html"})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.quick
def test_whoever_asks_for_no_html_is_told_where_to_go_on(url: str) -> None:
    for accept in ("*/*", "application/json"):
        said = httpx.get(url, headers={"accept": accept})
        assert said.headers["content-type"] == "application/json"
        for name in ("page", "reference", "openapi", "health"):
            assert httpx.get(url + said.json()[name]).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets/nothing.js",
        "/assets/../files.py",
        "/assets/..%2ffiles.py",
        "/assets/vendor",
        "/assets//etc/passwd",
    ],
)
def test_other_files_are_not_there(url: str, path: str) -> None:
    with httpx.Client(base_url=url) as client:
        request = client.build_request("GET", "/")
        request.url = httpx.URL(url + "/").copy_with(raw_path=path.encode())
        assert client.send(request).status_code in {401, 404}


def test_nothing_is_loaded_from_elsewhere_or_written_inline() -> None:
    for name in ("index.html", "docs.html"):
        text = (ASSETS / name).read_text("utf-8")
        assert not re.search(r"https?://", text)
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|style=", text)
    for path in ASSETS.glob("*.js"):
        text = path.read_text("utf-8")
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            path
        )
        for source in re.findall(r'from "([^"]+)"', text):
            assert httpx.URL(source).is_relative_url
            assert (ASSETS / source.removeprefix("/assets/")).is_file(), source


def test_the_vendored_files_are_those_that_were_checked() -> None:
    sums = dict(
        reversed(line.split()) for line in (ASSETS / "vendor/SHA256SUMS").read_text("utf-8").splitlines()
    )
    assert sums.keys() == VENDORED.keys()
    for name, digest in sums.items():
        assert hashlib.sha256((ASSETS / "vendor" / name).read_bytes()).hexdigest() == digest
    for library in ("htm", "preact", "uPlot"):
        licence = (ASSETS / "vendor" / f"LICENSE.{library}.txt").read_text("utf-8")
        assert re.search(r"MIT License|Apache License", licence)


@pytest.mark.npm
def test_the_vendored_files_are_those_of_their_packages() -> None:
    for name, (package, version, path) in VENDORED.items():
        try:
            original = npm.install(package, version) / package / path
        except npm.NpmError as missing:
            pytest.skip(str(missing))
        assert original.read_bytes() == (ASSETS / "vendor" / name).read_bytes()
