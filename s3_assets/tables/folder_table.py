"""Folders of data files of any format: which files a read takes, and what their columns are.

A format's own module says how one file's columns are found and how many files are scanned.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from s3_assets.errors import DataFilesMissingError, SourceRewrittenError
from s3_assets.objects import Objects, empty_listing
from s3_assets.tables import files, inference
from s3_assets.tables.partitioning import label_bounds, label_column
from s3_assets.tables.reading import Reading
from s3_assets.tables.schemas import merge, parse_types
from s3_assets.tables.settings import FolderSettings
from s3_assets.tables.table import (
    Capability,
    FilesPosition,
    Plan,
    Position,
    ReadMode,
    State,
    Statistics,
    Table,
    TableVersion,
)

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from s3_assets.tables.partitioning import Bounds
    from s3_assets.windows import Window


MANY_FILES = 5_000
"""From here on, listing a table takes longer than a person likes to wait."""


FolderOf = TypeVar("FolderOf", bound=FolderSettings)


class FolderTable(Table[FolderOf], Generic[FolderOf]):
    """A folder of data files; folders named `column=value` are Hive partitions."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.READ_ADDED})

    @abstractmethod
    def read_schema(self, key: str) -> pl.Schema:
        """Return the columns of one file, without those of its folders."""

    @abstractmethod
    def scan_files(self, chosen: pl.DataFrame, schema: pl.Schema, hive: pl.Schema) -> pl.LazyFrame:
        """Return the rows of the files, lazily, with exactly the columns of `schema`.

        `chosen` is a listing: key, size, etag, modified. `hive` are those of the columns that the folders
        carry.
        """

    def scan_noting(
        self, chosen: pl.DataFrame, schema: pl.Schema, hive: pl.Schema, reading: Reading
    ) -> pl.LazyFrame:
        """Return the rows as `scan_files` does, and tell `reading` what was left out of them."""
        del reading
        return self.scan_files(chosen, schema, hive)

    def join_schemas(self, schemas: dict[str, pl.Schema], table: str) -> pl.Schema:
        """Merge the schemas of several files; raises `SchemaMismatchError` for two that disagree."""
        return merge(schemas, table)

    @cached_property
    def folder(self) -> files.Folder:
        """The data files of the table's location."""
        return files.Folder(
            Objects(self.connection),
            self.location.key,
            self.settings.suffixes,
            self.connection.match_subfolder_exactly,
        )

    def schema(self) -> pl.Schema:
        """Return the declared columns, or those of at most 100 files and of the Hive folders."""
        if self.settings.columns is not None:
            return parse_types(self.settings.columns, self.name)
        return self._schema_of(self._listed())[0]

    def version(self) -> TableVersion:
        """Return a digest of every file's key, size and ETag: one listing."""
        return _digest(self.folder.list_files())

    def state(self) -> State:
        """Return the listing's version, files and bytes; rows would need every footer."""
        listed = self.folder.list_files()
        return State(_digest(listed), Statistics(listed.height, int(listed["size"].sum())))

    def plan(
        self,
        mode: ReadMode = ReadMode.CURRENT,
        *,
        since: Position | None = None,
        at: int | datetime | None = None,
        window: Window | None = None,
    ) -> Plan:
        """Plan a read of all files, of the window's, or of those that `since` does not hold."""
        if at is not None:
            self.require(Capability.TIME_TRAVEL)
        if mode is ReadMode.CHANGES:
            self.require(Capability.READ_CHANGES)
        if mode is ReadMode.CURRENT and window is not None:
            return self._plan_window(window)
        listed = self._listed()
        chosen, notes = self._unread(listed, since) if mode is ReadMode.ADDED else (listed, ())
        return self._plan(chosen, mode, window, (*notes, *self._undeclared(listed)), total=listed)

    def _undeclared(self, listed: pl.DataFrame) -> tuple[str, ...]:
        """Say which declaration would spare the listing of a large table."""
        if self.settings.partitions is not None or listed.height < MANY_FILES:
            return ()
        dated = [
            name for name, dtype in self._hive_schema(listed["key"].to_list()).items() if dtype.is_temporal()
        ]
        if not dated:
            return ()
        declaration = f"'partitions: {{ column: {dated[0]}, ... }}'"
        listing = f"all {listed.height:,} files were listed"
        return (f"{listing}; declare {declaration}, and a window lists its own folders alone",)

    def beginning(self, files: int) -> Plan:
        """Plan a read of the first files alone; no more of the folder is listed than they take.

        Raises `DataFilesMissingError` if there is none.
        """
        import polars as pl

        found = [self.folder.objects.head(key) for key in islice(self.folder.first(), files)]
        if not found:
            raise self._no_files()
        listed = pl.DataFrame(found, schema=empty_listing().schema, orient="row")
        return self._plan(listed, ReadMode.CURRENT, None, (), total=None)

    def _plan_window(self, window: Window) -> Plan:
        import polars as pl

        declared = self.schema() if self.settings.columns else None
        if declared is None:
            first = next(self.folder.first(), None)
            if first is None:
                raise self._no_files()
            hive = self._hive_schema([first])
            partitions = self.settings.partitions
            if partitions and partitions.column in hive:
                # The folders' own names decide: listing one level tells the type, as for a whole read.
                found, _ = self.folder.objects.list_folders(self.location.key)
                hive = {**hive, **self._hive_schema([f"{folder}x" for folder in found])}
            declared = pl.Schema({**self.read_schema(first), **hive})
        bound = self.bounds(window, declared)
        chosen = self.folder.list_files_inside(self._folder_bounds(bound, declared), declared[bound.column])
        if chosen.is_empty():
            return Plan(
                pl.LazyFrame(schema=declared), ReadMode.CURRENT, FilesPosition(chosen), 0, 0, empty=True
            )
        return self._plan(chosen, ReadMode.CURRENT, window, (), total=None)

    def _folder_bounds(self, bound: Bounds, schema: pl.Schema) -> tuple[Bounds, ...]:
        import polars as pl

        partitions = self.settings.partitions
        if partitions is None or not isinstance(schema[bound.column], pl.Datetime):
            return (bound,)
        return (bound, label_bounds(bound, label_column(partitions)))

    def _plan(
        self,
        chosen: pl.DataFrame,
        mode: ReadMode,
        window: Window | None,
        notes: tuple[str, ...],
        *,
        total: pl.DataFrame | None,
    ) -> Plan:
        import polars as pl

        if chosen.is_empty():
            schema = self.schema() if self.settings.columns else pl.Schema()
            return Plan(
                pl.LazyFrame(schema=schema),
                mode,
                FilesPosition(chosen),
                0,
                0,
                total_files=total.height if total is not None else None,
                empty=True,
                notes=notes,
            )
        schema, read = self._schema_of(chosen)
        reading = Reading()
        frame = self.scan_noting(chosen, schema, self._hive_columns(chosen, schema), reading)
        if window is not None:
            frame = frame.filter(self.bounds(window, schema).expression())
        return Plan(
            frame,
            mode,
            FilesPosition(chosen),
            chosen.height,
            int(chosen["size"].sum()),
            total_files=total.height if total is not None else None,
            total_bytes=int(total["size"].sum()) if total is not None else None,
            schema_files=read,
            notes=notes,
            reading=reading,
        )

    def _unread(self, listed: pl.DataFrame, since: Position | None) -> tuple[pl.DataFrame, tuple[str, ...]]:
        if since is None:
            return listed, ()
        if not isinstance(since, FilesPosition):
            raise SourceRewrittenError(
                "the cursor counts versions, and this source counts files",
                remedy="Give the import another name, or reset its cursor.",
                table=self.name,
            )
        read = since.files
        unread = listed.join(read, on=["key", "etag"], how="anti")
        rewritten = unread.join(read, on="key", how="semi")
        gone = read.unique("key").join(listed, on="key", how="anti")
        notes = (
            [f"{gone.height} files that were read before are gone; their rows stay"] if gone.height else []
        )
        if rewritten.is_empty():
            return unread, tuple(notes)
        policy = self.settings.on_rewritten
        if policy == "fail":
            raise SourceRewrittenError(
                f"{rewritten.height} files were changed after they had been read, "
                f"the first is {rewritten['key'][0]}",
                remedy="Set on_rewritten to 'reread' (their rows come again) or 'ignore'.",
                table=self.name,
                connection=self.connection.name,
            )
        notes.append(f"{rewritten.height} files that changed after they had been read: {policy}")
        return (unread if policy == "reread" else unread.join(read, on="key", how="anti")), tuple(notes)

    def _listed(self) -> pl.DataFrame:
        listed = self.folder.list_files()
        if listed.is_empty():
            raise self._no_files()
        return listed

    def _no_files(self) -> DataFilesMissingError:
        return DataFilesMissingError(
            f"there is no file that ends with {' or '.join(self.settings.suffixes)} "
            "(hidden and empty ones do not count)",
            remedy="Check the table's path, or wait for the first file.",
            table=self.name,
            connection=self.connection.name,
            location=self.location.url,
        )

    def _schema_of(self, listed: pl.DataFrame) -> tuple[pl.Schema, tuple[str, ...]]:
        import polars as pl

        keys = listed["key"].to_list()
        hive = self._hive_schema(keys)
        if self.settings.columns is not None:
            return parse_types(self.settings.columns, self.name), ()
        inferred, read = inference.infer(keys, self.read_schema, self.name, self.join_schemas)
        return pl.Schema({**inferred, **hive}), read

    def _hive_columns(self, chosen: pl.DataFrame, schema: pl.Schema) -> pl.Schema:
        import polars as pl

        found = self._hive_schema(chosen["key"].to_list())
        return pl.Schema({column: schema[column] for column in found if column in schema})

    def _hive_schema(self, keys: list[str]) -> dict[str, pl.DataType]:
        found = files.hive_columns(keys, self.location.key)
        if self.settings.partitions is not None:
            # The folders of a timestamp's hour or day repeat what the column itself says.
            found.pop(label_column(self.settings.partitions), None)
        return found


def _digest(listed: pl.DataFrame) -> TableVersion:
    digest = hashlib.sha256()
    for row in listed.select("key", "size", "etag").iter_rows():
        digest.update(repr(row).encode())
    return TableVersion(f"{listed.height}-{digest.hexdigest()[:20]}")
