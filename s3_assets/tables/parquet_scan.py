"""Rows of Parquet files that may disagree, or whose rows are to tell their file.

Polars reads files of one schema best, and casts what it can on the way. Where it meets a file that it cannot
bring into the table's columns, the footers of all files decide: either the file is refused, by name, or files
of the same columns are read together and cast here, from the row on that was reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from s3_assets.connection.adapters import polars as adapter
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.tables import file_columns, schemas
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.disagreements import Policy

_FOOTERS_AT_ONCE = 16
_FILE = "__s3_assets_file__"


@dataclass(frozen=True)
class ParquetScan:
    """One read of files: `chosen` is a listing with the values of `hive` and `made`, which are in no file.

    `hive` are told by Hive folders, which Polars reads itself, and `made` in other ways.
    """

    table: str
    connection: S3Connection
    chosen: pl.DataFrame
    schema: pl.Schema
    hive: pl.Schema
    made: pl.Schema
    policy: Policy
    read_schema: Callable[[str], pl.Schema]
    told_by: Mapping[str, str]

    @cached_property
    def _stored(self) -> pl.Schema:
        """The columns that are in files."""
        import polars as pl

        elsewhere = {*self.hive, *self.made}
        return pl.Schema({name: dtype for name, dtype in self.schema.items() if name not in elsewhere})

    def native(self) -> pl.LazyFrame:
        """Return the rows as Polars reads them, of files that are known to fit and have no `made` columns."""
        return self._scan(self.chosen["key"], self._stored).select(list(self.schema))

    def known(self, files: Sequence[str]) -> bool:
        """Tell whether there is nothing to find out, if these files were looked at."""
        return not self.made and len(files) == self.chosen.height

    def checked(self, looked_at: Sequence[str]) -> pl.LazyFrame:
        """Return the rows, once the footers of all others than the files that were looked at have been read.

        Raises `SchemaMismatchError` for the first file that does not fit.
        """
        before = set(looked_at)
        others = [key for key in self.chosen["key"] if key not in before]
        with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
            found = list(pool.map(self._checked, others))
        alike = all(self._stored[name] == dtype for each in found for name, dtype in each.items())
        return self.native() if alike and not self.made else self.guarded()

    def guarded(self) -> pl.LazyFrame:
        """Return the rows of files that may turn out not to fit while they are read."""
        from polars.io.plugins import register_io_source

        return register_io_source(self._rows, schema=self.schema)

    def _rows(
        self, columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, batch: int | None
    ) -> Iterator[pl.DataFrame]:
        import polars as pl

        del batch
        chosen = file_columns.kept(self.chosen, predicate)
        if chosen.is_empty():
            return

        def batches(frame: pl.LazyFrame, done: int) -> Iterator[pl.DataFrame]:
            frame = self._valued(chosen, frame)
            asked = frame if predicate is None else frame.filter(predicate)
            asked = asked.select(list(self.schema) if columns is None else columns)
            asked = asked.slice(done, None if limit is None else limit - done)
            with diagnosed(self.connection, self.connection.location.url, OSError):
                yield from asked.collect_batches(maintain_order=True, lazy=True)

        done = 0
        try:
            for found in batches(self._scan(chosen["key"], self._stored), 0):
                done += found.height
                yield found
        except pl.exceptions.PolarsError:
            if limit is None or done < limit:
                yield from batches(self._conformed(chosen["key"].to_list()), done)

    def _conformed(self, keys: Sequence[str]) -> pl.LazyFrame:
        """Return the rows, each file read as it is and cast then.

        Raises `SchemaMismatchError` for the first file that does not fit.
        """
        import polars as pl

        with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
            found = list(zip(keys, pool.map(self._checked, keys), strict=True))
        frames = []
        for columns, files in groupby(found, lambda each: each[1]):
            scanned = self._scan([key for key, _ in files], columns)
            frames.append(
                scanned.with_columns(
                    schemas.conform(pl.col(name), columns[name], dtype).alias(name)
                    if name in columns
                    else pl.lit(None, dtype=dtype).alias(name)
                    for name, dtype in self._stored.items()
                )
            )
        # Columns of their folders that nobody asked for may differ.
        kept = [*self._stored, *self.hive, *([_FILE] if self.made else [])]
        return pl.concat([frame.select(kept) for frame in frames])

    def _valued(self, chosen: pl.DataFrame, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the columns that are made, by the file that Polars says each row is of."""
        import polars as pl

        if not self.made:
            return frame
        files = chosen.select(self._url().alias(_FILE), file_columns.VALUES).unnest(file_columns.VALUES)
        told = {
            "_file_path": pl.col(_FILE),
            "_file_name": pl.col(_FILE).str.replace("^.*/", ""),
        }
        return frame.with_columns(
            (
                told[name]
                if name in told
                else pl.col(_FILE).replace_strict(files[_FILE], files[name], return_dtype=dtype)
            ).alias(name)
            for name, dtype in self.made.items()
        )

    def _url(self) -> pl.Expr:
        import polars as pl

        return pl.lit(f"s3://{self.connection.location.bucket}/") + pl.col("key")

    def _checked(self, key: str) -> pl.Schema:
        import polars as pl

        columns = {name: dtype for name, dtype in self.read_schema(key).items() if name not in self.hive}
        self.policy.fit(key, columns, self._stored, self.table, self.told_by)
        return pl.Schema({name: dtype for name, dtype in columns.items() if name in self._stored})

    def _scan(self, keys: Sequence[str] | pl.Series, columns: pl.Schema) -> pl.LazyFrame:
        import polars as pl

        policy = self.policy
        casts = pl.ScanCastOptions(
            integer_cast=["upcast", "allow-float"],
            float_cast="upcast",
            datetime_cast=[
                "nanosecond-downcast",
                "microsecond-upcast",
                "millisecond-upcast",
                "convert-timezone",
            ],
            missing_struct_fields="raise" if policy.fails_on_missing else "insert",
            categorical_to_string="allow",
        )
        bucket = self.connection.location.bucket
        return pl.scan_parquet(
            [f"s3://{bucket}/{key}" for key in keys],
            glob=False,
            hive_partitioning=bool(self.hive),
            hive_schema=self.hive or None,
            schema=columns,
            include_file_paths=_FILE if self.made else None,
            missing_columns="raise" if policy.fails_on_missing else "insert",
            extra_columns="ignore" if policy.ignores_extra else "raise",
            cast_options=None if policy.fails_on_wider else casts,
            **adapter.options(self.connection),
        )
