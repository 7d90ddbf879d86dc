"""Operations that faults happen to: each is prepared without any, run through the proxy, and looked at.

What must be there afterwards is computed in plain Python and read by software that is not ours.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from s3_assets.connection import AccessKeyAuth, S3Connection, Transport
from tests.faults.faults import SILENCE

CONNECTION = "lake"


def connection(endpoint: str, bucket: str, *, patience: float = SILENCE, **more: Any) -> S3Connection:
    """A connection that gives up soon, and tries nothing more than twice."""
    told = {
        "name": CONNECTION,
        "url": f"s3://{bucket}/",
        "endpoint": endpoint,
        "region": "us-east-1",
        "auth": AccessKeyAuth(access_key_id="test", secret_access_key="test"),
        "transport": Transport(connect_timeout=patience, read_timeout=patience, max_retries=1),
        **more,
    }
    return S3Connection.model_validate(told)


class Operation(ABC):
    """One operation, and the state that it is run on."""

    name: ClassVar[str]
    names_its_table: ClassVar[bool] = True
    """Whether its errors name a table, beside the connection."""

    direct: str
    """The server's own endpoint, past the proxy."""

    def reach(self, endpoint: str, bucket: str, **more: Any) -> S3Connection:
        """A connection that gives up soon where the faults are, and not on a server that has much to do."""
        return connection(endpoint, bucket, patience=60.0 if endpoint == self.direct else SILENCE, **more)

    @abstractmethod
    def prepare(self) -> None:
        """Make a fresh state, past the proxy."""

    @abstractmethod
    def run(self, endpoint: str) -> Any:
        """Do it."""

    @abstractmethod
    def check(self, found: Any) -> None:
        """Raise `AssertionError` unless everything is as a run without faults leaves it, and told `found`."""

    def follow(self) -> None:  # noqa: B027 - nothing follows a read
        """Do what comes next, past the proxy; raise `AssertionError` if anything is wrong or left behind."""
