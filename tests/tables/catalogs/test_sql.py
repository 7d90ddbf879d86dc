"""Catalogs in PostgreSQL and SQLite."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from s3_assets.connection import SecretReference
from s3_assets.connection.catalogs import SqlCatalogSettings
from s3_assets.errors import (
    AccessDeniedError,
    AccessError,
    CommitConflictError,
    S3AssetsError,
    SettingError,
    TableMissingError,
    UnreachableError,
)
from s3_assets.tables.catalogs.failures import catalog_errors
from s3_assets.tables.catalogs.sql import _made as made
from tests.servers.postgres import Postgres
from tests.tables.catalogs.conftest import create, find, live, load, numbers, rows
from tests.tables.formats import Place


@pytest.fixture
def database(postgres: Postgres) -> Postgres:
    """The server, with an empty database."""
    engine = create_engine(postgres.url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return postgres


def sql(uri: object, **fields: Any) -> dict[str, Any]:
    return {"type": "sql", "uri": uri, **fields}


def test_a_table_lives_in_sqlite(place: Place, tmp_path: Path) -> None:
    live(place.connection(catalog=sql(f"sqlite:///{tmp_path}/catalog.db")))


def test_a_table_lives_in_postgresql(
    place: Place, database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATALOG_URI", database.url())
    connection = place.connection(catalog=sql(SecretReference(env="CATALOG_URI"), catalog_name="ours"))

    live(connection)

    table = create(connection)
    assert database.password not in repr(table.io.properties) + repr(find(connection)[0].properties)
    assert database.password.encode() not in pickle.dumps(table.io)
    engine = create_engine(database.url())
    with engine.connect() as looking:
        found = looking.execute(text("SELECT catalog_name, table_namespace, table_name FROM iceberg_tables"))
        assert [tuple(row) for row in found] == [("ours", "db", "orders")]
    engine.dispose()


def test_catalogs_of_two_names_are_apart(place: Place, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/catalog.db"
    create(place.connection(catalog=sql(uri, catalog_name="one")))

    with pytest.raises(TableMissingError, match="the catalog has no such table"):
        load(place.connection(catalog=sql(uri, catalog_name="two")))


def test_of_two_writers_one_is_beaten(place: Place, database: Postgres) -> None:
    connection = place.connection(catalog=sql(database.url()))
    create(connection, "db.orders")
    first, second = load(connection), load(connection)
    with first.transaction() as transaction:
        transaction.set_properties({"commit.retry.num-retries": "0"})
    second.refresh()
    first.append(rows(1))

    with pytest.raises(CommitConflictError), catalog_errors(connection, "orders"):
        second.append(rows(2))
    assert numbers(load(connection)) == [1]


def test_who_makes_the_catalogs_tables_at_once_gets_it(place: Place, database: Postgres) -> None:
    """Processes do that; these are threads that share nothing, since four processes take long to start."""
    connection = place.connection(catalog=sql(database.url()))
    settings = connection.catalog
    assert isinstance(settings, SqlCatalogSettings)
    start = threading.Barrier(4)

    def make(_: int) -> object:
        start.wait()
        with made(connection, settings, database.url()) as catalog:
            return catalog.list_namespaces()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(make, range(4))) == [[]] * 4


def test_what_a_database_refuses_is_told_without_its_password(place: Place, database: Postgres) -> None:
    wrong = place.connection(
        catalog=sql(database.url(password="wrong/p@ss".replace("/", "%2F").replace("@", "%40")))
    )
    refused = _failure(wrong, AccessError)
    assert "authentication failed" in refused
    assert "wrong" not in refused
    assert "does not exist" in _failure(
        place.connection(catalog=sql(database.url("nowhere"))), UnreachableError
    )
    gone = database.url().replace(str(database.port), "1")
    assert "database failed" in _failure(place.connection(catalog=sql(gone)), UnreachableError)


def test_a_database_that_may_only_be_read_is_told(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "catalog.db"
    connection = place.connection(catalog=sql(f"sqlite:///{file}"))
    create(connection)
    reading = place.connection(catalog=sql(f"sqlite:///file:{file}?mode=ro&uri=true"))
    assert numbers(load(reading)) == []

    with pytest.raises(AccessDeniedError, match="readonly database"):
        create(reading, "db.more")


@pytest.mark.parametrize(
    "uri",
    [
        "nonsense",
        "mysql://us:secret-word@host/db",
        "postgresql+psycopg://us:secret-word@host:port/db",
        "sqlite://",
    ],
    ids=["no URL", "another database", "no port", "in memory"],
)
def test_what_is_no_url_of_a_database_is_told_without_quoting_it(place: Place, uri: str) -> None:
    refused = _failure(place.connection(catalog=sql(uri)), SettingError)

    assert "the catalog's 'uri' " in refused
    assert "secret-word" not in refused


def _failure(connection: Any, kind: type[S3AssetsError]) -> str:
    with pytest.raises(kind) as failure:
        load(connection)
    assert failure.value.__cause__ is None
    return str(failure.value)
