"""What is said of an Iceberg table: its name in the connection's catalog, or where its metadata lies."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, model_validator

from s3_assets.tables.settings import TableSettings

_IDENTIFIER = re.compile(r"^[^.\s/]+(\.[^.\s/]+)+$")


class IcebergSettings(TableSettings):
    """An Iceberg table, of the connection's catalog (`table`) or without one (`warehouse_path`)."""

    format: Literal["iceberg"] = "iceberg"
    table: str | None = Field(
        default=None, description="Its name in the catalog: database.table, in Unity catalog.schema.table."
    )
    warehouse_path: str | None = Field(
        default=None,
        description="Without a catalog: the folder below the connection's url in which metadata/ lies.",
    )
    path: str = Field(
        default="",
        description="Folder of a new table of a catalog, below the connection's url; left out: its name.",
    )
    partition_by: tuple[str, ...] | None = Field(
        default=None,
        description="Partition fields of a new table, such as day, bucket(16, id), month(at), truncate(4, "
        "name); left out: the partition column, a timestamp by its hour, day or month, and "
        "partition_columns.",
    )
    format_version: Literal[1, 2] = Field(default=2, description="Of a new table.")
    properties: dict[str, str] = Field(default_factory=dict, description="Table properties of a new table.")
    on_new_columns: Literal["add", "fail"] = Field(
        default="add", description="What to do with columns that the table does not have."
    )

    @model_validator(mode="before")
    @classmethod
    def _named_or_placed(cls, data: Any) -> Any:  # noqa: ANN401 - raw input
        if not isinstance(data, dict):
            return data
        table, place = data.get("table"), data.get("warehouse_path")
        if (table is None) == (place is None):
            raise ValueError(
                "give 'table' (its name in the connection's catalog) or 'warehouse_path' (no catalog)"
            )
        if place is not None:
            if data.get("path") not in {None, "", place}:
                raise ValueError("'warehouse_path' says where the table lies; leave 'path' out")
            return {**data, "path": place}
        if not isinstance(table, str) or not _IDENTIFIER.match(table):
            raise ValueError(f"'{table}' is not the name of a table; write database.table")
        return {**data, "path": data.get("path") or table.replace(".", "/")}

    @model_validator(mode="after")
    def _properties(self) -> IcebergSettings:
        ours = [name for name in self.properties if name.startswith("s3_assets.")]
        if ours:
            raise ValueError(f"the properties {ours} are reserved")
        return self
