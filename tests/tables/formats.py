"""The formats that join the conformance suite: each declares itself, the cases are the same for all."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import polars as pl

from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings, Partitions, TableSettings
from s3_assets.tables.table import Table
from s3_assets.tables.type_names import type_name

PATH = "base/table"


class Server(Protocol):
    """Where S3 is spoken."""

    @property
    def endpoint_url(self) -> str: ...


class Ceph(NamedTuple):
    """The Ceph gateway."""

    endpoint_url: str


@dataclass(frozen=True)
class Place:
    """A folder of a fresh bucket, as somebody sees it who does not use this project."""

    server: Server
    client: Any
    bucket: str
    path: str = PATH
    folder: Path = Path()
    """A folder of the test's own on this machine."""
    glue: str | None = None
    """Where Glue is spoken, if not on the same endpoint."""
    key_id: str = "test"
    secret: str = "test"
    fixture: Callable[[str], Any] | None = None
    """Gives other servers of the test run by their fixtures' names."""

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.path}"

    @property
    def glue_endpoint(self) -> str:
        return self.glue or self.server.endpoint_url

    @property
    def options(self) -> dict[str, str]:
        """The storage options of delta-rs and Polars, written by hand."""
        return {
            "aws_access_key_id": self.key_id,
            "aws_secret_access_key": self.secret,
            "aws_region": "us-east-1",
            "aws_endpoint_url": self.server.endpoint_url,
            "aws_allow_http": "true",
        }

    def connection(self, **fields: Any) -> S3Connection:
        told = {
            "name": "lake",
            "url": f"s3://{self.bucket}/",
            "endpoint": self.server.endpoint_url,
            "region": "us-east-1",
            "auth": AccessKeyAuth(access_key_id=self.key_id, secret_access_key=self.secret),
            "checksums": "when_required",
            **fields,
        }
        return S3Connection.model_validate(told)

    def objects(self, prefix: str | None = None) -> dict[str, str]:
        """Every object below the folder, with its ETag."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{self.path if prefix is None else prefix}/"
        )
        return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", ())}

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"{self.path}/{key}", Body=body)

    def get(self, key: str) -> bytes:
        body: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body


@dataclass(frozen=True)
class Format:
    """How one format is declared, and how foreign software writes and reads it."""

    name: str
    settings: Callable[..., TableSettings]
    write: Callable[[Place, pl.DataFrame, Sequence[str]], None]
    """Append rows, in folders of these columns."""
    read: Callable[[Place, pl.Schema], pl.DataFrame]
    """All rows; a format without types reads values as those of the schema."""
    files: Callable[[Place], dict[str, str]]
    """The data files of the newest state, with their ETags."""
    suffix: str = ".parquet"
    """How the names of data files end."""
    keeps_schema: bool = True
    """Whether the table has one schema, or every file its own."""
    declared: bool = False
    """Whether the types are known by declaration alone: text says 1, and an Int8 or an Int64 is meant."""
    lacks: Mapping[str, str] = field(default_factory=dict)
    """What it cannot do, and why: a case that needs it is skipped with the reason."""
    lost_types: Mapping[str, str] = field(default_factory=dict)
    """Types that the format cannot store as they are, and why."""
    reach: Callable[[Place], dict[str, Any]] = field(default=lambda _: {})
    """Fields of the connection beside the usual ones, such as the catalog."""
    placed: Callable[[Place], dict[str, Any]] = field(default=lambda _: {})
    """Fields of the table beside the usual ones, such as its name in the catalog."""

    def table(
        self,
        place: Place,
        partitions: Partitions | None = None,
        schema: pl.Schema | None = None,
        connection: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Table[Any]:
        """The table as this project has it; `schema` is declared where the format needs it."""
        if self.declared and schema is not None:
            fields["columns"] = {name: type_name(dtype) for name, dtype in schema.items()}
        settings = self.settings(partitions, **{**self.placed(place), **fields})
        return open_table("sales", settings, place.connection(**{**self.reach(place), **(connection or {})}))


def _delta_write(place: Place, rows: pl.DataFrame, folders: Sequence[str]) -> None:
    from deltalake import write_deltalake

    write_deltalake(
        place.url, rows, mode="append", partition_by=list(folders) or None, storage_options=place.options
    )


def _delta_read(place: Place, schema: pl.Schema) -> pl.DataFrame:
    del schema
    return pl.read_delta(place.url, storage_options=place.options)


def _delta_files(place: Place) -> dict[str, str]:
    from deltalake import DeltaTable

    live = DeltaTable(place.url, storage_options=place.options).file_uris()
    found = place.objects()
    keys = [uri.removeprefix(f"s3://{place.bucket}/") for uri in live]
    return {key: found[key] for key in keys}


def _parquet_write(place: Place, rows: pl.DataFrame, folders: Sequence[str]) -> None:
    from urllib.parse import quote

    count = len(place.objects())
    parts = rows.partition_by(list(folders), as_dict=True) if folders else {(): rows}
    for number, (values, part) in enumerate(parts.items()):
        folder = "".join(
            f"{column}={quote(str(value), safe='')}/" for column, value in zip(folders, values, strict=True)
        )
        buffer = io.BytesIO()
        part.drop(folders).write_parquet(buffer)
        place.put(f"{folder}foreign-{count + number:05d}.parquet", buffer.getvalue())


def _parquet_read(place: Place, schema: pl.Schema) -> pl.DataFrame:
    from urllib.parse import unquote

    frames = []
    for key in sorted(_parquet_files(place)):
        frame = pl.read_parquet(io.BytesIO(place.get(key)))
        for segment in key.removeprefix(f"{place.path}/").split("/")[:-1]:
            column, _, value = segment.partition("=")
            if not column.endswith(("_hour", "_day")):
                text = pl.lit(unquote(value))
                dtype = schema[unquote(column)]
                read = text.str.to_date() if dtype == pl.Date else text.cast(dtype)
                frame = frame.with_columns(read.alias(unquote(column)))
        frames.append(frame)
    return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()


def _parquet_files(place: Place) -> dict[str, str]:
    return data_files(place, ".parquet")


def data_files(place: Place, *suffixes: str) -> dict[str, str]:
    """What a plain reader takes for data."""
    return {
        key: etag
        for key, etag in place.objects().items()
        if key.endswith(suffixes) and "/_s3_assets/" not in key
    }


def declare(kind: type[TableSettings], **always: Any) -> Callable[..., TableSettings]:
    def settings(partitions: Partitions | None = None, **fields: Any) -> TableSettings:
        return kind(**{"connection": "lake", "path": PATH, "partitions": partitions, **always, **fields})

    return settings


DELTA = Format("delta", declare(DeltaSettings), _delta_write, _delta_read, _delta_files)
PARQUET = Format(
    "parquet", declare(ParquetSettings), _parquet_write, _parquet_read, _parquet_files, keeps_schema=False
)
