"""A loopback endpoint that hands out credentials, for engines that can only ask for them over HTTP.

It is a process of its own: delta-rs keeps Python's interpreter lock while it reads a table, and a thread of
this process could not answer it then. The child resolves and refreshes the credentials with botocore as this
process does, and ends with it.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import pickle
import secrets
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from s3_assets.connection.ambient import with_ambient_settings
from s3_assets.errors import CredentialsMissingError

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection

_lock = threading.Lock()
_endpoints: dict[frozenset[tuple[str, str]], _Endpoint] = {}


@dataclass(frozen=True)
class CredentialUrl:
    """Where one connection's credentials are handed out, and the file that holds the token to show."""

    url: str
    token_file: str


def publish(connection: S3Connection) -> CredentialUrl:
    """Hand out this connection's credentials on loopback for as long as the process lives."""
    with with_ambient_settings():
        environment = dict(os.environ)
    # The variables are the child's own: where they have changed, so may have the identity.
    settings = frozenset(each for each in environment.items() if each[0].startswith(("AWS_", "HOME")))
    with _lock:
        endpoint = _endpoints.get(settings)
        # A forked child must not talk to its parent's server, and a server may have been killed.
        if endpoint is None or not endpoint.usable:
            endpoint = _endpoints[settings] = _Endpoint(environment)
        return endpoint.add(connection)


class _Endpoint:
    def __init__(self, environment: dict[str, str]) -> None:
        self._owner = os.getpid()
        self._paths: dict[S3Connection, str] = {}
        token = secrets.token_urlsafe(32)
        descriptor, self._token_file = tempfile.mkstemp(prefix="s3-assets-", suffix=".token")
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(token)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "s3_assets.connection.credential_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._port = self._tell({"token": token})["port"]
        atexit.register(self._end)

    @property
    def usable(self) -> bool:
        return self._owner == os.getpid() and self._process.poll() is None

    def add(self, connection: S3Connection) -> CredentialUrl:
        path = self._paths.get(connection)
        if path is None:
            path = f"/{secrets.token_urlsafe(16)}"
            # Through a pipe that only the child reads; a dump of the model would leave the secrets out.
            self._tell({"path": path, "connection": base64.b64encode(pickle.dumps(connection)).decode()})
            self._paths[connection] = path
        return CredentialUrl(f"http://127.0.0.1:{self._port}{path}", self._token_file)

    def _tell(self, order: dict[str, str]) -> dict[str, int]:
        stdin, stdout = self._process.stdin, self._process.stdout
        answer = ""
        if stdin is not None and stdout is not None:
            stdin.write(f"{json.dumps(order)}\n")
            stdin.flush()
            answer = stdout.readline()
        if not answer:
            raise CredentialsMissingError(
                f"the process that hands out credentials ended with {self._process.wait(10)}",
                remedy="Its standard error says why.",
            )
        told: dict[str, int] = json.loads(answer)
        return told

    def _end(self) -> None:
        if self._owner != os.getpid():
            return
        Path(self._token_file).unlink(missing_ok=True)
        # The end of its orders is its own end.
        self._process.communicate()
