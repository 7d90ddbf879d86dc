"""Iceberg tables and the catalogs of their connections: what does not fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.auth import AnonymousAuth
from s3_assets.connection.catalogs import GlueCatalogSettings, RestCatalogSettings
from s3_assets.registry.problems import Problem
from s3_assets.tables.catalogs.opening import misfit
from s3_assets.tables.iceberg_settings import IcebergSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.settings import TableSettings


def catalog_problems(
    connections: Mapping[str, S3Connection], tables: Mapping[str, TableSettings], targets: Collection[str]
) -> Iterator[Problem]:
    """Yield what is wrong: a connection has one catalog or none, and its Iceberg tables have to fit it.

    Two names for one table of a catalog are refused where one of them, of `targets`, is written: its
    partitions and its commits would have two owners.
    """
    yield from _identities(connections)
    named: dict[tuple[object, str], str] = {}
    for name, table in tables.items():
        connection = connections.get(table.connection)
        if connection is None or not isinstance(table, IcebergSettings):
            continue
        field = "table" if table.warehouse_path is None else "warehouse_path"
        found = misfit(connection, table)
        if found is not None:
            remedy = f"{found[1][0].lower()}{found[1][1:]}".rstrip(".")
            text = f"the connection of '{name}' is '{table.connection}': {found[0]}; {remedy}"
            yield Problem(("tables", name, field), text)
            continue
        if table.table is None:
            continue
        first = named.setdefault((connection.catalog, table.table), name)
        if first != name and {first, name} & {*targets}:
            yield Problem(
                ("tables", name, "table"),
                f"'{first}' and '{name}' are one table of the catalog, and it is written; declare it once",
            )


def _identities(connections: Mapping[str, S3Connection]) -> Iterator[Problem]:
    for name, connection in connections.items():
        catalog = connection.catalog
        signs = isinstance(catalog, GlueCatalogSettings) or (
            isinstance(catalog, RestCatalogSettings) and catalog.sigv4
        )
        if signs and isinstance(connection.auth, AnonymousAuth):
            yield Problem(
                ("connections", name, "catalog"),
                f"requests to the catalog of '{name}' are signed, and its auth is anonymous; "
                "give it an auth with credentials",
            )
