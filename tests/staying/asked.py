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

SILENCE = 0.1
"""Seconds of silence that each connection allows; a whole answer may take 72 times as long."""
KEYS = AccessKeyAuth(access_key_id="key", secret_access_key="secret")
ROLE = "arn:aws:iam::444455556666:role/lake"

GATEWAY = "behind the gateway"
Question = Callable[[str], object]
"""Asks a server at this URL something."""


def to(endpoint: str, **settings: object) -> S3Connection:
    told = {
        "name": "lake",
        "url": "s3://lake/",
        "endpoint": endpoint,
        "region": "us-east-1",
        "auth": KEYS,
        "transport": Transport(connect_timeout=2, read_timeout=SILENCE, max_retries=0),
    }
    return S3Connection.model_validate(told | settings)


def _list_by_boto(endpoint: str) -> None:
    connection = to(endpoint)
    with diagnosed(connection, connection.url, Exception):
        boto.client(connection).list_objects_v2(Bucket="lake")


def _stream(endpoint: str) -> None:
    for _ in Objects(to(endpoint)).stream("key", 1024 * 1024):
        pass


def _role(endpoint: str) -> None:
    role = AssumeRole(role_arn=ROLE)
    connection = to("http://127.0.0.1:1", assume_role=(role,), service_endpoints={"sts": endpoint})
    credential_source(connection).current()


def _container(endpoint: str) -> None:
    variables = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{endpoint}/credentials"}
    with patch.dict(os.environ, variables):
        credential_source(to("http://127.0.0.1:1", auth=IamRoleAuth(source=RoleSource.METADATA))).current()


def _queue(endpoint: str) -> None:
    connection = to("http://127.0.0.1:1")
    with diagnosed(connection, endpoint, Exception):
        boto_queues.waiting(connection, f"{endpoint}/000000000000/orders")


def _metrics(endpoint: str) -> None:
    connection = to("http://127.0.0.1:1", service_endpoints={"cloudwatch": endpoint})
    with diagnosed(connection, endpoint, Exception):
        boto_metrics.metrics(connection)


def _catalog(catalog: object) -> None:
    connection = to("http://127.0.0.1:1", catalog=catalog)
    with catalog_errors(connection, "shop.orders"):
        open_catalog(connection).load_table(("shop", "orders"))


def _glue(endpoint: str) -> None:
    connection = to("http://127.0.0.1:1", catalog=GlueCatalogSettings(), service_endpoints={"glue": endpoint})
    with catalog_errors(connection, "shop.orders"):
        open_catalog(connection).load_table(("shop", "orders"))


def _rest(endpoint: str) -> None:
    _catalog(RestCatalogSettings(uri=endpoint, token="token"))


def _token(endpoint: str) -> None:
    oauth2 = OAuth2(client_id="id", client_secret="secret", server_uri=f"{endpoint}/token")
    _catalog(RestCatalogSettings(uri="http://127.0.0.1:1", oauth2=oauth2))


def _sql(endpoint: str) -> None:
    _catalog(SqlCatalogSettings(uri=f"postgresql+psycopg://user:word@{urlsplit(endpoint).netloc}/catalog"))


S3: dict[str, Question] = {
    **{
        each.name: (lambda endpoint, engine=each: engine.diagnosed_read(to(endpoint)))  # type: ignore[misc]  # its own engine
        for each in ENGINES
    },
    "a listing by boto3": _list_by_boto,
    "a listing by obstore": lambda endpoint: [*Objects(to(endpoint)).list_objects("folder/")],
    "a stream by obstore": _stream,
    GATEWAY: lambda endpoint: ENGINES[2].diagnosed_read(
        to(endpoint, transport=Transport(read_timeout=SILENCE, max_retries=0, max_connections=2))
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
