"""`openmetadata.json`: the manifest by which OpenMetadata is told what lies in a bucket.

The fields are those of its schemas `containerMetadataConfig.json`, `manifestMetadataConfig.json` and
`manifestEntry.json` (folder `metadataIngestion/storage` of its specification), of all versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from s3_assets.errors import SettingError
from s3_assets.explore.openmetadata_globs import is_glob, matches
from s3_assets.explore.openmetadata_json import read_json
from s3_assets.explore.openmetadata_types import our_type
from s3_assets.progress import count

if TYPE_CHECKING:
    from s3_assets.explore.openmetadata_json import PlacedJson

FILE_NAME = "openmetadata.json"
GLOBAL_FILE_NAME = "openmetadata_storage_manifest.json"
"""A manifest of several buckets: its entries name theirs."""

EXCLUDED = ("_delta_log", "_temporary", "_spark_metadata", ".tmp", "_SUCCESS")
"""Segments that are left out where an entry does not say which (schema `manifestEntry.json`)."""

_FORMATS = {
    **dict.fromkeys(("parquet", "pq", "pqt", "parq", "parquet.snappy"), "parquet"),
    **{
        f"{base}{packed}": base
        for base in ("csv", "tsv")
        for packed in ("", ".gz", ".zip", ".snappy", ".zstd")
    },
    **{f"json{packed}": "json" for packed in ("", ".gz", ".zip")},
    **{f"{base}{packed}": "jsonl" for base in ("jsonl", "ndjson") for packed in ("", ".gz", ".zip")},
    **{name: name for name in ("avro", "delta", "iceberg")},
}
_EVERYTHING = "*"


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:  # noqa: ANN401 - raw input
        # The schemas' own default of most fields.
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None}


class ManifestColumn(_Told):
    """A partition column as the manifest tells it."""

    name: str = Field(min_length=1)
    data_type: str = Field(alias="dataType", min_length=1)
    precision: int | None = None
    scale: int | None = None
    description: str | None = None

    @property
    def type(self) -> str | None:
        """Its type as a registry writes it; None for a type that a registry does not have."""
        return our_type(self.data_type, self.precision, self.scale)


class ManifestEntry(_Told):
    """One entry: a path or pattern, and what lies there."""

    data_path: str = Field(validation_alias=AliasChoices("dataPath", "pathPattern"))
    container_name: str | None = Field(default=None, alias="containerName")
    structure_format: str | None = Field(default=None, alias="structureFormat")
    unstructured_formats: list[str] = Field(default=[], alias="unstructuredFormats")
    unstructured_data: bool = Field(default=False, alias="unstructuredData")
    depth: int = Field(default=0, ge=0)
    separator: str | None = None
    is_partitioned: bool = Field(default=False, alias="isPartitioned")
    auto_partition_detection: bool = Field(default=True, alias="autoPartitionDetection")
    partition_columns: list[ManifestColumn] = Field(default=[], alias="partitionColumns")
    exclude_paths: list[str] = Field(default=list(EXCLUDED), alias="excludePaths")
    exclude_patterns: list[str] = Field(default=[], alias="excludePatterns")
    folders_only: bool = Field(default=False, alias="foldersOnly")

    @property
    def path(self) -> str:
        """The path or pattern without slashes around it."""
        return self.data_path.strip("/")

    @property
    def is_pattern(self) -> bool:
        """Whether it means files in folders of any names."""
        return is_glob(self.path)

    @property
    def format(self) -> str | None:
        """The format as a registry names it; None if none is told, or one that cannot be read in place."""
        return _FORMATS.get((self.structure_format or "").lower().lstrip("."))

    @property
    def is_media(self) -> bool:
        """Whether it means files that are no tables."""
        return self.unstructured_data or (not self.structure_format and bool(self.unstructured_formats))

    @property
    def extensions(self) -> tuple[str, ...]:
        """The endings of media files; none: all."""
        if _EVERYTHING in self.unstructured_formats:
            return ()
        return tuple(dict.fromkeys(each.lower().lstrip(".") for each in self.unstructured_formats))

    def takes(self, key: str) -> bool:
        """Tell whether a key is none of those that the entry leaves out."""
        left_out = {each.strip("/") for each in self.exclude_paths}
        return not (
            left_out.intersection(key.split("/"))
            or any(matches(pattern.lstrip("/"), key) for pattern in self.exclude_patterns)
        )


@dataclass(frozen=True)
class PlacedEntry:
    """An entry, the file that has it, and its line there."""

    entry: ManifestEntry
    file: str
    line: int

    @property
    def place(self) -> str:
        """File and line, for people."""
        return f"{self.file} line {self.line}"


@dataclass(frozen=True)
class Manifest:
    """What a manifest says, and what was strange about it."""

    entries: tuple[PlacedEntry, ...]
    remarks: tuple[str, ...] = ()

    def names(self, bucket: str) -> bool:
        """Tell whether an entry is of that bucket by its name."""
        return any(each.entry.container_name == bucket for each in self.entries)

    def of_bucket(self, bucket: str) -> list[PlacedEntry]:
        """Return the entries of one bucket: those that name it, and those that name none."""
        return [each for each in self.entries if each.entry.container_name in {None, bucket}]


def read_manifest(text: str, place: str) -> Manifest:
    """Read a manifest; `place` is how messages name the file.

    Raises `SettingError` that names every problem with its line and says what to do. Fields that are not
    known, and commas too many, are remarks.
    """
    found = read_json(text, place)
    raw = found.value.get("entries") if isinstance(found.value, dict) else None
    if not isinstance(raw, list):
        raise SettingError(
            'the file has no list "entries"',
            remedy='Write { "entries": [ { "dataPath": "folder", "structureFormat": "csv" } ] }.',
            location=f"{place}:{found.line(('entries',))}",
        )
    problems, remarks = _unknown_fields(found, raw, place)
    entries = []
    for index, each in enumerate(raw):
        path = ("entries", index)
        try:
            entry = ManifestEntry.model_validate(each)
        except ValidationError as error:
            problems += [_problem(found, path, each, dict(told)) for told in error.errors()]
            continue
        entries.append(PlacedEntry(entry, place, found.line(path)))
        remarks += _remarks(entry, entries[-1].place)
    if problems:
        told = "\n".join(f"  {each}" for each in problems)
        raise SettingError(f"{count(len(problems), 'problem')} in {place}:\n{told}\n", location=place)
    return Manifest(tuple(entries), tuple(remarks))


def _unknown_fields(found: PlacedJson, raw: list[Any], place: str) -> tuple[list[str], list[str]]:
    """Return what looks like a misspelt field, and remarks about fields that nobody knows."""
    known = [
        *(str(each.alias) for each in ManifestEntry.model_fields.values() if each.alias),
        *("dataPath", "pathPattern", "depth", "separator"),
    ]
    problems = []
    remarks = [
        f"{place} line {line}: a comma with nothing behind it, which JSON does not have"
        for line in found.trailing_commas
    ]
    for index, each in enumerate(raw):
        for name in [name for name in each if name not in known] if isinstance(each, dict) else ():
            line = found.line(("entries", index, name))
            close = get_close_matches(name, known, n=1)
            if close:
                problems.append(f"line {line}: there is no field '{name}'; did you mean '{close[0]}'?")
            else:
                remarks.append(f"{place} line {line}: the field '{name}' is not known, and has no effect")
    return problems, remarks


def _problem(found: PlacedJson, path: tuple[str | int, ...], entry: object, told: dict[str, Any]) -> str:
    where = (*path, *told["loc"])
    line = found.line(where)
    field = ".".join(str(each) for each in told["loc"])
    kind = told["type"]
    if not isinstance(entry, dict):
        return f'line {line}: an entry must stand in braces; write {{ "dataPath": "folder" }}'
    if kind == "missing":
        return f"line {line}: '{field}' is missing; add it"
    message = str(told["msg"])
    return f"line {line}: '{field}': {message[:1].lower()}{message[1:]}; mend the value"


def _remarks(entry: ManifestEntry, place: str) -> list[str]:
    told = []
    if entry.structure_format and entry.format is None and not entry.is_media:
        told.append(f"{place}: '{entry.structure_format}' cannot be read in place; the files are looked at")
    if entry.folders_only:
        told.append(
            f"{place}: foldersOnly is of folders without their data; what lies there is found as anywhere"
        )
    if not entry.auto_partition_detection:
        told.append(f"{place}: autoPartitionDetection is off; folders named column=value are columns here")
    told += [
        f"{place}: the column '{each.name}' is of type {each.data_type}, which a registry does not have"
        for each in entry.partition_columns
        if each.type is None
    ]
    return told
