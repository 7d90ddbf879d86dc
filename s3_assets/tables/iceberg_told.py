"""What an Iceberg table's metadata tells of the rows without reading them: how new, and when they came."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from s3_assets.tables import iceberg_files
from s3_assets.tables.iceberg_history import history
from s3_assets.tables.iceberg_open import reading
from s3_assets.tables.iceberg_pruning import read_bound

if TYPE_CHECKING:
    from pyiceberg.table import Table as Handle

    from s3_assets.tables.iceberg import IcebergTable

_LOOKED_PAST = 1_000


def written(handle: Handle) -> datetime | None:
    """Return the time of the newest snapshot that added rows: without a request."""
    return next((each.time for each in history(handle, _LOOKED_PAST) if each.rows != 0), None)


def newest(table: IcebergTable, handle: Handle, column: str) -> date | datetime | None:
    """Return the largest value of a column as the manifests tell it, if they do for each file.

    Not of tables with delete files: the largest value may be of a row that is gone.
    """
    from pyiceberg.types import DateType, TimestampType, TimestamptzType

    field = next((each for each in handle.schema().fields if each.name == column), None)
    if field is None or not isinstance(field.field_type, DateType | TimestampType | TimestamptzType):
        return None
    with reading(table, handle):
        found = iceberg_files.live(handle, handle.current_snapshot(), handle.schema())
    if found.deletes:
        return None
    values = []
    for each in found.data:
        file = each.file
        if (file.null_value_counts or {}).get(field.field_id) == file.record_count:
            continue
        value = read_bound((file.upper_bounds or {}).get(field.field_id), field.field_type)
        if value is None:
            return None
        values.append(value)
    return _moment(max(values), field.field_type) if values else None


def _moment(value: int, dtype: Any) -> date | datetime:  # noqa: ANN401 - one of three types of PyIceberg
    from pyiceberg.types import DateType, TimestamptzType

    if isinstance(dtype, DateType):
        return date(1970, 1, 1) + timedelta(days=value)
    start = datetime(1970, 1, 1, tzinfo=UTC if isinstance(dtype, TimestamptzType) else None)
    return start + timedelta(microseconds=value)
