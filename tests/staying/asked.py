"""All that is asked of servers, each by one small question: engines, listings, keys, catalogs, queues."""

import os
from collections.abc import Callable
from unittest.mock import patch
from urllib.parse import urlsplit

from s3_assets.connection import AccessKeyAuth, AssumeRole, IamRoleAuth, S3Connection, Transport
from s3_assets.connection.adapters import boto, boto_metrics, boto_queues
from s3_assets.connection.auth import RoleSource
from s3_assets.connection.catalogs import GlueCatalogSettings, OAuth2, RestCatalogSettings, SqlCatalogSettings
from s3_assets.connection.credentials import credential_source
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.objects import Objects
from s3_assets.tables.catalogs.failures import catalog_errors
from s3_assets.tables.catalogs.opening import open_catalog
from tests.connection.engines import ENGINES


class Hasty(Transport):
    """Silence may last long, and a whole answer may not: so nothing else ends a request that trickles."""

    @property
    def whole_request(self) -> float:
        return 2.0


SILENCE = Transport(connect_timeout=2, read_timeout=0.1, max_retries=0)
"""Silence may last a moment."""
HASTE = Hasty(connect_timeout=20, read_timeout=20, max_retries=0)

KEYS = AccessKeyAuth(access_key_id="key", secret_access_key="secret")
ROLE = "arn:aws:iam::444455556666:role/lake"

GATEWAY = "behind the gateway"
Question = Callable[[str, Transport], object]
"""Asks a server at this URL something, with these time limits."""


def to(endpoint: str, transport: Transport, **settings: object) -> S3Connection:
    told = {
        "name": "lake",
        "url": "s3://lake/",
        "endpoint": endpoint,
        "region": "us-east-1",
        "auth": KEYS,
        "transport": transport,
    }
    return S3Connection.model_validate(told | settings)


def _list_by_boto(endpoint: str, transport: Transport) -> None:
    connection = to(endpoint, transport)
    with diagnosed(connection, connection.url, Exception):
        boto.client(connection).list_objects_v2(Bucket="lake")


def _stream(endpoint: str, transport: Transport) -> None:
    for _ in Objects(to(endpoint, transport)).stream("key", 1024 * 1024):
        pass


def _role(endpoint: str, transport: Transport) -> None:
    role = AssumeRole(role_arn=ROLE)
    connection = to("http://127.0.0.1:1", transport, assume_role=(role,), service_endpoints={"sts": endpoint})
    credential_source(connection).current()


def _container(endpoint: str, transport: Transport) -> None:
    variables = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{endpoint}/credentials"}
    with patch.dict(os.environ, variables):
        credential_source(
            to("http://127.0.0.1:1", transport, auth=IamRoleAuth(source=RoleSource.METADATA))
        ).current()


def _queue(endpoint: str, transport: Transport) -> None:
    connection = to("http://127.0.0.1:1", transport)
    with diagnosed(connection, endpoint, Exception):
        boto_queues.waiting(connection, f"{endpoint}/000000000000/orders")


def _metrics(endpoint: str, transport: Transport) -> None:
    connection = to("http://127.0.0.1:1", transport, service_endpoints={"cloudwatch": endpoint})
    with diagnosed(connection, endpoint, Exception):
        boto_metrics.metrics(connection)


def _catalog(transport: Transport, catalog: object) -> None:
    connection = to("http://127.0.0.1:1", transport, catalog=catalog)
    with catalog_errors(connection, "shop.orders"):
        open_catalog(connection).load_table(("shop", "orders"))


def _glue(endpoint: str, transport: Transport) -> None:
    connection = to(
        "http://127.0.0.1:1", transport, catalog=GlueCatalogSettings(), service_endpoints={"glue": endpoint}
    )
    with catalog_errors(connection, "shop.orders"):
        open_catalog(connection).load_table(("shop", "orders"))


def _rest(endpoint: str, transport: Transport) -> None:
    _catalog(transport, RestCatalogSettings(uri=endpoint, token="token"))


def _token(endpoint: str, transport: Transport) -> None:
    oauth2 = OAuth2(client_id="id", client_secret="secret", server_uri=f"{endpoint}/token")
    _catalog(transport, RestCatalogSettings(uri="http://127.0.0.1:1", oauth2=oauth2))


def _sql(endpoint: str, transport: Transport) -> None:
    _catalog(
        transport,
        SqlCatalogSettings(uri=f"postgresql+psycopg://user:word@{urlsplit(endpoint).netloc}/catalog"),
    )


S3: dict[str, Question] = {
    **{
        each.name: (lambda endpoint, transport, engine=each: engine.diagnosed_read(to(endpoint, transport)))  # type: ignore[misc]  # its own engine
        for each in ENGINES
    },
    "a listing by boto3": _list_by_boto,
    "a listing by obstore": lambda endpoint, transport: [
        *Objects(to(endpoint, transport)).list_objects("folder/")
    ],
    "a stream by obstore": _stream,
    GATEWAY: lambda endpoint, transport: ENGINES[2].diagnosed_read(
        to(endpoint, transport.model_copy(update={"max_connections": 2}))
    ),
}
OTHERS: dict[str, Question] = {
    "STS": _role,
    "credentials of a container": _container,
    "SQS": _queue,
    "CloudWatch": _metrics,
    "Glue": _glue,
    "a REST catalog": _rest,
    "a server of tokens": _token,
    "a catalog in PostgreSQL": _sql,
}
