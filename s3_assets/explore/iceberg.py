"""Iceberg tables without a catalog: a folder with metadata files."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from s3_assets.explore.findings import Finding, Guess
from s3_assets.objects import Objects
from s3_assets.progress import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.connection.settings import S3Connection

_FOLDER = "metadata/"
_SUFFIXES = (".metadata.json", ".metadata.json.gz")
_MOST = 1000


def find(connection: S3Connection, prefix: str, keys: Sequence[str] | None = None) -> Guess | None:
    """Return the Iceberg table whose folder, or metadata folder, this is; None if it is none.

    `keys` are all that begin with the prefix, where they are known.
    """
    objects = Objects(connection)
    for folder in dict.fromkeys((prefix, prefix.removesuffix(_FOLDER))):
        inside = f"{folder}{_FOLDER}"
        if keys is not None and folder == prefix:
            seen = [key for key in keys if key.startswith(inside)]
        else:
            seen = [each.key for each in islice(objects.list_objects(inside), _MOST)]
        files = [key for key in seen if key.endswith(_SUFFIXES)]
        if files:
            return _guess(connection, folder, files)
    return None


def partition_columns(table: Any) -> set[str]:  # noqa: ANN401 - a table of ours that opens PyIceberg's
    """Return the columns that the table's partitions are made of, transformed or not."""
    handle = table.open()
    schema = handle.schema()
    return {str(schema.find_column_name(field.source_id)) for field in handle.spec().fields}


def _guess(connection: S3Connection, folder: str, files: list[str]) -> Guess:
    from s3_assets.tables.iceberg_settings import IcebergSettings
    from s3_assets.tables.open import open_table

    path = folder.removeprefix(connection.location.key)
    settings = {"format": "iceberg", "warehouse_path": path}
    table = open_table(
        path or "table", IcebergSettings(connection=connection.name, warehouse_path=path), connection
    )
    findings = [Finding("format", f"{count(len(files), 'metadata file')} of an Iceberg table in {_FOLDER}")]
    if connection.catalog is not None:
        told = "the connection has a catalog: if the table is in it, name it by 'table' instead of its folder"
        findings.append(Finding("warehouse_path", told, doubt=True))
    return Guess(settings, table.schema(), tuple(findings), "looked at the newest metadata file alone")
