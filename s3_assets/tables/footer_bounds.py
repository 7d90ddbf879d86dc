"""The largest value of a column of Parquet files, told by their footers alone."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import TYPE_CHECKING

from s3_assets.tables.parquet_footer import read_footer
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.objects import Objects

_AT_ONCE = 16


def newest(objects: Objects, keys: Sequence[str], column: str) -> date | datetime | None:
    """Return the largest date or time of a column; None if a footer does not tell it of one of the files."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda key: _newest(read_footer(objects, key), column), keys))
    values = [value for value, _ in found if value is not None]
    return max(values, default=None) if all(told for _, told in found) else None


def _newest(footer: bytes, column: str) -> tuple[date | datetime | None, bool]:
    """Return the largest value in a file, None if it has none but nulls, and whether the footer tells."""
    from pyarrow import ArrowException, parquet

    try:
        metadata = parquet.read_metadata(io.BytesIO(footer))
    except ArrowException:
        return None, False
    values: list[date | datetime] = []
    for group in range(metadata.num_row_groups):
        chunks = (metadata.row_group(group).column(index) for index in range(metadata.num_columns))
        chunk = next((each for each in chunks if each.path_in_schema == column), None)
        found = chunk.statistics if chunk is not None else None
        if chunk is None or found is None:
            return None, False
        if found.has_min_max:
            try:
                value = found.max
            except ValueError:
                # PyArrow has no Python value for it, such as for nanoseconds.
                return None, False
            if not isinstance(value, date):
                return None, False
            values.append(value)
        elif not found.has_null_count or found.null_count != chunk.num_values:
            return None, False
    return max(values, default=None), True
