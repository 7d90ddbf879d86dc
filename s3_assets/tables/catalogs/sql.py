"""A catalog in tables of PostgreSQL or SQLite."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from s3_assets.connection.adapters.pyiceberg import properties
from s3_assets.connection.secrets import read_secret
from s3_assets.errors import SettingError
from s3_assets.tables.catalogs.kept import kept

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

    from s3_assets.connection.catalogs import SqlCatalogSettings
    from s3_assets.connection.settings import S3Connection
    from s3_assets.connection.transport import Transport

_DATABASES = ("postgresql", "sqlite")
_OF_LIBPQ = ("psycopg", "psycopg2")
_IN_MEMORY = (None, "", ":memory:")


def sql_catalog(connection: S3Connection, settings: SqlCatalogSettings) -> Catalog:
    """Return the process's one catalog of that database; its tables are made there if it has none.

    A secret that was changed since makes another. Raises `SettingError` if the URL is not one, or the
    database's driver is not installed.
    """
    uri = read_secret(settings.uri)
    return kept(connection, uri, lambda: _made(connection, settings, uri))


def _made(connection: S3Connection, settings: SqlCatalogSettings, uri: str) -> Catalog:
    _check(uri)
    from pyiceberg.catalog.sql import SqlCatalog

    uri = _limited(uri, connection.transport)
    _make_tables(uri)
    catalog = SqlCatalog(settings.catalog_name, uri=uri, pool_pre_ping="true", **properties(connection))
    # The engine has it; what stays here reaches every FileIO, its pickles and its logs.
    del catalog.properties["uri"]
    return catalog


def _limited(uri: str, transport: Transport) -> str:
    """Return the URL with the connection's time limits, as libpq has them (PostgreSQL, "Connection Strings").

    What the URL says itself stays.
    """
    from sqlalchemy.engine import make_url

    url = make_url(uri)
    if url.get_driver_name() not in _OF_LIBPQ:
        return uri
    silence = ceil(transport.read_timeout)
    limits = {
        # For each of the host's addresses, until the server has let us in; libpq knows no less than two.
        "connect_timeout": max(2, ceil(transport.connect_timeout)),
        # A peer that is gone is noticed in the midst of a query, too.
        "keepalives_idle": silence,
        "tcp_user_timeout": silence * 1000,
    }
    missing = {name: str(value) for name, value in limits.items() if name not in url.query}
    return url.update_query_dict(missing).render_as_string(hide_password=False)


def _make_tables(uri: str) -> None:
    from pyiceberg.catalog.sql import SqlCatalogBaseTable
    from sqlalchemy import create_engine
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    engine = create_engine(uri)
    try:
        SqlCatalogBaseTable.metadata.create_all(engine)
    except (IntegrityError, ProgrammingError):
        # Two processes that find no tables both make them, and one is told that they are there.
        SqlCatalogBaseTable.metadata.create_all(engine)
    finally:
        engine.dispose()


def _check(uri: str) -> None:
    """Raise `SettingError` if SQLAlchemy cannot use the URL; it quotes the whole of it when it says so."""
    remedy = "Write postgresql+psycopg://user:password@host/database or sqlite:////path/file.db."
    try:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError
    except ImportError:
        raise SettingError(
            "a catalog of type sql needs SQLAlchemy", remedy="pip install 's3-assets[sql]'"
        ) from None
    wrong = SettingError("the catalog's 'uri' is no URL of a database of PostgreSQL or SQLite", remedy=remedy)
    try:
        url = make_url(uri)
        if url.get_backend_name() not in _DATABASES:
            raise wrong
        url.get_dialect().import_dbapi()
    except ImportError as error:
        raise SettingError(
            f"the driver of the catalog's database is not installed ({error.name})",
            remedy="pip install 's3-assets[sql]' for postgresql+psycopg://.",
        ) from None
    except (ArgumentError, ValueError):
        raise wrong from None
    if url.get_backend_name() == "sqlite" and url.database in _IN_MEMORY:
        raise SettingError(
            "the catalog's 'uri' names no file, and would be gone after the run", remedy=remedy
        )
