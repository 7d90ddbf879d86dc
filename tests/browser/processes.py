"""Dagster's own processes, as in production: a code server, a webserver on it, and a daemon."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.child import running, wait_for_port
from tests.servers.programs import free_port

HOST = "127.0.0.1"
_WORKSPACE = """\
load_from:
  - grpc_server: {{ host: {host}, port: {port}, location_name: s3_assets }}
"""


@dataclass(frozen=True)
class Server:
    """A process that is about to listen on a port."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def address(self) -> str:
        """Where it listens, for a browser."""
        return f"http://{HOST}:{self.port}"

    def wait(self) -> None:
        """Return as soon as it listens: both kinds of server have loaded everything by then."""
        wait_for_port(self.process, self.port, self.log)


@contextmanager
def code_server(home: Path, variables: Mapping[str, str]) -> Iterator[Server]:
    """Serve the definitions of the registry for as long as the block lasts."""
    with _serving(home, variables, "dagster", "api", "grpc", "-m", "s3_assets.definitions") as server:
        (home / "workspace.yaml").write_text(_WORKSPACE.format(host=HOST, port=server.port))
        yield server


@contextmanager
def webserver(home: Path, variables: Mapping[str, str]) -> Iterator[Server]:
    """Serve the UI for as long as the block lasts; the code server has to run."""
    with _serving(home, variables, "dagster-webserver", "--workspace", "workspace.yaml") as server:
        yield server


@contextmanager
def daemon(home: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """Run what starts backfills and asks sensors, for as long as the block lasts; it needs both servers."""
    command = [_path("dagster-daemon"), "run", "--workspace", "workspace.yaml"]
    with running(command, home / "daemon.log", folder=home, variables=variables):
        yield


@contextmanager
def _serving(home: Path, variables: Mapping[str, str], program: str, *arguments: str) -> Iterator[Server]:
    port, log = free_port(), home / f"{program}.log"
    command = [_path(program), *arguments, "--host", HOST, "--port", str(port)]
    with running(command, log, folder=home, variables=variables) as process:
        yield Server(process, port, log)


def _path(program: str) -> str:
    return str(Path(sys.executable).with_name(program))
