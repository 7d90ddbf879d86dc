"""The rows of data files without those that delete files take out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.tables.iceberg_equality import without_equal
from s3_assets.tables.iceberg_scan import at_once

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema

    from s3_assets.tables.iceberg_deletes import Target
    from s3_assets.tables.iceberg_scan import Scanner

_ROW = "\x01row"
# Iceberg Table Spec, "Position Delete Files".
_PATH, _POSITION = "file_path", "pos"
# Polars counts rows in 32 bits.
_MANY_ROWS = 2**31


def rows(scanner: Scanner, schema: Schema, targets: Sequence[Target]) -> pl.LazyFrame:
    """Return the rows of the data files, lazily, in the columns of the schema."""
    import polars as pl

    touched = [target for target in targets if target.equality]
    if not touched:
        return positioned(scanner, schema, targets)
    whole = [target for target in targets if not target.equality]
    frames = [positioned(scanner, schema, whole)] if whole else []
    return pl.concat([*frames, without_equal(scanner, schema, touched, positioned)])


def positioned(scanner: Scanner, schema: Schema, targets: Sequence[Target]) -> pl.LazyFrame:
    """Return the rows of the data files without those that position deletes take out."""
    import polars as pl

    alone = [(target.data.file, target.own) for target in targets if not target.shared]
    together = [target for target in targets if target.shared]
    if not together:
        return scanner.scan(schema, alone)
    frames = [scanner.scan(schema, alone)] if alone else []
    return pl.concat([*frames, *(_without_positions(scanner, schema, each) for each in _batches(together))])


def _without_positions(scanner: Scanner, schema: Schema, targets: Sequence[Target]) -> pl.LazyFrame:
    """Number the rows of all files as one, and leave out those at the positions that delete files name."""
    import polars as pl

    starts: dict[DataFile, list[tuple[str, int]]] = {}
    start = 0
    for target in targets:
        for delete in target.shared:
            starts.setdefault(delete.file, []).append((target.data.file.file_path, start))
        start += target.data.file.record_count
    deleted = []
    for delete_file, files in starts.items():
        first = pl.LazyFrame(files, schema={_PATH: pl.String, _ROW: pl.Int64}, orient="row")
        named = scanner.scan_plain(delete_file).select(_PATH, _POSITION)
        deleted.append(named.join(first, on=_PATH).select(pl.col(_ROW) + pl.col(_POSITION)))
    whole = scanner.scan(schema, [(target.data.file, frozenset()) for target in targets])
    numbered = whole.with_row_index(_ROW).with_columns(pl.col(_ROW).cast(pl.Int64))
    return numbered.join(at_once(pl.concat(deleted)), on=_ROW, how="anti").drop(_ROW)


def _batches(targets: Sequence[Target]) -> Iterator[list[Target]]:
    """Split the files so that the rows of each batch can be numbered."""
    batch: list[Target] = []
    count = 0
    for target in targets:
        records = target.data.file.record_count
        # Some writers say -1 where they do not know: the rows that come after cannot be numbered then.
        if batch and (records < 0 or batch[-1].data.file.record_count < 0 or count + records > _MANY_ROWS):
            yield batch
            batch, count = [], 0
        batch.append(target)
        count += records
    if batch:
        yield batch
