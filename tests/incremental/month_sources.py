"""What other people do to a source in a month, with delta-rs, PyIceberg or Polars alone."""

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, ClassVar

import obstore
import polars as pl
from deltalake import DeltaTable, write_deltalake
from obstore.store import S3Store
from pyiceberg.types import LongType, StringType

from tests.incremental.iceberg_ground import glue_catalog
from tests.incremental.month_work import SOURCE, glue_name

Row = dict[str, Any]
SCHEMA: Mapping[str, pl.DataType] = {
    "id": pl.Int64(),
    "day": pl.Date(),
    "text": pl.String(),
    "amount": pl.Int32(),
}


def frame(rows: Iterable[Row], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=dict(schema))


def _among(ids: Iterable[int]) -> str:
    return f"id IN ({', '.join(map(str, ids))})"


class Source(ABC):
    """A source under the hands of others; its rows are known to the month alone."""

    def __init__(self, endpoint: str, bucket: str, store: S3Store, *, widens: bool) -> None:
        self.endpoint, self.bucket, self.store = endpoint, bucket, store
        self.schema: dict[str, pl.DataType] = dict(SCHEMA)
        second = self._widen if widens else partial(self._add_column, "remark")
        self.changes: list[Callable[[], None]] = [partial(self._add_column, "note"), second]

    @abstractmethod
    def add(self, rows: Sequence[Row]) -> None: ...

    @abstractmethod
    def put(self, rows: Sequence[Row], every: Mapping[int, Row]) -> None:
        """Give rows that are there other values; `every` is what the source has then."""

    @abstractmethod
    def take(self, ids: Sequence[int], every: Mapping[int, Row]) -> None: ...

    @abstractmethod
    def tidy(self, random: Random, *, all_read: bool) -> str:
        """Do what changes no row, and may take away what tells the history; say what."""

    def change_schema(self) -> None:
        """The next change of the schema, while there is one."""
        if self.changes:
            self.changes.pop(0)()

    def _add_column(self, name: str) -> None:
        self.schema[name] = pl.String()

    def _widen(self) -> None:
        self.schema["amount"] = pl.Int64()


class DeltaSource(Source):
    """A Delta table, with the change feed or without."""

    feed: ClassVar[bool] = True

    @property
    def options(self) -> dict[str, str]:
        return {
            "aws_endpoint_url": self.endpoint,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "aws_region": "us-east-1",
            "aws_allow_http": "true",
        }

    @property
    def handle(self) -> DeltaTable:
        return DeltaTable(f"s3://{self.bucket}/{SOURCE}", storage_options=self.options)

    def add(self, rows: Sequence[Row]) -> None:
        write_deltalake(
            f"s3://{self.bucket}/{SOURCE}",
            frame(rows, self.schema),
            mode="append",
            schema_mode="merge",
            configuration={
                "delta.enableChangeDataFeed": str(self.feed).lower(),
                "delta.logRetentionDuration": "interval 0 seconds",
            },
            storage_options=self.options,
        )

    def put(self, rows: Sequence[Row], every: Mapping[int, Row]) -> None:
        del every
        merger = self.handle.merge(
            frame(rows, self.schema).to_arrow(),
            "t.id = s.id",
            source_alias="s",
            target_alias="t",
            merge_schema=True,
        )
        merger.when_matched_update_all().execute()

    def take(self, ids: Sequence[int], every: Mapping[int, Row]) -> None:
        del every
        self.handle.delete(_among(ids))

    def tidy(self, random: Random, *, all_read: bool) -> str:
        del all_read
        handle, what = self.handle, random.choice(["optimize", "vacuum", "checkpoint"])
        if what == "optimize":
            handle.optimize.compact()
        elif what == "vacuum":
            handle.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
        else:
            handle.create_checkpoint()
            handle.cleanup_metadata()
        return what


class SilentDeltaSource(DeltaSource):
    """A Delta table without a feed."""

    feed = False


