"""What is said of a table: format, place, partitions and the format's own options."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from s3_assets.errors import SettingError
from s3_assets.location import relative_path
from s3_assets.windows import Every, time_zone

_LEAVES_ROOM_FOR_DELTA = "s3_assets."


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Partitions(_Settings):
    """The date partitions of a table: which column carries them, and how."""

    column: str = Field(min_length=1, description="The column that tells a row's partition.")
    every: Every = Field(default=Every.DAY, description="hour, day, week or month.")
    start: date | datetime = Field(description="Start of the first partition, on the wall clock of timezone.")
    end: date | datetime | None = Field(
        default=None, description="End of the last partition; open if left out."
    )
    timezone: str = Field(default="UTC", description="IANA time zone in which partitions begin.")
    format: str | None = Field(
        default=None, description="How a string or integer column writes the start of a partition (strftime)."
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

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            time_zone(name)
        except SettingError as error:
            raise ValueError(str(error)) from error
        return name


class TableSettings(_Settings):
    """What every format shares."""

    connection: str = Field(description="Name of the connection.")
    path: str = Field(description="Folder below the connection's url.")
    partitions: Partitions | None = None
    description: str | None = None
    group: str | None = Field(default=None, description="Dagster's asset group.")
    owners: tuple[str, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        try:
            return relative_path(path)
        except SettingError as error:
            raise ValueError(str(error)) from error


class DeltaSettings(TableSettings):
    """A Delta table."""

    format: Literal["delta"] = "delta"
    partition_by: tuple[str, ...] | None = Field(
        default=None,
        description="Columns of a new table's folders; left out: the partition column, unless a timestamp.",
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
        default=None, description="Columns of the folders that are written; left out: the partition column."
    )
    suffixes: tuple[str, ...] = Field(default=(), description="Names that are data.")
    on_rewritten: Literal["fail", "reread", "ignore"] = Field(
        default="fail",
        description="What an incremental read does with a file that changed after it was read.",
    )


class ParquetSettings(FolderSettings):
    """A folder of Parquet files, with Hive partitions if its folders are named `column=value`."""

    format: Literal["parquet"] = "parquet"
    suffixes: tuple[str, ...] = Field(
        default=(".parquet", ".parq", ".pq"), description="Names that are data."
    )


class AvroSettings(FolderSettings):
    """A folder of Avro files, with Hive partitions if its folders are named `column=value`."""

    format: Literal["avro"] = "avro"
    codec: Literal["zstandard", "deflate", "snappy", "bzip2", "xz", "null"] = Field(
        default="zstandard",
        description="Of the files that are written; readers need to know no others than deflate and null.",
    )
    suffixes: tuple[str, ...] = Field(default=(".avro",), description="Names that are data.")
