"""AWS Glue, on the embedded server."""

from collections.abc import Iterator
from typing import Any

import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import CommitConflictError, SettingError, TableMissingError, UnsupportedError
from s3_assets.tables.catalogs.failures import catalog_errors
from s3_assets.tables.iceberg_settings import IcebergSettings
from tests.conftest import boto_client
from tests.tables.catalogs.conftest import create, find, live, load, numbers, rows


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("glue"), services=("s3", "sts", "iam", "glue")) as running:
        boto_client(running).create_bucket(Bucket="glue-bucket")
        yield running


def connect(server: EmbeddedServer, **catalog: Any) -> S3Connection:
    return S3Connection.model_validate(
        {
            "name": "lake",
            "url": "s3://glue-bucket/",
            "endpoint": server.endpoint_url,
            "service_endpoints": {"glue": server.endpoint_url},
            "region": "us-east-1",
            "auth": AccessKeyAuth(access_key_id="test", secret_access_key="test"),
            "catalog": {"type": "glue", **catalog},
        }
    )


def test_a_table_lives_in_glue(server: EmbeddedServer) -> None:
    live(connect(server), "life.orders")


def test_the_account_is_named_in_every_request(server: EmbeddedServer) -> None:
    connection = connect(server, catalog_id="123456789012")
    catalog, _ = find(connection, "account.orders")
    seen: list[tuple[str, Any]] = []
    catalog.glue.meta.events.register(  # type: ignore[attr-defined]
        "before-parameter-build.glue",
        lambda params, model, **_: seen.append((model.name, params.get("CatalogId"))),
    )

    create(connection, "account.orders").append(rows(1))
    assert numbers(load(connection, "account.orders")) == [1]

    assert {account for _, account in seen} == {"123456789012"}
    assert {"CreateDatabase", "GetDatabase", "CreateTable", "GetTable", "UpdateTable"} <= {
        name for name, _ in seen
    }


def test_a_stale_writer_is_beaten(server: EmbeddedServer) -> None:
    connection = connect(server)
    with create(connection, "races.orders").transaction() as transaction:
        transaction.set_properties({"commit.retry.num-retries": "0"})
    first, second = load(connection, "races.orders"), load(connection, "races.orders")
    first.append(rows(1))

    with pytest.raises(CommitConflictError), catalog_errors(connection, "orders"):
        second.append(rows(2))
    assert numbers(load(connection, "races.orders")) == [1]


def test_what_is_not_an_iceberg_table_is_told(server: EmbeddedServer) -> None:
    glue = boto_client(server, "glue")
    glue.create_database(DatabaseInput={"Name": "other"})
    glue.create_table(
        DatabaseName="other", TableInput={"Name": "csv", "Parameters": {"table_type": "EXTERNAL_TABLE"}}
    )
    connection = connect(server)

    with pytest.raises(UnsupportedError, match="no Iceberg table"):
        load(connection, "other.csv")
    with pytest.raises(TableMissingError):
        load(connection, "other.missing")
    with pytest.raises(TableMissingError):
        load(connection, "nowhere.orders")


def test_names_and_catalogs_have_to_fit(server: EmbeddedServer) -> None:
    with pytest.raises(SettingError, match=r"'a\.b\.c' is no name in Glue.*Write database\.table"):
        find(connect(server), "a.b.c")
    with pytest.raises(
        SettingError, match="the table has a 'warehouse_path', and its connection has a catalog"
    ):
        _find(connect(server), warehouse_path="orders")
    bare = connect(server).model_copy(update={"catalog": None})
    with pytest.raises(SettingError, match=r"called 'db\.orders' in a catalog, and its connection has none"):
        find(bare)
    unity = {"type": "unity", "uri": "https://workspace.example.com", "token": "t"}
    with pytest.raises(SettingError, match=r"'db\.orders' is no name in Unity Catalog"):
        find(connect(server, **unity))


def _find(connection: S3Connection, **table: Any) -> None:
    from s3_assets.tables.catalogs import catalog_of

    catalog_of(connection, IcebergSettings(connection=connection.name, **table))