class IcebergSource(Source):
    """An Iceberg table of Glue."""

    def __init__(self, endpoint: str, bucket: str, store: S3Store, *, widens: bool) -> None:
        super().__init__(endpoint, bucket, store, widens=widens)
        self.catalog, self.name = glue_catalog(endpoint), glue_name(bucket, "source")
        self.catalog.create_namespace_if_not_exists("months")
        self.catalog.create_table(
            self.name, self._arrow([]).schema, location=f"s3://{bucket}/{SOURCE.rstrip('/')}"
        )

    def _arrow(self, rows: Iterable[Row]) -> Any:
        return frame(rows, self.schema).to_arrow(compat_level=pl.CompatLevel.oldest())

    def _fitting(self, rows: Iterable[Row]) -> Any:
        return self._arrow(rows).cast(self.table.schema().as_arrow())

    @property
    def table(self) -> Any:
        return self.catalog.load_table(self.name)

    def add(self, rows: Sequence[Row]) -> None:
        self.table.append(self._fitting(rows))

    def put(self, rows: Sequence[Row], every: Mapping[int, Row]) -> None:
        del every
        self.table.overwrite(self._fitting(rows), _among(row["id"] for row in rows))

    def take(self, ids: Sequence[int], every: Mapping[int, Row]) -> None:
        del every
        self.table.delete(_among(ids))

    def tidy(self, random: Random, *, all_read: bool) -> str:
        del all_read
        what, table = random.choice(["expire", "rewrite"]), self.table
        if what == "expire":
            current = table.current_snapshot()
            old = [each.snapshot_id for each in table.snapshots() if current and each != current]
            if old:
                table.maintenance.expire_snapshots().by_ids(old).commit()
        elif table.current_snapshot() is not None:
            table.overwrite(table.scan().to_arrow())
        return what

    def _add_column(self, name: str) -> None:
        super()._add_column(name)
        with self.table.update_schema() as update:
            update.add_column(name, StringType())

    def _widen(self) -> None:
        super()._widen()
        with self.table.update_schema() as update:
            update.update_column("amount", LongType())


class FilesSource(Source):
    """Files under names that nobody promised anything of."""

    ordered: ClassVar[bool] = False
    suffix: ClassVar[str] = ".parquet"

    def __init__(self, endpoint: str, bucket: str, store: S3Store, *, widens: bool) -> None:
        super().__init__(endpoint, bucket, store, widens=widens)
        self.files: dict[str, list[int]] = {}
        self.rows: dict[int, Row] = {}
        self.names = Random(bucket)  # noqa: S311 - the same ones each time
        self.added = 0

    def add(self, rows: Sequence[Row]) -> None:
        # Late in the order of names, but where that order is the promise.
        number = self.added if self.ordered else self.names.randrange(10**6)
        key = f"{SOURCE}{number:07d}-{self.added}{self.suffix}"
        self.added += 1
        self.rows.update({row["id"]: row for row in rows})
        self._write(key, [row["id"] for row in rows])

    def put(self, rows: Sequence[Row], every: Mapping[int, Row]) -> None:
        del every
        self.rows.update({row["id"]: row for row in rows})
        touched = {row["id"] for row in rows}
        for key, ids in list(self.files.items()):
            if touched & {*ids}:
                self._write(key, ids)

    def take(self, ids: Sequence[int], every: Mapping[int, Row]) -> None:
        del every
        for key, held in list(self.files.items()):
            left = [each for each in held if each not in ids]
            if not left:
                self._delete(key)
            elif left != held:
                self._write(key, left)

    def tidy(self, random: Random, *, all_read: bool) -> str:
        what = random.choice(["rewrite", "delete"])
        if what == "delete" and all_read and len(self.files) > 1:
            # Its rows stay where they were imported to.
            self._delete(random.choice(sorted(self.files)))
        elif self.files:
            key = random.choice(sorted(self.files))
            self._write(key, self.files[key][::-1])
        return what

    def _write(self, key: str, ids: list[int]) -> None:
        self.files[key] = ids
        obstore.put(self.store, key, self.encode([self.rows[each] for each in ids]))

    def _delete(self, key: str) -> None:
        del self.files[key]
        obstore.delete(self.store, [key])

    def encode(self, rows: Sequence[Row]) -> bytes:
        buffer = io.BytesIO()
        frame(rows, self.schema).write_parquet(buffer)
        return buffer.getvalue()


class OrderedSource(FilesSource):
    """Files whose names rise."""

    ordered = True


class LinesSource(FilesSource):
    """JSON Lines, told by when they were written."""

    suffix = ".jsonl"

    def encode(self, rows: Sequence[Row]) -> bytes:
        return b"".join(
            json.dumps({name: row[name] for name in self.schema if name in row}, default=str).encode() + b"\n"
            for row in rows
        )


SOURCES: Mapping[str, type[Source]] = {
    "delta": DeltaSource,
    "delta-silent": SilentDeltaSource,
    "iceberg": IcebergSource,
    "parquet-exact": FilesSource,
    "parquet-path_order": OrderedSource,
    "jsonl-modified_time": LinesSource,
}
