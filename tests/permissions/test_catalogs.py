"""The actions on Glue that a policy allows: by shape, and as PyIceberg asks for them."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from s3_assets import Registry
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.permissions import Service, policies
from s3_assets.tables.catalogs import catalog_of
from s3_assets.tables.catalogs.kept import close_catalogs
from tests.conftest import boto_client

ACCOUNT = "123456789012"
SERVICE = Service("eu-central-1")


@pytest.fixture
def server(tmp_path: Any) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path / "glue", services=("s3", "sts", "glue")) as running:
        boto_client(running).create_bucket(Bucket="lake")
        yield running
    close_catalogs()


def registry(connection: dict[str, Any], catalog: dict[str, Any] | None = None) -> Registry:
    daily = {"column": "date", "start": "2026-01-05"}
    told = {"connection": "lake", "format": "iceberg", "partitions": daily}
    sections: dict[str, Any] = {
        "connections": {
            "lake": {"url": "s3://lake/", "catalog": {"type": "glue", **(catalog or {})}, **connection}
        },
        "tables": {
            "orders": {**told, "table": "sales.orders"},
            "clients": {**told, "table": "sales.clients"},
            "daily": {**told, "table": "reports.daily"},
        },
        "imports": {"daily": {"source": "orders", "target": "daily", "mode": "replace"}},
    }
    return Registry(**sections)


def allowed(found: Registry) -> dict[str, Any]:
    (document,) = policies(found, "lake", SERVICE)
    return {each["Sid"]: each for each in document.as_json()["Statement"]}


def test_reading_and_writing_are_allowed_on_catalog_database_and_table() -> None:
    said = allowed(registry({"region": "eu-central-1"}))

    arn = "arn:aws:glue:eu-central-1:*:"
    assert said["ReadCatalog"] == {
        "Sid": "ReadCatalog",
        "Effect": "Allow",
        "Action": ["glue:GetTable"],
        "Resource": [
            f"{arn}catalog",
            f"{arn}database/sales",
            f"{arn}database/reports",
            f"{arn}table/sales/orders",
            f"{arn}table/sales/clients",
            f"{arn}table/reports/daily",
        ],
    }
    assert said["WriteCatalog"]["Resource"] == [
        f"{arn}catalog",
        f"{arn}database/reports",
        f"{arn}table/reports/daily",
    ]


def test_a_catalog_of_another_account_is_named() -> None:
    said = allowed(registry({"region": "eu-central-1"}, {"catalog_id": ACCOUNT}))

    assert {resource.split(":")[4] for resource in said["WriteCatalog"]["Resource"]} == {ACCOUNT}


def test_other_catalogs_are_their_owners_affair() -> None:
    rest = {"type": "rest", "uri": "https://catalog.example.com"}

    assert {*allowed(registry({"region": "eu-central-1"}, rest))} == {
        "ListTables",
        "ReadTables",
        "WriteTables",
    }


def test_what_is_asked_is_what_is_allowed(server: EmbeddedServer) -> None:
    here = {
        "endpoint": server.endpoint_url,
        "service_endpoints": {"glue": server.endpoint_url},
        "region": "us-east-1",
        "auth": {"type": "access_key", "access_key_id": "test", "secret_access_key": "test"},
    }
    found = registry(here)
    settings = found.tables["daily"]
    catalog, name = catalog_of(found.connections["lake"], settings)  # type: ignore[arg-type] # it is Iceberg
    asked: list[str] = []
    catalog.glue.meta.events.register(  # type: ignore[attr-defined] # of the Glue catalog
        "before-parameter-build.glue", lambda model, **_: asked.append(f"glue:{model.name}")
    )
    said = allowed(found)

    catalog.create_namespace_if_not_exists(name[:-1])
    catalog.create_table(name, pa.schema({"n": pa.int64()}), "s3://lake/daily").append(pa.table({"n": [1]}))
    assert {*asked} == {*said["ReadCatalog"]["Action"], *said["WriteCatalog"]["Action"]}

    asked.clear()
    assert catalog.load_table(name).scan().to_arrow().num_rows == 1
    assert {*asked} == {*said["ReadCatalog"]["Action"]}
