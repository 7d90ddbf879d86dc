"""Exports as the registry declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from s3_assets.asset_words import Group, Owners, Tags
from s3_assets.errors import S3AssetsError
from s3_assets.exports.formats import NAMES, ExportFormat
from s3_assets.exports.key_checks import KeyUse
from s3_assets.exports.key_template import KeyTemplate
from s3_assets.exports.key_values import StreamNames
from s3_assets.exports.split import Split
from s3_assets.exports.units import ExportMode
from s3_assets.movement.filters import Filters
from s3_assets.object_options import ObjectOptions
from s3_assets.registry.engines import RunBy
from s3_assets.registry.increments import IncrementSettings
from s3_assets.registry.problems import did_you_mean
from s3_assets.registry.schedule import Started
from s3_assets.relative_path import RelativePath
from s3_assets.tables.settings import Partitions

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

    from s3_assets.connection.settings import S3Connection
    from s3_assets.engines.engine import Engine
    from s3_assets.exports.export import Export
    from s3_assets.tables.settings import TableSettings
    from s3_assets.tables.table import Table

KEYS = {
    ExportMode.FULL: "{stream_name}/part-{part}.{extension}",
    ExportMode.PARTITIONS: "{stream_name}/{partition_key}/part-{part}.{extension}",
    ExportMode.INCREMENTAL: "{stream_name}/{date_time}/part-{part}.{extension}",
}
"""The templates of exports that name none."""


class _ByName:
    """The schema of a format that is told by its name alone, for editors that check the file."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"enum": [*NAMES], "type": "string"}, handler(schema)]}


class SplitSettings(BaseModel):
    """Where one file ends and the next begins."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    rows: int | None = Field(default=None, ge=1, description="Rows of a file at most, exactly.")
    bytes: int | None = Field(default=None, ge=1, description="Bytes of a finished file at most, about.")

    @model_validator(mode="after")
    def _one_of_them(self) -> SplitSettings:
        if self.rows is None and self.bytes is None:
            raise ValueError("give rows, bytes, or both")
        return self


class ExportSettings(IncrementSettings, Started, RunBy):
    """An export: the rows of a table, or of an asset of the user's code, become files."""

    source: str | None = Field(
        default=None,
        description="Name of the table to read; left out: an asset of the code returns the rows.",
    )
    connection: str = Field(description="Name of the connection that writes the files.")
    path_prefix: RelativePath = Field(
        default="", description="Folder below the connection's url; keys lie below it."
    )
    key: str | None = Field(
        default=None, description="Template of the files' keys; left out: one for each mode."
    )
    mode: ExportMode | None = Field(
        default=None,
        description="full, partitions or incremental; left out: partitions if the source declares some, or "
        "the export itself, else full.",
    )
    format: Annotated[ExportFormat, _ByName] = Field(
        description="csv, csv.gz, jsonl, jsonl.gz, parquet or avro; or `format` with its options."
    )
    partitions: Partitions | None = Field(
        default=None,
        description="Without a source: the partitions of the asset's rows, as tables declare theirs; their "
        "column tells the rows of each.",
    )
    split: SplitSettings | None = Field(
        default=None, description="When a next file begins; left out: a unit is one file."
    )
    object: ObjectOptions = Field(
        default_factory=ObjectOptions,
        description="ACL, storage class, tags, metadata and headers of the files.",
    )
    success_file: bool = Field(
        default=False, description="Put a _SUCCESS beside the files of a unit when they are all there."
    )
    empty: Literal["none", "file"] = Field(
        default="none", description="What a unit without rows has: no file, or one without rows."
    )
    filters: Filters | None = Field(default=None, description="What is done to the columns, as in imports.")
    partitions_per_run: int | None = Field(
        default=None,
        ge=1,
        description="Of a backfill of mode partitions; left out: all of them, each a commit of its own.",
    )
    group: Group | None = Field(default=None, description="Dagster's asset group.")
    owners: Owners = Field(default=(), description="Dagster's owners of the asset.")
    tags: Tags = Field(default_factory=dict, description="Dagster's tags of the asset.")

    @model_validator(mode="before")
    @classmethod
    def _nothing_to_watch(cls, data: Any) -> Any:  # noqa: ANN401 - raw input
        if not isinstance(data, dict) or data.get("source") is not None:
            return data
        return {"on_new_data": False, **data}

    @field_validator("format", mode="before")
    @classmethod
    def _by_its_name(cls, name: Any) -> Any:  # noqa: ANN401 - raw input
        if not isinstance(name, str):
            return name
        if name not in NAMES:
            raise ValueError(f"there is no format '{name}'{did_you_mean(name, NAMES)}")
        plain, _, packed = name.partition(".")
        return {"format": plain, **({"compression": "gzip"} if packed else {})}

    @field_validator("key")
    @classmethod
    def _readable(cls, text: str | None) -> str | None:
        try:
            return None if text is None else str(KeyTemplate.parse(text))
        except S3AssetsError as error:
            raise ValueError(str(error)) from error

    def mode_for(self, source: TableSettings | None) -> ExportMode:
        """Return the mode: the declared one, or that of the source."""
        if self.mode is not None:
            return self.mode
        return ExportMode.FULL if self.partitions_for(source) is None else ExportMode.PARTITIONS

    def partitions_for(self, source: TableSettings | None) -> Partitions | None:
        """Return the partitions: the source's, or without one its own."""
        return self.partitions if source is None else source.partitions

    def template(self, mode: ExportMode) -> KeyTemplate:
        """Return the template of its keys, in that mode."""
        return KeyTemplate.parse(KEYS[mode] if self.key is None else self.key)

    def key_use(self, name: str, connection: S3Connection, source: TableSettings | None) -> KeyUse:
        """Return what it does with its keys; the connection is the one that it names."""
        return KeyUse(
            self.mode_for(source),
            StreamNames(
                extension=self.format.extension,
                stream_name=name,
                source_connection=source.connection if source is not None else "",
                target_connection=self.connection,
            ),
            connection.location.folder(self.path_prefix).key,
            several=self.split is not None,
            batches=self.batch is not None,
            success=self.success_file,
            partitions=self.partitions_for(source),
        )

    def open(
        self, name: str, connection: S3Connection, source: Table[Any] | None, engine: Engine | None = None
    ) -> Export:
        """Return the export, ready to run; `engine` is who runs the rows, if not this process."""
        from s3_assets.exports.export import Export

        mode = self.mode_for(source.settings if source is not None else None)
        return Export(
            name,
            connection,
            self.template(mode),
            self.format,
            mode,
            self.path_prefix,
            source,
            split=Split(self.split.rows, self.split.bytes) if self.split else Split(),
            options=self.object,
            empty=self.empty,
            success=self.success_file,
            on_gap=self.on_gap,
            limit=self.batch.limit() if self.batch else None,
            max_batches=self.max_batches,
            filters=self.filters,
            engine=engine,
        )
