"""What is said of a table: format, place, partitions and the format's own options."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from s3_assets.asset_words import Group, Owners, Tags
from s3_assets.relative_path import RelativePath
from s3_assets.tables.check_settings import ChecksSettings
from s3_assets.tables.dated_folders import DatedFolders
from s3_assets.tables.durations import Duration, TimeZone
from s3_assets.tables.file_columns import ReaderColumn
from s3_assets.tables.partition_columns import PartitionColumns
from s3_assets.tables.tasks import MIN_TASK_BYTES
from s3_assets.windows import Every

_LEAVES_ROOM_FOR_DELTA = "s3_assets."


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, populate_by_name=True)


class Partitions(_Settings):
    """The date partitions of a table: which column carries them, and how."""

    column: str = Field(min_length=1, description="The column that tells a row's partition.")
    every: Every = Field(default=Every.DAY, description="hour, day, week or month.")
    start: date | datetime = Field(description="Start of the first partition, on the wall clock of timezone.")
    end: date | datetime | None = Field(
        default=None, description="End of the last partition; open if left out."
    )
    timezone: TimeZone = Field(default="UTC", description="IANA time zone in which partitions begin.")
    format: str | None = Field(
        default=None, description="How a string or integer column writes the start of a partition (strftime)."
    )
    folders: str | None = Field(
        default=None,
        description="For folders of files: the folders that tell the partition column, such as "
        "year=%Y/month=%m/day=%d; * is any name, %-m has no leading zero.",
    )

    @field_validator("start", "end", mode="before")
    @classmethod
    def _wall_clock(cls, moment: object) -> object:
        # Before pydantic reads it: midnight with a zone would become a plain date.
        read = moment
        if isinstance(moment, str):
            try:
                read = datetime.fromisoformat(moment)
            except ValueError:
                return moment
        if isinstance(read, datetime) and read.tzinfo is not None:
            raise ValueError(f"'{moment}' carries a zone; write it without, and the zone in timezone")
        return moment

    @property
    def dated_folders(self) -> DatedFolders | None:
        """The folders that tell the partition column, where it is no column of the rows."""
        return DatedFolders(self.folders, self.every, self.timezone) if self.folders is not None else None

    @model_validator(mode="after")
    def _folders_of_partitions(self) -> Partitions:
        if self.dated_folders is not None:
            self.dated_folders.check()
        return self


class PreviewSettings(_Settings):
    """Which rows that a run wrote may be shown to people who look at the run."""

    rows: int | None = Field(
        default=None,
        ge=0,
        le=100,
        description="How many at most; 0: none. Left out: what the registry's `preview` says, which is none.",
    )
    exclude: tuple[str, ...] = Field(default=(), description="Columns that are never shown.")


class TableSettings(_Settings):
    """What every format shares."""

    connection: str = Field(description="Name of the connection.")
    path: RelativePath = Field(description="Folder below the connection's url.")
    partitions: Partitions | None = Field(default=None, description="Which span of time a row belongs to.")
    partition_columns: PartitionColumns = Field(
        default_factory=dict,
        description="Columns that hold partition keys as they are: those of static and dynamic partitions, "
        "and of the dimensions of multi-partitions, by dimension; a name, or a list, if called alike.",
    )
    description: str | None = Field(default=None, description="For people.")
    column_descriptions: dict[str, str] = Field(
        default_factory=dict, description="Column to what it says; before what the table itself tells of it."
    )
    preview: PreviewSettings = Field(
        default_factory=PreviewSettings, description="Rows that are shown in the metadata of a run."
    )
    checks: ChecksSettings | None = Field(
        default=None, description="What is demanded of the table's rows, columns and age: see checks.md."
    )
    group: Group | None = Field(default=None, description="Dagster's asset group.")
    owners: Owners = Field(default=(), description="Dagster's owners of the asset.")
    tags: Tags = Field(default_factory=dict, description="Dagster's tags of the asset.")

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns that hold partition keys, once each."""
        return tuple(dict.fromkeys(self.partition_columns.values()))

    @model_validator(mode="after")
    def _own_columns(self) -> TableSettings:
        columns = list(self.partition_columns.values())
        if len(set(columns)) < len(columns):
            raise ValueError("two dimensions have one column in partition_columns")
        if self.partitions is not None and self.partitions.column in columns:
            raise ValueError(
                f"'{self.partitions.column}' is the column of partitions, and no other dimension's"
            )
        return self

    @model_validator(mode="after")
    def _folders_of_files(self) -> TableSettings:
        if self.partitions and self.partitions.folders and not isinstance(self, FolderSettings):
            raise ValueError("partitions.folders is for folders of files; this format knows its partitions")
        return self


class DeltaSettings(TableSettings):
    """A Delta table."""

    format: Literal["delta"] = "delta"
    partition_by: tuple[str, ...] | None = Field(
        default=None,
        description="Columns of a new table's folders; left out: the partition column, unless a timestamp, "
        "and partition_columns.",
    )
    change_feed: bool = Field(default=False, description="Switch the change data feed on in a new table.")
    properties: dict[str, str] = Field(default_factory=dict, description="Table properties of a new table.")
    on_new_columns: Literal["add", "fail"] = Field(
        default="add", description="What to do with columns that the table does not have."
    )

    @model_validator(mode="after")
    def _properties(self) -> DeltaSettings:
        ours = [name for name in self.properties if name.startswith(_LEAVES_ROOM_FOR_DELTA)]
        if ours:
            raise ValueError(f"the properties {ours} are reserved")
        return self


