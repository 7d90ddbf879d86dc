"""What the tables of a Glue catalog need: the requests of PyIceberg's Glue catalog, as actions.

    opening a table                       glue:GetTable      GetTable
    committing to it                      glue:UpdateTable   UpdateTable, after GetTable and GetDatabase
    creating it                           glue:CreateTable   CreateTable, after GetDatabase
    creating its database with it         glue:CreateDatabase

AWS Glue Developer Guide, "Specifying AWS Glue resource ARNs": an action on a table needs to be allowed on the
table, on its database and on the catalog.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.catalogs import GlueCatalogSettings
from s3_assets.permissions.documents import Statement
from s3_assets.tables.iceberg_settings import IcebergSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from s3_assets.permissions.service import Service
    from s3_assets.registry.models import Registry

READ_TABLE, READ_DATABASE = "glue:GetTable", "glue:GetDatabase"
WRITE_TABLE = ("glue:CreateTable", "glue:UpdateTable")
MAKE_DATABASE = "glue:CreateDatabase"


def catalog_statements(
    registry: Registry, connection: str, service: Service, written: Collection[str]
) -> Iterator[Statement]:
    """Yield what the connection's tables need of its Glue catalog; nothing for another catalog, or none.

    `written` names tables that are written besides the targets of imports and media sets.
    """
    here = registry.connections[connection].catalog
    if not isinstance(here, GlueCatalogSettings):
        return
    targets = registry.targets | {*written}
    read, changed = [], []
    for name, settings in registry.tables.items():
        if settings.connection == connection and isinstance(settings, IcebergSettings) and settings.table:
            read.append(settings.table)
            if name in targets:
                changed.append(settings.table)
    if read:
        yield Statement("ReadCatalog", (READ_TABLE,), _resources(read, here.catalog_id, service))
    if changed:
        yield Statement(
            "WriteCatalog",
            (*WRITE_TABLE, READ_DATABASE, MAKE_DATABASE),
            _resources(changed, here.catalog_id, service),
        )


def _resources(tables: Iterable[str], account: str | None, service: Service) -> tuple[str, ...]:
    def of(resource: str) -> str:
        return service.of("glue", resource, account=account)

    pairs = [name.partition(".")[::2] for name in tables]
    databases = dict.fromkeys(database for database, _ in pairs)
    return (
        of("catalog"),
        *(of(f"database/{database}") for database in databases),
        *dict.fromkeys(of(f"table/{database}/{table}") for database, table in pairs),
    )
