"""The partition fields of a new Iceberg table, from what is declared.

Source of the rules: Iceberg Table Spec, "Partition Transforms".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from s3_assets.errors import PartitionColumnError, SettingError
from s3_assets.windows import Every

if TYPE_CHECKING:
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.transforms import Transform

    from s3_assets.tables.iceberg_settings import IcebergSettings
    from s3_assets.tables.settings import Partitions

_CALL = re.compile(r"^\s*(?P<name>[a-z]+)\s*\(\s*(?:(?P<number>\d+)\s*,)?\s*(?P<column>.+?)\s*\)\s*$")
_FIRST_FIELD_ID = 1000
# What other writers call the field of a transform.
_SUFFIXES = {
    "year": "year",
    "month": "month",
    "day": "day",
    "hour": "hour",
    "bucket": "bucket",
    "truncate": "trunc",
    "void": "null",
}
_NUMBERED = ("bucket", "truncate")
# No transform has the length of a week: its days are told apart, and so are weeks.
_OF_A_TIMESTAMP = {Every.HOUR: "hour", Every.DAY: "day", Every.WEEK: "day", Every.MONTH: "month"}


def partition_spec(settings: IcebergSettings, schema: Schema, table: str) -> PartitionSpec:
    """Return the spec of a new table with this schema.

    Raises `PartitionColumnError` for a column that is not there or that a transform does not take, and
    `SettingError` for a transform that there is not.
    """
    from pyiceberg.exceptions import ValidationError
    from pyiceberg.partitioning import PartitionField, PartitionSpec

    fields: list[PartitionField] = []
    for text in declared(settings, schema):
        name, transform, column = _read(text, schema, table)
        if column not in schema.column_names:
            raise PartitionColumnError(
                f"the partition column '{column}' of '{text}' is not among the columns "
                f"{', '.join(schema.column_names)}",
                remedy="Name a column that is there.",
                table=table,
            )
        field_name = column if name is None else f"{column}_{_SUFFIXES[name]}"
        taken = {*schema.column_names, *(field.name for field in fields)}
        if name is None:
            # An identity field is called as its column.
            taken -= {column}
        while field_name in taken:
            field_name += "_partition"
        fields.append(
            PartitionField(
                source_id=schema.find_field(column).field_id,
                field_id=_FIRST_FIELD_ID + len(fields),
                transform=transform,
                name=field_name,
            )
        )
    spec = PartitionSpec(*fields)
    try:
        spec.check_compatible(schema)
    except ValidationError as error:
        raise PartitionColumnError(
            f"the table cannot be partitioned so: {error}",
            remedy="Choose another transform or column in partition_by.",
            table=table,
        ) from None
    return spec


def declared(settings: IcebergSettings, schema: Schema) -> tuple[str, ...]:
    """Return the partition fields as text: those of `partition_by`, or that of the partition column."""
    if settings.partition_by is not None:
        return settings.partition_by
    of_time = () if settings.partitions is None else (_of_column(settings.partitions, schema),)
    return (*of_time, *settings.key_columns)


def _of_column(partitions: Partitions, schema: Schema) -> str:
    from pyiceberg.types import TimestampType, TimestamptzType

    column = partitions.column
    if column in schema.column_names and isinstance(
        schema.find_field(column).field_type, TimestampType | TimestamptzType
    ):
        return f"{_OF_A_TIMESTAMP[partitions.every]}({column})"
    return column


def _read(text: str, schema: Schema, table: str) -> tuple[str | None, Transform[Any, Any], str]:
    """Return the transform's name (None for identity), the transform and the column."""
    from pyiceberg.transforms import IdentityTransform, parse_transform

    call = None if text in schema.column_names else _CALL.match(text)
    if call is None:
        return None, IdentityTransform(), text.strip()
    name, number, column = call["name"].removesuffix("s"), call["number"], call["column"]
    if name == "identity" and number is None:
        return None, IdentityTransform(), column
    if name not in _SUFFIXES or (name in _NUMBERED) != (number is not None) or number == "0":
        raise SettingError(
            f"'{text}' is not a partition field",
            remedy="Write a column, or year, month, day or hour of one such as day(at), bucket(16, id), "
            "truncate(4, name).",
            table=table,
        )
    return name, parse_transform(f"{name}[{number}]" if number else name), column
