"""Parquet and Avro: files that tell their columns themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import SchemaMismatchError
from s3_assets.explore.findings import NAMELESS, Finding
from s3_assets.explore.format_settings import settings_of
from s3_assets.progress import count
from s3_assets.tables.folder_table import FolderTable
from s3_assets.tables.open import open_table
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from s3_assets.connection.settings import S3Connection

_AT_ONCE = 10


def columns_of(
    connection: S3Connection, path: str, kind: str, keys: Sequence[str]
) -> tuple[pl.Schema, list[Finding]]:
    """Return the columns that the files tell, merged as a read merges them."""
    import polars as pl

    table = open_table(NAMELESS, settings_of(kind)(connection=connection.name, path=path), connection)
    if not isinstance(table, FolderTable):
        raise TypeError(f"a {kind} table is no folder")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        schemas = dict(zip(keys, pool.map(table.read_schema, keys), strict=True))
    part = "footer" if kind == "parquet" else "header"
    try:
        found = table.join_schemas(schemas, NAMELESS)
    except SchemaMismatchError as error:
        return pl.Schema(schemas[keys[0]]), [
            Finding("columns", f"the files disagree: {error.found}", doubt=True)
        ]
    return found, [Finding("columns", f"the columns are those of {count(len(keys), part)}")]
