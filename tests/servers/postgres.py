"""PostgreSQL on loopback, as an unprivileged user, in a folder that is gone after the test session."""

import grp
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.child import running
from tests.servers.programs import free_port

# What Debian's package puts where a PATH finds it; the server's own programs are elsewhere.
PROGRAMS = ("pg_ctlcluster",)
USER = "catalog"
DATABASE = "catalog"
# Of each version.
_PROGRAMS = "/usr/lib/postgresql"
_NOBODY = "nobody"


@dataclass(frozen=True)
class Postgres:
    """A running server, whose one user has a password."""

    port: int
    password: str

    def url(self, database: str = DATABASE, *, password: str | None = None) -> str:
        """SQLAlchemy's URL of a database."""
        return f"postgresql+psycopg://{USER}:{password or self.password}@127.0.0.1:{self.port}/{database}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a server for as long as the block lasts."""
    programs = _newest()
    # Not below pytest's folder, which others may not enter: the server refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="s3-assets-postgres-"))
    try:
        password = secrets.token_hex(12)
        (folder / "password").write_text(password)
        if os.getuid() == 0:
            for path in (folder, folder / "password"):
                os.chown(path, pwd.getpwnam(_NOBODY).pw_uid, grp.getgrnam("nogroup").gr_gid)
        told = [
            "-A",
            "scram-sha-256",
            "-U",
            USER,
            "--pwfile",
            str(folder / "password"),
            "-E",
            "UTF8",
            "--no-sync",
        ]
        subprocess.run(
            [*_unprivileged(), str(programs / "initdb"), "-D", str(folder / "data"), *told],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
            "shared_buffers": "16MB",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*_unprivileged(), str(programs / "postgres"), "-D", str(folder / "data"), *options]
        with running(command, folder / "log") as process:
            server = Postgres(port, password)
            _wait(server, process)
            yield server
    finally:
        shutil.rmtree(folder)


def _newest() -> Path:
    found = sorted(Path(_PROGRAMS).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise RuntimeError(f"There is no PostgreSQL below {_PROGRAMS}.")
    return found[-1].parent


def _unprivileged() -> list[str]:
    if os.getuid() != 0:
        return []
    # What is to happen when the worker dies is forgotten when the user changes, and said again.
    return ["setpriv", f"--reuid={_NOBODY}", "--regid=nogroup", "--clear-groups", "--pdeathsig=TERM", "--"]


def _wait(server: Postgres, process: subprocess.Popen[bytes], deadline: float = 30.0) -> None:
    """Wait until it takes connections, and make the database."""
    import psycopg

    end = time.monotonic() + deadline
    while True:
        try:
            with psycopg.connect(
                server.url("postgres").replace("+psycopg", ""), autocommit=True
            ) as connection:
                connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
