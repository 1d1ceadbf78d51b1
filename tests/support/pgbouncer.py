"""PgBouncer in front of a PostgreSQL, as Debian has it."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from support.ports import own_port


def is_here() -> bool:
    """Tell whether it is installed."""
    return shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin") is not None


@contextmanager
def pgbouncer(
    folder: Path, database: str, *, pool_mode: str, port: int | None = None, **settings: object
) -> Iterator[str]:
    """Run it in front of a database of `tests`; gives the URL of the same database behind it."""
    parts = urlsplit(database)
    port = own_port() if port is None else port
    name = parts.path.strip("/")
    lines = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": pool_mode,
        "ignore_startup_parameters": "extra_float_digits",
        "logfile": folder / "pgbouncer.log",
        **settings,
    }
    behind = f"{name} = host={parts.hostname} port={parts.port} dbname={name} user=tests"
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{behind}\n[pgbouncer]\n"
        + "".join(f"{key} = {value}\n" for key, value in lines.items())
    )
    as_user: list[str] = []
    if os.geteuid() == 0:  # it refuses to run as root
        user = pwd.getpwnam("postgres")
        folder.chmod(0o755)
        shutil.chown(folder, user.pw_uid, user.pw_gid)
        as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    process = subprocess.Popen(
        [*as_user, "pgbouncer", "-q", str(folder / "pgbouncer.ini")],
        env=os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin"},
        cwd="/",
    )
    try:
        give_up_at = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > give_up_at or process.poll() is not None:
                    raise
                time.sleep(0.05)
        yield f"postgresql://tests@127.0.0.1:{port}/{name}"
    finally:
        process.kill()  # whatever its release makes of SIGTERM while it has clients
        process.wait(10)
