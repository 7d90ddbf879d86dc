"""What became of the rows of an Iceberg table, snapshot by snapshot, where its files tell it.

Appends are inserts. Where whole files took the place of others (copy-on-write), the rows that only one side
has are deletes and inserts; a row that was carried over is none. Delete files (merge-on-read) are not read
this way.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from s3_assets.errors import ChangeFeedMissingError
from s3_assets.tables.change_columns import CHANGE_TYPE, COMMIT_TIMESTAMP, COMMIT_VERSION
from s3_assets.tables.iceberg_added import GO_ON, Effect, kind_of
from s3_assets.tables.iceberg_appended import rewritten_files
from s3_assets.tables.iceberg_deletes import targets
from s3_assets.tables.iceberg_files import Files
from s3_assets.tables.iceberg_rows import rows
from s3_assets.tables.iceberg_snapshots import number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table as Handle
    from pyiceberg.table.snapshots import Snapshot

    from s3_assets.tables.iceberg_manifests import LiveFile
    from s3_assets.tables.iceberg_range import Step, Taken
    from s3_assets.tables.iceberg_scan import Scanner

_COUNT = "\x01count"


def changes(scanner: Scanner, schema: Schema, taken: Taken) -> tuple[list[pl.LazyFrame], int, int]:
    """Return what each snapshot changed, oldest first, and the number and size of the files that are read.

    Raises `ChangeFeedMissingError` that names the first snapshot of which its files do not tell it.
    """
    frames: list[pl.LazyFrame] = []
    files: list[LiveFile] = []
    for step in taken.steps:
        if step.effect is Effect.MOVED:
            continue
        frame, read = _changes_of(scanner, schema, step, taken)
        if read:
            frames.append(marked(frame, scanner.handle, step.snapshot))
            files += read
    return frames, len(files), sum(each.file.file_size_in_bytes for each in files)


def as_inserts(frame: pl.LazyFrame, handle: Handle, snapshot: Snapshot) -> pl.LazyFrame:
    """Show the rows of a snapshot as the changes that a first read begins with."""
    import polars as pl

    return marked(frame.with_columns(pl.lit("insert").alias(CHANGE_TYPE)), handle, snapshot)


def marked(frame: pl.LazyFrame, handle: Handle, snapshot: Snapshot) -> pl.LazyFrame:
    """Add the snapshot's number (its sequence number, which grows with each) and its time."""
    import polars as pl

    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=snapshot.timestamp_ms)
    return frame.with_columns(
        pl.lit(number_of(handle, snapshot), dtype=pl.Int64).alias(COMMIT_VERSION),
        pl.lit(moment.replace(tzinfo=None), dtype=pl.Datetime("ms")).alias(COMMIT_TIMESTAMP),
    )


def _changes_of(
    scanner: Scanner, schema: Schema, step: Step, taken: Taken
) -> tuple[pl.LazyFrame, Sequence[LiveFile]]:
    import polars as pl

    if step.effect is Effect.ADDED:
        files = taken.files[step.snapshot.snapshot_id]
        return _rows(scanner, schema, files).with_columns(pl.lit("insert").alias(CHANGE_TYPE)), files
    found = rewritten_files(scanner.handle, step.snapshot)
    if found is None:
        raise ChangeFeedMissingError(
            f"{kind_of(step.snapshot)} took rows out by delete files, and Iceberg keeps no change feed that "
            "tells which",
            remedy=f"Mirror the table by key, or read it with read_mode: current; or {GO_ON}",
        )
    removed, put = found
    return _differing(_rows(scanner, schema, removed), _rows(scanner, schema, put)), [*removed, *put]


def _rows(scanner: Scanner, schema: Schema, files: Sequence[LiveFile]) -> pl.LazyFrame:
    return rows(scanner, schema, targets(Files(tuple(files))))


def _differing(before: pl.LazyFrame, after: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows that one side has more often than the other, as often as that."""
    import polars as pl

    columns = before.collect_schema().names()
    both = pl.concat(
        [before.with_columns(pl.lit(-1).alias(_COUNT)), after.with_columns(pl.lit(1).alias(_COUNT))]
    )
    return (
        both.group_by(columns)
        .agg(pl.col(_COUNT).sum())
        .filter(pl.col(_COUNT) != 0)
        .with_columns(
            pl.when(pl.col(_COUNT) > 0).then(pl.lit("insert")).otherwise(pl.lit("delete")).alias(CHANGE_TYPE),
            pl.lit(0).repeat_by(pl.col(_COUNT).abs()),
        )
        .explode("literal")
        .select(*columns, CHANGE_TYPE)
    )
