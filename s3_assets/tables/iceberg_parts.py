"""Parts of an Iceberg table: split by its partition fields, and taken in as the data files of a manifest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from s3_assets.errors import PartitionColumnError, RowsRefusedError, S3AssetsError
from s3_assets.location import Location
from s3_assets.tables.iceberg_transforms import expression, read_value
from s3_assets.tables.parts import Layout

# A property of the table: where its data lies, if not beside its metadata.
_DATA_PATH = "write.data.path"

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table as Handle
    from pyiceberg.typedef import Record
    from pyiceberg.types import IcebergType

    from s3_assets.tables.parts import AuditedPart


class PartitionFields:
    """The fields of one spec: as helper columns beside the rows, as folders, as values of a manifest."""

    def __init__(self, spec: PartitionSpec, schema: Schema, table: str) -> None:
        """Raise `PartitionColumnError` for a field whose column is gone."""
        self._spec = spec
        self._schema = schema
        self._table = table
        prefix = "partition"
        while any(column.startswith(prefix) for column in schema.column_names):
            prefix = f"_{prefix}"
        self._fields = {f"{prefix}_{each.field_id}": each for each in spec.fields}

    @property
    def helpers(self) -> tuple[str, ...]:
        """The names of the helper columns."""
        return tuple(self._fields)

    def columns(self) -> tuple[pl.Expr, ...]:
        """Return the helper columns."""
        try:
            return tuple(
                expression(_path(self._schema, each.source_id), each.transform, self._source(each)).alias(
                    helper
                )
                for helper, each in self._fields.items()
            )
        except S3AssetsError as error:
            raise error.at(table=self._table) from error.__cause__

    def folders(self, values: Mapping[str, str | None]) -> str:
        """Return the folders for a part: its fields with their values, as other writers name them."""
        return "".join(
            f"{quote(each.name, safe='')}="
            f"{quote(each.transform.to_human_string(self._result(each), value), safe='')}/"
            for each, value in self._values(values)
        )

    def record(self, values: Mapping[str, str | None]) -> Record:
        """Return the values of a part as its manifest holds them."""
        from pyiceberg.typedef import Record

        return Record(*(value for _, value in self._values(values)))

    def _values(self, values: Mapping[str, str | None]) -> Iterable[tuple[PartitionField, Any]]:
        for helper, each in self._fields.items():
            yield each, read_value(values[helper], self._result(each))

    def _source(self, each: PartitionField) -> IcebergType:
        return self._schema.find_field(each.source_id).field_type

    def _result(self, each: PartitionField) -> IcebergType:
        return each.transform.result_type(self._source(each))


@dataclass(frozen=True)
class IcebergLayout(Layout):
    """Where the parts of one attempt go: folders named by partition fields, columns with their ids."""

    fields: PartitionFields = field(kw_only=True)

    @classmethod
    def of(cls, handle: Handle, fields: PartitionFields, attempt: int) -> IcebergLayout:
        """Return the layout of an attempt in this state of the table."""
        import pyarrow as pa

        place = handle.properties.get(_DATA_PATH) or f"{handle.location().rstrip('/')}/data"
        # Nulls where the table demands values are counted by the audit, which can say so.
        columns = pa.schema(column.with_nullable(True) for column in handle.schema().as_arrow())  # noqa: FBT003
        return cls(Location.parse(place), fields.helpers, attempt, arrow_schema=columns, fields=fields)

    def path(self, values: Mapping[str, str | None], index: int) -> str:
        """The part's path below the root."""
        return f"{self.fields.folders(values)}part-{index:05d}-{self.attempt}.parquet"


def data_files(parts: Sequence[AuditedPart], laid: IcebergLayout, handle: Handle) -> list[DataFile]:
    """Return the parts as data files, with all that their footers tell of them."""
    from pyiceberg.io.pyarrow import (
        compute_statistics_plan,
        data_file_statistics_from_parquet_metadata,
        parquet_path_to_id_mapping,
    )
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat

    schema = handle.schema()
    plan = compute_statistics_plan(schema, handle.properties)
    ids = parquet_path_to_id_mapping(schema)
    files = []
    for each in parts:
        statistics = data_file_statistics_from_parquet_metadata(each.footer, plan, ids)
        files.append(
            DataFile.from_args(
                content=DataFileContent.DATA,
                file_path=laid.root.url + each.part.path,
                file_format=FileFormat.PARQUET,
                partition=laid.fields.record(each.part.values),
                file_size_in_bytes=each.part.bytes,
                sort_order_id=None,
                spec_id=handle.spec().spec_id,
                equality_ids=None,
                key_metadata=None,
                **statistics.to_serialized_dict(),
            )
        )
    return files


def refuse_nulls(each: AuditedPart, schema: Schema, table: str) -> None:
    """Raise `RowsRefusedError` for a null where the table demands a value."""
    for column in schema.fields:
        found = each.statistics.get(column.name)
        if column.required and found is not None and found.nulls:
            raise RowsRefusedError(
                f"the column '{column.name}' has {found.nulls:,} nulls, and the table demands values",
                remedy="Correct the rows; nothing was committed.",
                table=table,
            )


def _path(schema: Schema, field_id: int) -> tuple[str, ...]:
    """Return the names that lead to a field: a column, then the fields of its structs."""
    found = _find(schema.fields, field_id)
    if found is None:
        raise PartitionColumnError(
            f"the table is partitioned by the field {field_id}, which is not among its columns",
            remedy="Write it with the software that made the table.",
        )
    return found


def _find(fields: Iterable[Any], field_id: int) -> tuple[str, ...] | None:
    for each in fields:
        if each.field_id == field_id:
            return (each.name,)
        below = _find(getattr(each.field_type, "fields", ()), field_id)
        if below is not None:
            return (each.name, *below)
    return None
