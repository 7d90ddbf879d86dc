"""File statistics of an add action (Delta Transaction Log Protocol, "Per-file Statistics")."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.tables.parts import ColumnStatistics

# The protocol's default: statistics of the first 32 columns, strings cut to 32 characters.
_COLUMNS = 32
_LENGTH = 32


def statistics_json(rows: int, columns: Mapping[str, ColumnStatistics]) -> str:
    """Write the statistics of one file as the log wants them."""
    smallest, largest, nulls = {}, {}, {}
    for name, column in list(columns.items())[:_COLUMNS]:
        low, high = _low(column.smallest), _high(column.largest)
        if low is not None and high is not None:
            smallest[name], largest[name] = low, high
        if column.nulls is not None:
            nulls[name] = column.nulls
    return json.dumps({"numRecords": rows, "minValues": smallest, "maxValues": largest, "nullCount": nulls})


def _low(value: Any) -> Any:  # noqa: ANN401 - any type that a footer can hold
    if isinstance(value, str):
        return value[:_LENGTH]
    return _plain(value)


def _high(value: Any) -> Any:  # noqa: ANN401 - any type that a footer can hold
    # A cut maximum would be smaller than what it stands for.
    if isinstance(value, str) and len(value) > _LENGTH:
        return None
    return _plain(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - any type that a footer can hold
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        text = (value.astimezone(UTC) if value.tzinfo else value).strftime("%Y-%m-%dT%H:%M:%S.%f")
        return f"{text}Z" if value.tzinfo else text
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value) if Decimal(float(value)) == value else None
    return value if isinstance(value, int | str) else None
