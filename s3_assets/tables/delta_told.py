"""What a Delta log tells of the rows without reading them: how many, how new, and when they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.tables import delta_history, delta_log

if TYPE_CHECKING:
    from datetime import date, datetime

    import polars as pl
    from deltalake import DeltaTable as Handle

    from s3_assets.tables.delta import DeltaTable
    from s3_assets.tables.regions import Region

# Commits that add no rows, such as those of an optimization, are looked past: so many of them.
_LOOKED_PAST = 20


def written(table: DeltaTable, handle: Handle) -> datetime | None:
    """Return the time of the newest commit that added rows: one request for each that is looked at."""
    newest = handle.version()
    for version in range(newest, max(newest - _LOOKED_PAST, -1), -1):
        commit = delta_history.past_commit(table, version)
        if commit is None:
            return None
        if commit.rows != 0:
            return commit.time
    return None


def newest(handle: Handle, files: pl.DataFrame, column: str) -> date | datetime | None:
    """Return the largest value of a column in the files' statistics, if each file has them.

    Not of tables with deletion vectors, whose statistics tell of rows that are gone, or mapped columns.
    """
    import polars as pl

    folder, largest = f"partition.{column}", f"max.{column}"
    if not delta_log.plain(handle):
        return None
    if folder in files.columns:
        return _largest(files[folder])
    if largest not in files.columns:
        return None
    nulls = f"null_count.{column}"
    full = pl.col(nulls) == pl.col("num_records") if nulls in files.columns else pl.lit(value=False)
    untold = files.filter(pl.col(largest).is_null() & ~full.fill_null(value=False))
    return _largest(files[largest]) if untold.is_empty() else None


def rows(handle: Handle, files: pl.DataFrame) -> int | None:
    """Return the rows of files, if each of them tells its own.

    Not of tables with deletion vectors: a file goes on telling the rows that one of these takes out.
    """
    if files["num_records"].null_count() or delta_log.deletes_by_vectors(handle):
        return None
    return int(files["num_records"].sum())


def count(handle: Handle, files: pl.DataFrame, region: Region) -> int | None:
    """Return the rows of a region of whole folders, if each of its files tells its own."""
    import polars as pl

    if any(f"partition.{column}" not in files.columns for column in region.columns):
        return None
    inside = files.filter(
        pl.all_horizontal([each.over(f"partition.{each.column}").expression() for each in region.conditions])
    )
    return rows(handle, inside)


def _largest(values: pl.Series) -> date | datetime | None:
    if not values.dtype.is_temporal():
        return None
    found: date | datetime | None = values.max()  # type: ignore[assignment]  # of the column's type
    return found
