"""The identity server as tests use it: metadata services and STS, with keys that live for seconds."""

import dataclasses
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.child import running_module
from tests.servers.identity.metadata import CONTAINER
from tests.servers.identity.process import CALLS, SETTINGS
from tests.servers.identity.settings import Call, Role, Settings, read_calls, read_settings, write_settings
from tests.servers.identity.sts import ACCOUNT

_PROCESS = Path(__file__).with_name("credential_process.py")


@dataclass(frozen=True)
class IdentityServer:
    """A running server: IMDSv2, the container protocol and STS on one endpoint."""

    endpoint: str
    folder: Path

    @property
    def settings(self) -> Settings:
        """What is in force."""
        return read_settings(self.folder / SETTINGS)

    def change(self, **fields: Any) -> None:
        """Put other settings in force, for all requests from now on."""
        write_settings(self.folder / SETTINGS, dataclasses.replace(self.settings, **fields))

    def calls(self, service: str | None = None, action: str | None = None) -> list[Call]:
        """What it was asked so far, such as `calls("sts", "AssumeRole")`."""
        return [
            call
            for call in read_calls(self.folder / CALLS)
            if service in {None, call.service} and action in {None, call.action}
        ]

    def issued(self) -> list[str]:
        """The ids of the keys that it handed out, each once, in their order."""
        return list(dict.fromkeys(call.issued for call in self.calls() if call.issued is not None))

    def add_user(self, key_id: str, secret: str) -> None:
        """Have STS know a user's keys."""
        self.change(users={**self.settings.users, key_id: secret})

    def add_role(self, name: str, role: Role | None = None) -> str:
        """Have STS know a role; returns its ARN."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        self.change(roles={**self.settings.roles, arn: role or Role()})
        return arn

    def use_container_token(self, token: str) -> Path:
        """Accept this token alone, and write it into the file that clients read."""
        self.change(container_token=token)
        return self._write("container-token", token)

    @property
    def container_url(self) -> str:
        """The full URI of the container protocol."""
        return f"{self.endpoint}{CONTAINER}"

    def instance_environment(self) -> dict[str, str]:
        """What makes botocore ask IMDS."""
        return {
            "AWS_EC2_METADATA_DISABLED": "false",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{self.endpoint}/",
        }

    def container_environment(self) -> dict[str, str]:
        """What a pod or a task has in its environment."""
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.container_url,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(self._container_token_file()),
        }

    def web_identity_environment(self, role_arn: str, token: str, session: str = "tests") -> dict[str, str]:
        """What a pod with a service account has in its environment, with STS at this endpoint."""
        return {
            "AWS_ROLE_ARN": role_arn,
            "AWS_ROLE_SESSION_NAME": session,
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(self._write("web-identity-token", token)),
            **self.sts_environment(),
        }

    def sts_environment(self) -> dict[str, str]:
        """What sends botocore's STS clients here."""
        return {"AWS_ENDPOINT_URL_STS": self.endpoint, "AWS_REGION": "us-east-1"}

    def credential_process(self) -> str:
        """A command for a profile's `credential_process`; its keys are those of the container protocol."""
        command = [sys.executable, "-S", str(_PROCESS), self.container_url, str(self._container_token_file())]
        return shlex.join(command)

    def _container_token_file(self) -> Path:
        return self._write("container-token", self.settings.container_token)

    def _write(self, name: str, token: str) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(token)
        return path


@contextmanager
def identity_server(folder: Path, settings: Settings | None = None) -> Iterator[IdentityServer]:
    """Run one for as long as the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    write_settings(folder / SETTINGS, settings or Settings())
    with running_module("tests.servers.identity.process", str(folder)) as port:
        yield IdentityServer(f"http://127.0.0.1:{port}", folder)
