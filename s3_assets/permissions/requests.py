"""One request of a probe: sent with the connection's boto3 client, and judged by its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters import boto
from s3_assets.connection.diagnosis import diagnose
from s3_assets.errors import (
    AccessDeniedError,
    AccessError,
    BucketMissingError,
    QueueMissingError,
    RequestTimeoutError,
    S3AssetsError,
    SettingError,
    UnreachableError,
)
from s3_assets.permissions.findings import Finding, Verdict, refused, untested

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from s3_assets.connection.settings import S3Connection

# After these, no other request of the connection can tell anything.
_HOPELESS = (
    AccessError,
    BucketMissingError,
    QueueMissingError,
    RequestTimeoutError,
    SettingError,
    UnreachableError,
)

Answer = dict[str, Any]


class Requests:
    """Sends a connection's requests one by one; after one that says that all will fail, none is sent."""

    def __init__(self, connection: S3Connection, show: Callable[[str], None] | None = None) -> None:
        self._connection = connection
        self._show = show
        self._clients: dict[str, Any] = {}
        self._hopeless = ""

    def give_up(self, why: str) -> None:
        """Send nothing more."""
        self._hopeless = why

    def send(
        self,
        action: str,
        resource: str,
        operation: str,
        *,
        service: str = "s3",
        fine: tuple[str, ...] = (),
        parameters: Mapping[str, object] | None = None,
    ) -> tuple[Finding, Answer | None]:
        """Call boto3's method `operation`; return what it proves of the action, and its answer.

        `fine` are the error codes that tell of anything but a missing permission.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        if self._hopeless:
            return untested(action, resource, self._hopeless), None
        if self._show is not None:
            self._show(f"{action} on {resource}")
        try:
            answer: Answer = getattr(self._client(service), operation)(**parameters or {})
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in fine:
                return Finding(Verdict.OK, action, resource), None
            return self._refused(action, resource, self._meaning(error)), None
        except (BotoCoreError, ResponseParserError) as error:
            # The latter is what a server gets that is none of S3 and answers with a page.
            return self._refused(action, resource, self._meaning(error)), None
        except S3AssetsError as error:
            # There are no credentials to make a client with.
            return self._refused(action, resource, error.at(connection=self._connection.name)), None
        return Finding(Verdict.OK, action, resource), answer

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
        if service not in self._clients:
            self._clients[service] = boto.client(self._connection, service)
        return self._clients[service]

    def _meaning(self, error: Exception) -> S3AssetsError:
        return diagnose(error, self._connection, self._connection.url)

    def _refused(self, action: str, resource: str, error: S3AssetsError) -> Finding:
        if isinstance(error, _HOPELESS) and not isinstance(error, AccessDeniedError):
            self._hopeless = f"not tried, since {error.found[:1].lower()}{error.found[1:]}"
        return refused(action, resource, error)
