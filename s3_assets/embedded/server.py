"""The embedded S3 server: ministack, as a process of its own, on loopback only."""

import atexit
import http.client
import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from s3_assets.embedded import environment, process, record
from s3_assets.embedded.errors import EmbeddedServerError
from s3_assets.embedded.record import ServerRecord
from s3_assets.embedded.virtual_environment import exclusive

HOST = "127.0.0.1"
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"  # noqa: S105 - the server accepts any, and listens on loopback only
REGION = "us-east-1"
LOG = "server.log"
TAIL_LINES = 20
ATTEMPTS = 3


class EmbeddedServer:
    """An S3 server whose data lives in `folder` and outlives it, be it stopped or killed.

    One server runs per folder: one that runs already is used as it is. Objects are on disk when their put is
    answered; empty buckets, users and keys only after an orderly stop.

    Args:
        folder: data, log and pid file; made if it is not there.
        port: 0 picks a free one.
        require_known_keys: refuse keys that no user of the server owns. `test`, the root user, is always let
            in, with any secret: wrong secrets show with keys made through IAM.
        services: what it offers besides; `glue`, `sqs`, `cloudwatch` are among those it knows.
        keep: leave it running when the `with` block or this program ends.
        deadline: seconds that starting, or stopping politely, may take.

    """

    def __init__(
        self,
        folder: Path | str,
        *,
        port: int = 0,
        require_known_keys: bool = False,
        services: Sequence[str] = ("s3", "sts", "iam"),
        keep: bool = False,
        deadline: float = 30.0,
    ) -> None:
        self.folder = Path(folder).absolute()
        self.require_known_keys = require_known_keys
        self.services = tuple(services)
        self.keep = keep
        self.deadline = deadline
        self._wanted_port = port
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The port that it listens on.

        Raises:
            EmbeddedServerError: it does not run.

        """
        return self._record().port

    @property
    def pid(self) -> int:
        """The number of its process.

        Raises:
            EmbeddedServerError: it does not run.

        """
        return self._record().pid

    @property
    def endpoint_url(self) -> str:
        """The address for S3 clients.

        Raises:
            EmbeddedServerError: it does not run.

        """
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """The file that it logs to."""
        return self.folder / LOG

    def running(self) -> bool:
        """Whether a server runs on the folder and answers, whoever started it."""
        known = self._alive()
        return known is not None and _answers(known.port, known.token)

    def start(self) -> Self:
        """Start it and wait until it answers; one that runs on the folder already is used.

        Raises:
            EmbeddedServerError: the port is taken, a server with other options runs on the folder, or it did
                not come up in time; the message ends with the end of its log.

        """
        self.folder.mkdir(parents=True, exist_ok=True)
        interpreter = environment.interpreter()
        with exclusive(self.folder / "server.lock"):
            known = self._alive()
            if known is not None:
                self._check_same(known)
                if self._comes_up(known):
                    return self
                # It was on its way out, or hangs.
                self.stop()
            record.remove(self.folder)
            self._launch(interpreter)
        if not self.keep:
            atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """Stop the folder's server, whoever started it; nothing happens if none runs.

        Raises:
            EmbeddedServerError: it did not even end when killed.

        """
        atexit.unregister(self.stop)
        known = self._alive()
        if known is not None and not process.end(known.pid, known.started, deadline=self.deadline):
            raise EmbeddedServerError(f"The embedded server (process {known.pid}) does not end.")
        if self._child is not None:
            # Whoever started a process has to take note of its end.
            self._child.wait()
            self._child = None
        record.remove(self.folder)

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it, if this very object started it and was not told to keep it."""
        if self._child is not None and not self.keep:
            self.stop()

    def _alive(self) -> ServerRecord | None:
        known = record.read(self.folder)
        return known if known and process.start_time(known.pid) == known.started else None

    def _record(self) -> ServerRecord:
        known = self._alive()
        if known is None:
            raise EmbeddedServerError(f"No embedded server runs on {self.folder}.", remedy="Start it first.")
        return known

    def _check_same(self, known: ServerRecord) -> None:
        if self._wanted_port not in (0, known.port):
            difference = f"on port {known.port}, not on {self._wanted_port}"
        elif known.require_known_keys != self.require_known_keys:
            difference = f"with require_known_keys={known.require_known_keys}"
        elif not set(self.services) <= set(known.services):
            difference = f"with the services {', '.join(known.services)} only"
        else:
            return
        raise EmbeddedServerError(
            f"A server runs on {self.folder} already (process {known.pid}), {difference}.",
            remedy="Stop it, or take another folder.",
        )

    def _launch(self, interpreter: Path) -> None:
        if self._wanted_port and _taken(self._wanted_port):
            raise EmbeddedServerError(
                f"Port {self._wanted_port} of {HOST} is in use by another program.",
                remedy="Take another port, or 0 for any that is free.",
            )
        # A free port may be taken a moment later; only for a port of our own choice is another as good.
        for attempts_left in reversed(range(1 if self._wanted_port else ATTEMPTS)):
            port = self._wanted_port or _free_port()
            token = secrets.token_hex(8)
            with self.log.open("ab") as log:
                self._child = subprocess.Popen(
                    [str(interpreter), "-m", "ministack"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    env=self.variables(port, token),
                    start_new_session=True,  # a Ctrl-C in the terminal is not meant for it
                )
            started = process.start_time(self._child.pid) or ""
            known = ServerRecord(
                pid=self._child.pid,
                started=started,
                port=port,
                token=token,
                require_known_keys=self.require_known_keys,
                services=self.services,
            )
            known.write(self.folder)
            try:
                self._wait(known)
            except EmbeddedServerError:
                self.stop()
                if not (attempts_left and _taken(port)):
                    raise
            except BaseException:
                # Such as a Ctrl-C.
                self.stop()
                raise
            else:
                return

    def _comes_up(self, known: ServerRecord) -> bool:
        """Wait until it answers, ends, or the deadline passes; say whether it answers."""
        until = time.monotonic() + self.deadline
        while time.monotonic() < until and process.start_time(known.pid) == known.started:
            if _answers(known.port, known.token):
                return True
            time.sleep(process.POLL_SECONDS)
        return False

    def _wait(self, known: ServerRecord) -> None:
        if not self._comes_up(known):
            ended = process.start_time(known.pid) != known.started
            problem = "ended before it answered" if ended else f"did not answer within {self.deadline:g} s"
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
            raise EmbeddedServerError(
                f"The embedded server on {HOST}:{known.port} {problem}. The end of {self.log}:\n{tail}"
            )

    def variables(self, port: int, token: str) -> dict[str, str]:
        """Return the whole environment of the server's process."""
        # Nothing of the caller's reaches the server, least of all credentials.
        return {
            "PATH": os.defpath,
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "PYTHONUTF8": "1",
            "PYTHONUNBUFFERED": "1",
            "LOG_LEVEL": "WARNING",
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(port),
            "MINISTACK_EDITION": token,
            "SERVICES": ",".join(self.services),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.folder / "objects"),
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.folder / "state"),
            "AUTH": str(self.require_known_keys).lower(),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            # It would listen for devices and file transfers too, and tidy up containers of this machine.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{self.folder / 'no-docker.sock'}",
        }


def _answers(port: int, token: str) -> bool:
    """Whether the very server that was given the token answers on the port."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/_ministack/health")
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(answer, dict) and answer.get("edition") == token


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
