"""A private PostgreSQL cluster on loopback, for the tests of one session."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.locks import one_at_a_time
from support.ports import own_port

PLACES = "/usr/lib/postgresql"


class Missing(Exception):  # noqa: N818 - reads as the state it reports
    """PostgreSQL isn't here and can't be installed; the text says why."""


def binaries() -> Path:
    """The folder of `initdb` and `postgres`, installed by apt where we may."""
    with one_at_a_time("postgresql"):
        found = _find()
        if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
            environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-qy", "postgresql"]):
                done = subprocess.run(command, env=environment, capture_output=True, text=True)
                if done.returncode:
                    raise Missing(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")
            found = _find()
    if found is None:
        raise Missing("PostgreSQL is not installed (Debian and Ubuntu: apt install postgresql)")
    return found


def _find() -> Path | None:
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else []
    folders += sorted(Path(PLACES).glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def cluster() -> Iterator[str]:
    """Run a cluster; gives the URL of its server, without a database name."""
    with restartable_cluster() as (url, _):
        yield url


@contextmanager
def restartable_cluster() -> Iterator[tuple[str, Callable[[], None]]]:
    """Run a cluster; gives the URL of its server, and what restarts it as a crash would."""
    folder = binaries()
    with tempfile.TemporaryDirectory(prefix="event-streamer-pg-") as home:
        run_as = _unprivileged(home)
        data = f"{home}/data"
        subprocess.run(
            [*run_as, str(folder / "initdb"), "-D", data, "-U", "tests", "-A", "trust", "-N"],
            check=True, capture_output=True, cwd=home,
        )  # fmt: skip
        port = own_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": home,
            "fsync": "off",  # the cluster is thrown away
            "max_connections": 100,
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        control = [*run_as, str(folder / "pg_ctl"), "-D", data, "-w", "-s", "-l", f"{home}/log"]
        subprocess.run([*control, "-o", options, "start"], check=True, cwd=home)

        def restart() -> None:
            subprocess.run([*control, "-m", "immediate", "-o", options, "restart"], check=True, cwd=home)

        try:
            yield f"postgresql://tests@127.0.0.1:{port}", restart
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd=home)


def _unprivileged(home: str) -> list[str]:
    """PostgreSQL refuses to run as root: give the folder to another user, and say how to run as that one."""
    if os.geteuid() != 0:
        return []
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(home, user.pw_uid, user.pw_gid)
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    raise Missing("the tests run as root, and there is neither a user postgres nor nobody")
