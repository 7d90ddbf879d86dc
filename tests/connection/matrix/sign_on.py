"""Single sign-on: a portal that hands out keys for a token, and somebody who has signed on."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from s3_assets.connection import S3Connection
from tests.connection.engines import ENGINES, Engine
from tests.connection.matrix.cells import observed
from tests.servers.session_keys import SessionKey, issue

START = "https://own.awsapps.com/start"
ACCESS_TOKEN = "signed-on"
REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Portal:
    endpoint: str
    home: Path
    key: SessionKey

    @property
    def key_id(self) -> str:
        return self.key.key_id

    def config(self, profile: str) -> str:
        return (
            f"[profile {profile}]\nsso_start_url = {START}\nsso_region = us-east-1\n"
            "sso_account_id = 123456789012\nsso_role_name = Engineer\n"
        )

    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL_SSO": self.endpoint}

    def round_trip(self, engine: Engine, connection: S3Connection) -> str:
        """Write and read in a fresh process whose home folder holds the token; returns how it was done."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.connection.matrix.sign_on", engine.name],
            input=pickle.dumps(connection),
            cwd=REPOSITORY,
            env={**os.environ, "HOME": str(self.home), "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            check=True,
            timeout=60,
        )
        return done.stdout.decode().strip()


@contextmanager
def single_sign_on(folder: Path) -> Iterator[Portal]:
    """Run a portal, and leave in a home folder what signing on leaves there."""
    key = issue(3600)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.headers.get("x-amz-sso_bearer_token") == ACCESS_TOKEN
            allowed &= self.path == "/federation/credentials?role_name=Engineer&account_id=123456789012"
            document = {
                "roleCredentials": {
                    "accessKeyId": key.key_id,
                    "secretAccessKey": key.secret,
                    "sessionToken": key.token,
                    "expiration": int(key.expires_at * 1000),
                }
            }
            content = json.dumps(document if allowed else {"message": "Session token not found"}).encode()
            self.send_response(200 if allowed else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            """Stay silent."""

    cache = folder / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    signed_on = {"startUrl": START, "region": "us-east-1", "accessToken": ACCESS_TOKEN, "expiresAt": until}
    name = hashlib.sha1(START.encode(), usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_text(json.dumps(signed_on))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Portal(f"http://127.0.0.1:{server.server_address[1]}", folder, key)
        server.shutdown()


def main(name: str) -> None:
    """Write and read with that engine through the connection on standard input."""
    connection: S3Connection = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the test that starts this
    (engine,) = (each for each in ENGINES if each.name == name)
    if engine.round_trip(connection) != [1, 2, 3]:
        raise SystemExit(1)
    sys.stdout.write(observed(engine, connection))


if __name__ == "__main__":
    main(sys.argv[1])
