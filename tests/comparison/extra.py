"""Rows of the comparison that need more than a script of the service: names, signals, sudden death."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import trustme
from rows import ALL, Problem, stay

from support import stream_program
from support.stream_server import StreamServer, answers, stream_server

RUNNER = Path(__file__).with_name("runner.py")


def process(
    client: str, published: Path, url: str, prelude: str = "", **options: object
) -> subprocess.Popen[str]:
    """Start a client's runner; `prelude` is Python that runs before it, in the same process."""
    python = str(published) if client == "published" else sys.executable
    code = f"{prelude}\nimport runpy, sys\nrunpy.run_path(sys.argv[0], run_name='__main__')"
    code = f"import sys; sys.argv = sys.argv[1:]\n{code}"
    arguments = [str(RUNNER), client, url, json.dumps({"limit": 4.0, **options})]
    return subprocess.Popen(
        [python, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def told(running: subprocess.Popen[str], seconds: float = 20) -> dict[str, object]:
    try:
        out, _ = running.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        running.kill()
        running.communicate()
        return {}
    lines = out.splitlines()
    return json.loads(lines[-1]) if lines else {}


def redirect(client: str, published: Path) -> Problem:
    with (
        stream_server() as other,
        stream_server(answers(307, Location=f"{other.url}/subscriptions/1/stream")) as one,
    ):
        told(process(client, published, one.url, headers={"X-API-Key": "secret"}))
        leaked = any("x-api-key" in request.headers for request in other.requests)
        return "the API key goes to the other origin" if leaked else None


def certificate(client: str, published: Path) -> Problem:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with stream_server(tls=context) as server:
        result = told(process(client, published, server.url))
        if server.requests:
            return "a request is sent"
        return "still 'running'" if result.get("running") else None if result.get("errors") else "not told"


RESOLVES_LATER = """
import socket
resolve, asked = socket.getaddrinfo, []
def fickle(host, *args, **options):
    if host in ("stream.test", b"stream.test"):
        asked.append(host)
        if len(asked) <= 2:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        host = "127.0.0.1"
    return resolve(host, *args, **options)
socket.getaddrinfo = fickle
"""


def name(client: str, published: Path) -> Problem:
    with stream_server() as server:
        url = server.url.replace("127.0.0.1", "stream.test")
        return missing(told(process(client, published, url, RESOLVES_LATER)))


def clock(client: str, published: Path) -> Problem:
    def ahead(wire: object) -> None:
        wire.begin(Date="Tue, 01 Jan 2030 00:00:00 GMT")  # type: ignore[attr-defined]
        wire.rest()  # type: ignore[attr-defined]

    with stream_server(ahead) as server:
        return missing(told(process(client, published, server.url)))


def missing(result: dict[str, object]) -> Problem:
    handled = result.get("handled", [])
    assert isinstance(handled, list)
    lost = sorted(set(ALL) - set(handled))
    return f"{len(lost)} of 5 batches lost" if lost else None


def interrupted(client: str, published: Path) -> Problem:
    if client != "published":
        return program(client, lambda running, server: signalled(running, server, 1))
    with stream_server(stay) as server:
        running = process(client, published, server.url, hang=0, seconds=0.5)
        reached(running, "handling 0")
        running.send_signal(signal.SIGINT)
        told(running, 5)
        return None if "b0" in server.acked else "the batch in hand is broken off"


def interrupted_twice(client: str, published: Path) -> Problem:
    if client != "published":
        return program(client, lambda running, server: signalled(running, server, 2), handler_seconds=60)
    with stream_server(stay) as server:
        running = process(client, published, server.url, hang=0, seconds=30)
        reached(running, "handling 0")
        for _ in range(2):
            running.send_signal(signal.SIGINT)
            time.sleep(0.3)
        try:
            running.wait(2)
        except subprocess.TimeoutExpired:
            return "still there"
        finally:
            running.kill()
            running.communicate()
        return None


def program(
    client: str,
    then: Callable[[subprocess.Popen[str], StreamServer], Problem],
    **options: object,
) -> Problem:
    """Run a user's program (tests/support/stream_program.py) with one of our clients."""
    settings = {"handler_seconds": 0.5, **options}
    with stream_server(stay) as server, tempfile.TemporaryDirectory() as folder:
        running = subprocess.Popen(
            [sys.executable, stream_program.__file__, client, server.url, folder]
            + [f"{name}={value}" for name, value in settings.items()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            reached(running, "handling 0", running.stdout)
            return then(running, server)
        finally:
            running.kill()
            running.communicate()


def signalled(running: subprocess.Popen[str], server: StreamServer, times: int) -> Problem:
    for _ in range(times):
        running.send_signal(signal.SIGINT)
        time.sleep(0.3)
    try:
        running.wait(5)
    except subprocess.TimeoutExpired:
        return "still there"
    if times == 1:
        return None if "b0" in server.acked else "the batch in hand is broken off"
    return "acknowledged" if server.acked else None


def reached(running: subprocess.Popen[str], words: str, stream: object = None) -> None:
    for text in stream or running.stderr or ():  # type: ignore[attr-defined]
        if text.strip() == words:
            return


def killed(client: str, published: Path) -> Problem:
    if client == "published":
        return "keeps no position"
    with stream_server() as server, tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, stream_program.__file__, client, server.url, folder]
        subprocess.run([*command, "die=before_save"], capture_output=True, timeout=20, check=False)
        subprocess.run(command, capture_output=True, timeout=20, check=False)
        handled = {int(number) for number in (Path(folder) / "handled").read_text().split()}
        return missing({"handled": sorted(handled)})


def tested(what: str) -> Callable[[str, Path], Problem]:
    """Make a row that the published client has no means for; ours are held to it by the tests."""
    return lambda client, published: what if client == "published" else None


EXTRA: list[tuple[int, str, Callable[[str, Path], Problem]]] = [
    (20, "redirect to another origin", redirect),
    (21, "bad certificate", certificate),
    (22, "name does not resolve", name),
    (25, "server clock a day off", clock),
    (34, "SIGINT in a handler", interrupted),
    (35, "second Ctrl-C", interrupted_twice),
    (39, "kill -9 before the checkpoint", killed),
    (40, "disk full at the checkpoint (by test)", tested("keeps no position")),
    (41, "two consumers, a lease (by test)", tested("has no lease")),
    (42, "break out of the iterator (by test)", tested("has no iterator")),
]
