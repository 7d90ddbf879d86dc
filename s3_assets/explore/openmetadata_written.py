"""The way back: an `openmetadata.json` that says what a registry's tables and media sets are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.explore.format_settings import settings_of
from s3_assets.explore.openmetadata_types import their_type
from s3_assets.tables.settings import DeltaSettings, FolderSettings
from s3_assets.tables.text_settings import DelimitedSettings
from s3_assets.windows import Every

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.settings import Partitions, TableSettings

# What OpenMetadata calls the files of a table with a log: it knows no formats with one.
_FILES_OF_LOGS = "parquet"
_FORMATS = {"jsonl": "json"}


class WrittenTable(NamedTuple):
    """A table of the registry."""

    name: str
    settings: TableSettings
    connection: S3Connection


class WrittenMedia(NamedTuple):
    """A media set of the registry: where its objects lie, and the endings of their names (none: all)."""

    name: str
    connection: S3Connection
    path: str
    extensions: tuple[str, ...] = ()


class WrittenManifest(NamedTuple):
    """The manifest as text, and what it cannot say."""

    text: str
    remarks: tuple[str, ...]


def write_manifest(
    tables: Iterable[WrittenTable], media: Iterable[WrittenMedia] = (), *, bucket: str | None = None
) -> WrittenManifest:
    """Return a manifest of one bucket, or of all with the bucket of each entry (`containerName`).

    Entries are in the order of their paths. OpenMetadata knows no tables with a log: of Delta and Iceberg the
    Parquet files are named, whose columns are the table's; remarks say what else gets lost.
    """
    entries: list[dict[str, Any]] = []
    remarks: list[str] = []
    for table in tables:
        if bucket in {None, table.connection.location.bucket}:
            entries.append(_placed(table.connection, table.settings.path, bucket) | _of_table(table))
            remarks += _lost(table)
    for each in media:
        if bucket in {None, each.connection.location.bucket}:
            told = {"unstructuredFormats": list(each.extensions) or ["*"]}
            entries.append(_placed(each.connection, each.path, bucket) | told)
    entries.sort(key=lambda entry: (entry.get("containerName", ""), entry["dataPath"]))
    text = json.dumps({"entries": entries}, indent=4, ensure_ascii=False)
    return WrittenManifest(f"{text}\n", tuple(remarks))


def _placed(connection: S3Connection, path: str, bucket: str | None) -> dict[str, Any]:
    location = connection.location.folder(path)
    named = {"containerName": location.bucket} if bucket is None else {}
    return {**named, "dataPath": location.key.rstrip("/")}


def _of_table(table: WrittenTable) -> dict[str, Any]:
    settings = table.settings
    format_ = str(getattr(settings, "format", _FILES_OF_LOGS))
    if not isinstance(settings, FolderSettings):
        format_ = _FILES_OF_LOGS
    entry: dict[str, Any] = {"structureFormat": _FORMATS.get(format_, format_)}
    if isinstance(settings, DelimitedSettings):
        entry["separator"] = settings.delimiter
    columns = _partition_columns(settings)
    if columns:
        entry |= {"isPartitioned": True, "partitionColumns": columns}
    return entry


def _partition_columns(settings: TableSettings) -> list[dict[str, str]]:
    """Return the columns that folders tell, each with its type as far as the registry says it."""
    if not isinstance(settings, FolderSettings | DeltaSettings):
        return []
    partitions = settings.partitions
    if partitions is not None and partitions.folders is not None:
        return []
    named = settings.partition_by or ((partitions.column,) if partitions is not None else ())
    declared = settings.columns or {} if isinstance(settings, FolderSettings) else {}
    columns = []
    for name in named:
        of_moments = partitions if partitions is not None and partitions.column == name else None
        told = declared.get(name)
        type_ = their_type(told) if told is not None else _type_of(of_moments)
        columns.append({"name": name, "dataType": type_})
    return columns


def _type_of(partitions: Partitions | None) -> str:
    if partitions is None or partitions.format is not None:
        return "STRING"
    return "TIMESTAMP" if partitions.every is Every.HOUR else "DATE"


def _lost(table: WrittenTable) -> list[str]:
    """Say what of a table a manifest has no words for."""
    settings = table.settings
    if not isinstance(settings, FolderSettings):
        told = str(getattr(settings, "format", ""))
        return [
            f"'{table.name}' is {told}: its files are named as Parquet, those that it left behind as well"
        ]
    chosen = [
        name
        for name in ("path_regex", "path_prefix", "start_after", "modified_after", "max_files")
        if getattr(settings, name)
    ]
    format_ = str(getattr(settings, "format", ""))
    if settings.suffixes != settings_of(format_).model_fields["suffixes"].default:
        chosen.append("suffixes")
    return (
        [f"'{table.name}' reads by {', '.join(chosen)}: the manifest means its whole folder"]
        if chosen
        else []
    )
