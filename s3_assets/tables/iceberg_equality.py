"""Deletes by equality: a row is gone if a later delete file of its partition names its values.

Iceberg Table Spec, "Equality Delete Files" and "Scan Planning": null equals null, and a delete file whose
spec has no fields is of all partitions. Of the deletes that name the same values the latest decides, so that
each delete file is read once, however many data files come before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import UnsupportedError
from s3_assets.tables.iceberg_scan import at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import polars as pl
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField

    from s3_assets.tables.iceberg_deletes import Target
    from s3_assets.tables.iceberg_manifests import DeleteFile
    from s3_assets.tables.iceberg_scan import Scanner

    Rows = Callable[[Scanner, Schema, Sequence[Target]], pl.LazyFrame]
    Partitions = Mapping[tuple[int, tuple[object, ...]], int]

# Names that no column has.
_SEQUENCE = "\x01sequence"
_PARTITION = "\x01partition"
_LATEST = "\x01latest"
# The number of partitions that have no deletes of their own.
_ANY = -1


def without_equal(scanner: Scanner, schema: Schema, targets: Sequence[Target], rows: Rows) -> pl.LazyFrame:
    """Return the rows of `targets`, as `rows` reads them, without those that are deleted by equality."""
    import polars as pl

    deletes = {each.file.file_path: each for target in targets for each in target.equality}.values()
    wide = _with_keys(scanner, schema, deletes)
    own = {each.partition: None for each in deletes if not each.everywhere}
    numbers = {partition: number for number, partition in enumerate(own)}
    frame = pl.concat(
        rows(scanner, wide, group).with_columns(
            pl.lit(sequence, dtype=pl.Int64).alias(_SEQUENCE),
            pl.lit(number, dtype=pl.Int64).alias(_PARTITION),
        )
        for (sequence, number), group in _groups(targets, numbers).items()
    )
    for (ids, everywhere), same in _kinds(deletes).items():
        keys = [wide.find_field(each).name for each in ids]
        within = [] if everywhere else [_PARTITION]
        latest = _latest(scanner, wide, keys, within, same, numbers)
        frame = (
            frame.join(at_once(latest), on=[*keys, *within], how="left", nulls_equal=True)
            .filter(pl.col(_LATEST).is_null() | (pl.col(_LATEST) <= pl.col(_SEQUENCE)))
            .drop(_LATEST)
        )
    return frame.select(field.name for field in schema.fields)


def _groups(targets: Iterable[Target], numbers: Partitions) -> dict[tuple[int, int], list[Target]]:
    """Return the data files by sequence number and partition: what tells which deletes come after them."""
    groups: dict[tuple[int, int], list[Target]] = {}
    for target in targets:
        groups.setdefault((target.data.sequence, numbers.get(target.data.partition, _ANY)), []).append(target)
    return groups


def _kinds(deletes: Iterable[DeleteFile]) -> dict[tuple[tuple[int, ...], bool], list[DeleteFile]]:
    """Return the delete files by the columns that they compare, and by whether they are of all partitions."""
    kinds: dict[tuple[tuple[int, ...], bool], list[DeleteFile]] = {}
    for delete in deletes:
        ids = tuple(sorted(delete.file.equality_ids or ()))
        kinds.setdefault((ids, delete.everywhere), []).append(delete)
    return kinds


def _latest(
    scanner: Scanner,
    schema: Schema,
    keys: list[str],
    within: list[str],
    deletes: Iterable[DeleteFile],
    numbers: Partitions,
) -> pl.LazyFrame:
    """Return for all values that are named the sequence number of the last delete file that names them."""
    import polars as pl
    from pyiceberg.schema import Schema

    named = Schema(*(schema.find_field(key) for key in keys), schema_id=schema.schema_id)
    groups: dict[tuple[int, int], list[DeleteFile]] = {}
    for each in deletes:
        groups.setdefault((each.sequence, numbers.get(each.partition, _ANY)), []).append(each)
    frames = [
        scanner.scan(named, [(each.file, frozenset()) for each in group]).with_columns(
            pl.lit(sequence, dtype=pl.Int64).alias(_LATEST), pl.lit(number, dtype=pl.Int64).alias(_PARTITION)
        )
        for (sequence, number), group in groups.items()
    ]
    return pl.concat(frames).group_by(*keys, *within).agg(pl.col(_LATEST).max())


def _with_keys(scanner: Scanner, schema: Schema, deletes: Iterable[DeleteFile]) -> Schema:
    """Return the schema with the columns that deletes compare and that it does not have any more."""
    from pyiceberg.schema import Schema

    fields = list(schema.fields)
    for each in sorted({number for delete in deletes for number in _ids(scanner, delete)}):
        if each not in {field.field_id for field in fields}:
            fields.append(_dropped(scanner, each))
    return Schema(*fields, schema_id=schema.schema_id)


def _ids(scanner: Scanner, delete: DeleteFile) -> list[int]:
    if not delete.file.equality_ids:
        raise UnsupportedError(
            f"the delete file {delete.file.file_path} names no columns to compare, which it has to",
            remedy="Have the writer of the table rewrite its data files.",
            table=scanner.table.name,
        )
    return delete.file.equality_ids


def _dropped(scanner: Scanner, number: int) -> NestedField:
    """Return a column of an earlier schema, under a name that no column has."""
    from pyiceberg.types import NestedField

    for schema in sorted(scanner.handle.schemas().values(), key=lambda each: -each.schema_id):
        for field in schema.fields:
            if field.field_id == number and field.field_type.is_primitive:
                return NestedField(number, f"\x01{number}", field.field_type, required=False)
    raise UnsupportedError(
        f"rows are deleted by their values of the field {number}, which is not a plain column of the table",
        remedy="Have the writer of the table rewrite its data files, so that the deletes are applied.",
        table=scanner.table.name,
    )