class FolderSettings(TableSettings):
    """What folders of data files share, with Hive partitions if they are named `column=value`."""

    columns: dict[str, str] | None = Field(
        default=None, description="The schema, column to type; left out: inferred from at most 100 files."
    )
    partition_by: tuple[str, ...] | None = Field(
        default=None,
        description="Columns of the folders that are written; left out: the partition column, and "
        "partition_columns.",
    )
    suffixes: tuple[str, ...] = Field(default=(), description="Names that are data.")
    reader_columns: tuple[ReaderColumn, ...] = Field(
        default=(),
        description="Columns that tell the file of each row: _file_name, _file_path (its URL), "
        "_file_modified (a timestamp in UTC).",
    )
    path_prefix: str = Field(
        default="", description="Only files whose path below the folder begins so; nothing else is listed."
    )
    path_regex: str | None = Field(
        default=None, description="Only files in whose path below the folder this is found (Python's re)."
    )
    start_after: str | None = Field(
        default=None,
        description="Only files whose path below the folder sorts after this; the listing begins there.",
    )
    modified_after: datetime | None = Field(
        default=None, description="Only files that were written after this moment; it has a zone."
    )
    max_files: int | None = Field(
        default=None,
        ge=1,
        description="A read takes so many files at most, the first by path; an import takes the next ones "
        "at its next run.",
    )
    skip_glacier: bool = Field(
        default=False,
        description="Leave out files in S3 Glacier, restored or not; else one that is not restored is an "
        "error that names it.",
    )
    min_task_bytes: int = Field(
        default=MIN_TASK_BYTES,
        ge=0,
        description="Small files are read in groups of at least so many bytes.",
    )
    incremental: Literal["exact", "path_order", "modified_time"] = Field(
        default="exact",
        description="How an incremental read tells new files: exact keeps key and ETag of all that it read; "
        "path_order lists only what sorts behind the last one; modified_time takes what was written since.",
    )
    look_back: Duration = Field(
        default=timedelta(hours=1),
        ge=timedelta(0),
        le=timedelta(days=36_500),
        description="For modified_time: how far behind the newest file that was read a file may lie, by its "
        "own time, that becomes visible only now; such as 90s, 15m, 1h, 2d.",
    )
    on_rewritten: Literal["fail", "reread", "ignore"] = Field(
        default="fail",
        description="What an incremental read does with a file that changed after it was read.",
    )
    on_deleted: Literal["fail", "ignore"] = Field(
        default="ignore",
        description="What an incremental read does if a file that was read is gone: stop, or go on and say "
        "so; its rows stay.",
    )

    @field_validator("path_prefix", "start_after")
    @classmethod
    def _below(cls, path: str | None) -> str | None:
        if path is not None and path.startswith("/"):
            raise ValueError(f"'{path}' begins with a slash; write '{path.lstrip('/')}'")
        return path

    @field_validator("path_regex")
    @classmethod
    def _expression(cls, text: str | None) -> str | None:
        try:
            re.compile(text or "")
        except re.error as error:
            raise ValueError(f"'{text}' is no regular expression: {error}") from error
        return text

    @field_validator("modified_after")
    @classmethod
    def _moment(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"'{moment}' has no zone; write one, such as {moment.isoformat()}Z")
        return moment

    @model_validator(mode="after")
    def _told(self) -> FolderSettings:
        if self.incremental != "modified_time" and "look_back" in self.model_fields_set:
            raise ValueError(f"look_back is for incremental: modified_time, not for {self.incremental}")
        blind = [name for name in ("on_rewritten", "on_deleted") if name in self.model_fields_set]
        if self.incremental == "path_order" and blind:
            raise ValueError(
                f"incremental: path_order never lists what it has read, and cannot honour {blind[0]}; leave "
                "it out, or choose exact"
            )
        return self

    @field_validator("reader_columns")
    @classmethod
    def _once(cls, names: tuple[ReaderColumn, ...]) -> tuple[ReaderColumn, ...]:
        if len(set(names)) < len(names):
            raise ValueError("a column is named twice")
        return names


class TypedSettings(FolderSettings):
    """What formats share whose files say the types of their columns, and may disagree."""

    on_missing_column: Literal["null", "fail"] = Field(
        default="null", description="What to do with a file that lacks a column of the table."
    )
    on_extra_column: Literal["fail", "ignore"] = Field(
        default="fail",
        description="What to do with a column that is not among `columns`; without them, that none of the "
        "files has that were looked at: the table has the columns of all of these.",
    )
    on_wider_type: Literal["widen", "fail"] = Field(
        default="widen",
        description="What to do with files of other types: take the type that holds every value, or fail. "
        "Types without such a one always fail.",
    )


class ParquetSettings(TypedSettings):
    """A folder of Parquet files, with Hive partitions if its folders are named `column=value`."""

    format: Literal["parquet"] = "parquet"
    suffixes: tuple[str, ...] = Field(
        default=(".parquet", ".parq", ".pq"), description="Names that are data."
    )


class AvroSettings(TypedSettings):
    """A folder of Avro files, with Hive partitions if its folders are named `column=value`."""

    format: Literal["avro"] = "avro"
    codec: Literal["zstandard", "deflate", "snappy", "bzip2", "xz", "null"] = Field(
        default="zstandard",
        description="Of the files that are written; readers need to know no others than deflate and null.",
    )
    suffixes: tuple[str, ...] = Field(default=(".avro",), description="Names that are data.")
