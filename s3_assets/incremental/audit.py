"""The audit: what parts really hold, told by their footers before anyone can see them.

Files without footers tell nothing of themselves: their rows are counted on their way into them, and the
server is asked whether it has every byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.errors import ServerFailureError
from s3_assets.metrics import phase
from s3_assets.objects import Objects
from s3_assets.tables.guard import count_outside, rows_outside
from s3_assets.tables.parts import AuditedPart, ColumnStatistics, Part, read_value, together
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.parts import Layout
    from s3_assets.tables.regions import Condition, Region

_AT_ONCE = 16
_FOOTER = 64 * 1024
_LENGTH_AND_MAGIC = 8
_ROWS = "\x01rows"


@phase("audit")
def audit(parts: Sequence[Part], layout: Layout, connection: S3Connection) -> list[AuditedPart]:
    """Look at every part; raises `ServerFailureError` if one is not there as it was written."""
    objects = Objects(connection)
    if layout.encoding is not None:
        return _audit_sizes(parts, layout, objects)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda part: _audit(part, layout, objects), parts))


def refuse_rows_outside(
    audited: Sequence[AuditedPart],
    layout: Layout,
    window: Region,
    schema: pl.Schema,
    connection: S3Connection,
) -> None:
    """Raise `RowsOutsideWindowError` if a row is outside: with count, smallest and largest value."""
    suspects = [part for part in audited if not _inside(part, window, schema)]
    if not suspects:
        return
    counted = [part.part.outside for part in suspects if part.part.outside is not None]
    if len(counted) == len(suspects):
        raise rows_outside(window, together(counted))
    frame = _values(suspects, layout, window, schema, connection)
    import polars as pl

    found = count_outside(frame, window, pl.col(_ROWS).sum())
    if found.rows:
        raise rows_outside(window, found)


def _inside(part: AuditedPart, window: Region, schema: pl.Schema) -> bool:
    if part.part.outside is not None:
        return part.part.outside.rows == 0
    return all(_fulfilled(part, each, schema) for each in window.conditions)


def _fulfilled(part: AuditedPart, condition: Condition, schema: pl.Schema) -> bool:
    """Tell whether all rows of the part fulfil the condition for certain."""
    column = condition.column
    if column in part.part.values:
        value = read_value(part.part.values[column], schema[column])
        return value is not None and condition.contains(value)
    found = part.statistics.get(column)
    if found is None or found.smallest is None or found.largest is None or found.nulls != 0:
        return False
    if isinstance(found.smallest, bytes):
        return False
    return condition.holds(found.smallest, found.largest)


def _values(
    suspects: Sequence[AuditedPart],
    layout: Layout,
    window: Region,
    schema: pl.Schema,
    connection: S3Connection,
) -> pl.LazyFrame:
    """The window's columns of the suspicious parts with the number of rows that each value stands for."""
    import polars as pl

    from s3_assets.connection.adapters import polars as adapter

    def told(part: AuditedPart, column: str) -> pl.Expr:
        value = read_value(part.part.values[column], schema[column])
        return pl.lit(value, dtype=schema[column]).alias(column)

    folders = [column for column in window.columns if column in suspects[0].part.values]
    if len(folders) == len(window.columns):
        values = [
            pl.select(*(told(part, column) for column in folders), pl.lit(part.part.rows).alias(_ROWS))
            for part in suspects
        ]
        return pl.concat(values).lazy()
    inside = [column for column in window.columns if column not in folders]
    options = adapter.options(connection)
    frames = [
        pl.scan_parquet(layout.root.url + part.part.path, glob=False, hive_partitioning=False, **options)
        .select(*inside, pl.lit(1).alias(_ROWS))
        .with_columns(told(part, column) for column in folders)
        .select(*window.columns, _ROWS)
        for part in suspects
    ]
    return pl.concat(frames)


def _audit_sizes(parts: Sequence[Part], layout: Layout, objects: Objects) -> list[AuditedPart]:
    found = dict(objects.list_frame(layout.root.key).select("key", "size").iter_rows())
    for part in parts:
        size = found.get(layout.root.key + part.path)
        if size != part.bytes:
            raise ServerFailureError(
                f"the server has {size or 'none'} of the part's {part.bytes} bytes",
                remedy="Run it again.",
                location=layout.root.url + part.path,
            )
    return [AuditedPart(part, {}, None) for part in parts]


def _audit(part: Part, layout: Layout, objects: Objects) -> AuditedPart:
    import pyarrow as pa
    import pyarrow.parquet as pq

    key = layout.root.key + part.path
    tail = objects.get_tail(key, size=part.bytes, length=_FOOTER)
    length = int.from_bytes(tail[-_LENGTH_AND_MAGIC:-4], "little") + _LENGTH_AND_MAGIC
    if length > len(tail):
        tail = objects.get_tail(key, size=part.bytes, length=length)
    try:
        footer = pq.read_metadata(pa.BufferReader(tail[-length:]))
    except pa.ArrowInvalid as error:
        raise ServerFailureError(
            f"the part that was just written is damaged: {error}",
            remedy="Run it again.",
            location=layout.root.url + part.path,
        ) from error
    if footer.num_rows != part.rows:
        raise ServerFailureError(
            f"the part holds {footer.num_rows} rows where {part.rows} were written",
            remedy="Run it again.",
            location=layout.root.url + part.path,
        )
    return AuditedPart(part, _statistics(footer), footer)


def _statistics(footer: Any) -> dict[str, ColumnStatistics]:  # noqa: ANN401 - pyarrow ships no types
    columns: dict[str, ColumnStatistics] = {}
    top_level = {
        footer.schema.to_arrow_schema().field(index).name
        for index in range(len(footer.schema.to_arrow_schema()))
    }
    for index in range(footer.num_columns):
        name = footer.row_group(0).column(index).path_in_schema if footer.num_row_groups else ""
        if name in top_level:
            columns[name] = _column(footer, index)
    return columns


def _column(footer: Any, index: int) -> ColumnStatistics:  # noqa: ANN401 - pyarrow ships no types
    smallest: Any = None
    largest: Any = None
    nulls: int | None = 0
    known = True
    for group in range(footer.num_row_groups):
        chunk = footer.row_group(group).column(index)
        found = chunk.statistics
        if found is None or not found.has_null_count:
            nulls = None
        elif nulls is not None:
            nulls += found.null_count
        if found is None or not found.has_min_max:
            # A group of nulls alone has no bounds, and needs none.
            known = (
                known and found is not None and found.has_null_count and found.null_count == chunk.num_values
            )
            continue
        try:
            low, high = found.min, found.max
        except ValueError:
            # PyArrow has no Python value for it, such as for nanoseconds: the rows themselves are looked at.
            known = False
            continue
        smallest = low if smallest is None or low < smallest else smallest
        largest = high if largest is None or high > largest else largest
    return ColumnStatistics(smallest if known else None, largest if known else None, nulls)
