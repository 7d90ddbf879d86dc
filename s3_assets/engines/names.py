"""The names of parts, and the partition values that they were named for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s3_assets.tables.parts import Layout


class Names:
    """Names each part and remembers which partition values it was named for."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = Lock()
        self._count = layout.first
        self.values: dict[str, Mapping[str, str | None]] = {}

    def give(self, keys: Sequence[object]) -> str:
        """Return the path of a new part of the partition with these values."""
        values = {column: text(value) for column, value in zip(self._layout.partition_by, keys, strict=True)}
        with self._lock:
            index = self._count
            self._count += 1
            path = self._layout.path(values, index)
            self.values[path] = values
        return path


def text(value: object) -> str | None:
    """Write a partition value as Delta and Hive do (Delta protocol, "Partition Value Serialization")."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
