"""What is told of a table: at load as far as the registry knows it, and as it is at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.errors import S3AssetsError, TableMissingError
from s3_assets.metadata.code import code_references
from s3_assets.metadata.columns import column_schema, declared_schema
from s3_assets.metadata.keys import (
    BYTES,
    CODE,
    COLUMNS,
    COLUMNS_TOLD,
    OURS,
    PLACE,
    READ_BY,
    ROWS,
    TABLE,
    VERSION,
)
from s3_assets.metrics import phase
from s3_assets.progress import readable_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.registry.models import Registry
    from s3_assets.tables.settings import TableSettings
    from s3_assets.tables.table import State, Table


def table_metadata(
    registry: Registry,
    name: str,
    readers: Mapping[str, str] | None = None,
    *,
    declared_by: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Return what the registry says of a table: nothing is looked at.

    `readers` are what `readers_of` tells of all tables, `declared_by` is the section and name of what writes
    it, if that stands in the registry.
    """
    settings = registry.tables[name]
    found: dict[str, Any] = {
        PLACE: registry.connections[settings.connection].location.folder(settings.path).url,
        TABLE: getattr(settings, "table", None) or name,
        f"{OURS}/format": str(getattr(settings, "format", "")),
        f"{OURS}/connection": settings.connection,
    }
    if readers and name in readers:
        found[READ_BY] = dg.MetadataValue.md(readers[name])
    schema = declared_schema(settings)
    if schema is not None:
        found[COLUMNS] = schema
    code = code_references(registry, *([declared_by] if declared_by else []), ("tables", name))
    return found | ({CODE: code} if code is not None else {})


def table_kinds(settings: TableSettings) -> set[str]:
    """Return the kinds of a table, under the names for which Dagster has icons."""
    format_ = str(getattr(settings, "format", ""))
    return {"s3", "deltalake" if format_ == "delta" else format_}


@phase("describe")
def state_metadata(table: Table[Any]) -> dict[str, Any]:
    """Return a table's version, rows, files, bytes and columns as they are now, from its own metadata.

    Nothing but its place if there is no table yet, as after a first run that found nothing to write. Columns
    are left out where telling them would cost a request of its own.
    """
    found: dict[str, Any] = {PLACE: table.location.url}
    try:
        state = table.state()
    except TableMissingError:
        return found
    return found | seen_metadata(state, table.settings)


def seen_metadata(state: State, settings: TableSettings) -> dict[str, Any]:
    """Return what was seen of a table at one moment."""
    statistics = state.statistics
    found: dict[str, Any] = {
        VERSION: state.version.token,
        f"{OURS}/files": statistics.files,
        f"{OURS}/size": dg.MetadataValue.text(readable_bytes(statistics.bytes)),
        BYTES: statistics.bytes,
    }
    if statistics.rows is not None:
        found[ROWS] = statistics.rows
    if state.describe is not None:
        try:
            found[COLUMNS] = column_schema(state.describe(), settings)
        except S3AssetsError:
            # A type that nobody here reads: what was done to the table is told all the same.
            return found
    return found


def observed(found: dict[str, Any]) -> dict[str, Any]:
    """Return what is told of a table, for an observation: pages hide its columns under Dagster's name."""
    return {**found, COLUMNS_TOLD: found[COLUMNS]} if COLUMNS in found else found
