"""PostgreSQL from Debian's packages as a process: its own folder, on loopback, without root's rights."""

import os
import pwd
import secrets
import shutil
import subprocess
import time
from pathlib import Path

from deploy.processes import HOST, Process

USER = DATABASE = "dagster"
_PROGRAMS = Path("/usr/lib/postgresql")
# The server refuses to run as root.
_NOBODY = "nobody"
_SECONDS_TO_START = 60


class Postgresql:
    """A server whose data outlive it; the user owns the database and has a password."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        found = _PROGRAMS.glob("*/bin/initdb")
        newest = max(found, key=lambda path: int(path.parts[-3]), default=None)
        if newest is None:
            raise FileNotFoundError(f"No PostgreSQL below {_PROGRAMS}: apt-get install postgresql")
        self._programs = newest.parent
        self._process = Process("postgresql", self._command(), folder / "log", cwd=folder)

    @property
    def password(self) -> str:
        """The password of the user, made up with the data."""
        return (self.folder / "password").read_text()

    @property
    def variables(self) -> dict[str, str]:
        """What `dagster.yaml` asks the environment for."""
        return {
            "DAGSTER_POSTGRES_HOST": HOST,
            "DAGSTER_POSTGRES_PORT": str(self.port),
            "DAGSTER_POSTGRES_DB": DATABASE,
            "DAGSTER_POSTGRES_USER": USER,
            "DAGSTER_POSTGRES_PASSWORD": self.password,
        }

    def start(self) -> None:
        """Start it and wait until it answers; the first time, make data and database."""
        new = not (self.folder / "data").is_dir()
        if new:
            self._make()
        self._process.start()
        self._wait()
        if new:
            self._client("createdb", DATABASE)

    def stop(self) -> None:
        """End it as an administrator does who does not wait for clients."""
        self._process.stop()

    def crash(self) -> None:
        """Let all its processes end at once, without writing anything more: the next start has to recover."""
        self._process.stop(crash=True)

    def _make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "password").touch(mode=0o600)
        (self.folder / "password").write_text(secrets.token_hex(16))
        if os.getuid() == 0:
            nobody = pwd.getpwnam(_NOBODY)
            for path in (self.folder, self.folder / "password"):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        told = ("-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--pwfile", str(self.folder / "password"))
        subprocess.run(
            [*self._unprivileged(), str(self._programs / "initdb"), "-D", str(self.folder / "data"), *told],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
        )

    def _command(self) -> list[str]:
        settings = {"listen_addresses": HOST, "port": self.port, "unix_socket_directories": ""}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [
            *self._unprivileged(),
            str(self._programs / "postgres"),
            "-D",
            str(self.folder / "data"),
            *options,
        ]

    def _wait(self) -> None:
        until = time.monotonic() + _SECONDS_TO_START
        while not self._client("pg_isready", check=False):
            if not self._process.running or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL does not answer:\n{self._process.end_of_log()}")
            time.sleep(0.1)

    def _client(self, program: str, *arguments: str, check: bool = True) -> bool:
        reach = ("-h", HOST, "-p", str(self.port), "-U", USER)
        command = [str(self._programs / program), *reach, *arguments]
        environment = {**os.environ, "PGPASSWORD": self.password}
        done = subprocess.run(command, check=check, env=environment, stdout=subprocess.DEVNULL)
        return done.returncode == 0

    @staticmethod
    def _unprivileged() -> list[str]:
        if os.getuid() != 0:
            return []
        program = shutil.which("setpriv")
        if program is None:
            raise FileNotFoundError(
                "No setpriv, which runs PostgreSQL as another user: apt-get install util-linux"
            )
        return [program, f"--reuid={_NOBODY}", "--regid=nogroup", "--clear-groups", "--"]
