"""Folders of data files of any format: which files a read takes, and what their columns are.

A format's own module says how one file's columns are found and how many files are scanned. What only writers
and looks at the past need is imported when they ask for it: a look at a table's rows is to begin soon.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from s3_assets.errors import AccessDeniedError, DataFilesMissingError, S3AssetsError, UnsupportedError
from s3_assets.object_listings import empty_listing
from s3_assets.objects import Objects
from s3_assets.tables import archived, files, folder_portions
from s3_assets.tables.described import ColumnNote, Described, joined, with_partitions
from s3_assets.tables.file_order import FileOrder, take
from s3_assets.tables.file_order_exact import ExactOrder
from s3_assets.tables.file_order_path import PathOrder
from s3_assets.tables.file_order_time import TimeOrder
from s3_assets.tables.folder_columns import FolderColumns
from s3_assets.tables.folder_conditions import folder_conditions
from s3_assets.tables.inference import MOST_FILES, Inferred, infer
from s3_assets.tables.positions import FilesPosition
from s3_assets.tables.reading import Reading
from s3_assets.tables.schemas import merge, parse_types
from s3_assets.tables.selection import Selection
from s3_assets.tables.settings import FolderSettings
from s3_assets.tables.table import (
    Capability,
    Plan,
    ReadMode,
    State,
    Statistics,
    Table,
    TableVersion,
)
from s3_assets.windows import Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    import polars as pl

    from s3_assets.location import Location
    from s3_assets.objects import ObjectInfo
    from s3_assets.tables.history import PastCommit
    from s3_assets.tables.positions import Limit, Position
    from s3_assets.tables.touched import DigestsPosition, Touched
    from s3_assets.windows import Window


MANY_FILES = 5_000
"""From here on, listing a table takes longer than a person likes to wait."""

_ORDERS: dict[str, type[FileOrder]] = {each.name: each for each in (ExactOrder, PathOrder, TimeOrder)}

FolderOf = TypeVar("FolderOf", bound=FolderSettings)


class FolderTable(Table[FolderOf], Generic[FolderOf]):
    """A folder of data files; folders named `column=value` are Hive partitions."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.READ_ADDED})

    @abstractmethod
    def read_schema(self, key: str) -> pl.Schema:
        """Return the columns of one file, without those of its folders."""

    def looking(self, listed: pl.DataFrame, reading: Reading) -> Callable[[str], pl.Schema]:
        """Return what reads the columns of one of the listed files, as `read_schema` does.

        What it fetches besides may be kept in `reading`, for those who scan the files.
        """
        del listed, reading
        return self.read_schema

    def read_described(self, key: str) -> Described:
        """Return the columns of one file, for as many requests, with what it says of them."""
        return Described(self.read_schema(key), {})

    @abstractmethod
    def scan_files(self, chosen: pl.DataFrame, schema: pl.Schema, hive: pl.Schema) -> pl.LazyFrame:
        """Return the rows of the files, lazily, with exactly the columns of `schema`.

        `chosen` is a listing: key, size, etag, modified. `hive` are those of the columns that are in no file,
        but have one value for all rows of each, because its folders tell it or the reader adds it:
        `file_columns.values_by_key` of `chosen` says which. `file_columns.kept` leaves out the files that a
        predicate on them rules out.
        """

    def scan_inferred(
        self, chosen: pl.DataFrame, inferred: Inferred, hive: pl.Schema, reading: Reading
    ) -> pl.LazyFrame:
        """Return the rows as `scan_noting` does; `inferred` also says what is known of the files."""
        return self.scan_noting(chosen, inferred.schema, hive, reading)

    def scan_whole(
        self, chosen: pl.DataFrame, inferred: Inferred, hive: pl.Schema, reading: Reading
    ) -> pl.LazyFrame:
        """Return the rows as `scan_inferred` does, for who is going to read all of them.

        Raises `SchemaMismatchError` for a file that does not fit, as far as that can be told by a look.
        """
        return self.scan_inferred(chosen, inferred, hive, reading)

    def scan_noting(
        self, chosen: pl.DataFrame, schema: pl.Schema, hive: pl.Schema, reading: Reading
    ) -> pl.LazyFrame:
        """Return the rows as `scan_files` does, and tell `reading` what was left out of them."""
        del reading
        return self.scan_files(chosen, schema, hive)

    def join_schemas(self, schemas: dict[str, pl.Schema], table: str) -> pl.Schema:
        """Merge the schemas of several files; raises `SchemaMismatchError` for two that disagree."""
        return merge(schemas, table)

    @property
    def staging(self) -> Location:
        """The folder below which parts lie that are not committed yet: out of every reader's sight."""
        from s3_assets.tables.folder_log import STAGING

        return self.location.folder(STAGING)

    @cached_property
    def folder(self) -> files.Folder:
        """The data files of the table's location."""
        return files.Folder(
            Objects(self.connection),
            self.location.key,
            self.settings.suffixes,
            self.connection.match_subfolder_exactly,
            Selection.of(self.settings),
            # Files whose columns are declared are not looked at before they are read.
            storage_classes=self.settings.skip_glacier or self.settings.columns is not None,
        )

    def folder_to_write(self) -> files.Folder:
        """Return the folder with all of its data files.

        Raises `UnsupportedError` for a table that is read in another way than it could be written.
        """
        folder = replace(self.folder, exactly=True, selection=Selection())
        partitions = self.settings.partitions
        settings = {
            "a selection of its files": self.folder.selection != folder.selection,
            "max_files": self.settings.max_files is not None,
            "reader_columns": bool(self.settings.reader_columns),
            "partitions.folders": partitions is not None and partitions.folders is not None,
        }
        found = next((name for name, there in settings.items() if there), None)
        if found is not None:
            raise UnsupportedError(
                f"a table with {found} cannot be written",
                remedy="Declare the folder a second time, without that, to write it.",
                table=self.name,
            )
        return folder

    def schema(self) -> pl.Schema:
        """Return the declared columns, or those of at most 100 files and of the Hive folders."""
        if self.settings.columns is not None:
            return self._columns.with_made(parse_types(self.settings.columns, self.name))
        return self._infer(self._listed()).schema

    def described(self) -> Described:
        """Return the columns as `schema` does, with what the files say of them: the newest first."""
        if self.settings.columns is not None:
            return self._with_folders(self.schema(), {}, ())
        notes: dict[str, Mapping[str, ColumnNote]] = {}
        listed = self._listed()

        def read(key: str) -> pl.Schema:
            found = self.read_described(key)
            notes[key] = found.notes
            return found.columns

        schema = self._infer(listed, read).schema
        newest_first = listed.sort("modified", "key", descending=True)["key"].to_list()
        told = joined([notes[key] for key in newest_first if key in notes])
        return self._with_folders(schema, told, listed["key"].to_list())

    def _with_folders(
        self, schema: pl.Schema, notes: Mapping[str, ColumnNote], keys: Sequence[str]
    ) -> Described:
        folders = [each for each in self._hive_schema(list(keys)) if each in schema]
        return Described(schema, with_partitions(notes, folders))

    def version(self) -> TableVersion:
        """Return a digest of every file's key, size and ETag: one listing."""
        return _digest(self._present())

    def state(self) -> State:
        """Return the listing's version, files and bytes; rows would need every footer."""
        listed = self._present()
        return State(
            _digest(listed),
            Statistics(listed.height, int(listed["size"].sum())),
            written=lambda: newest_of(listed["modified"]),
            newest=lambda column: self.newest(listed, column),
        )

    def newest(self, listed: pl.DataFrame, column: str) -> date | datetime | None:
        """Return the largest value of a column as the files tell it without their rows; None: they do not."""
        del listed, column
        return None

    def _present(self) -> pl.DataFrame:
        if self.settings.skip_glacier:
            return archived.left_out(self.folder.list_files())
        return replace(self.folder, storage_classes=False).list_files()

    def history(self, limit: int) -> list[PastCommit]:
        """Return what the newest writes did that are in the folder's log: one listing, one request each."""
        from s3_assets.tables import folder_history

        return folder_history.history(Objects(self.connection), self.location, limit)

    def committed(self, stream: str) -> int | None:
        """Return what the newest entry of the folder's log says of the stream."""
        from s3_assets.tables.folder_log import FolderLog

        return FolderLog(Objects(self.connection), self.location).head().committed(stream)

    def touched(self, since: Position | DigestsPosition | None) -> Touched:
        """Tell which spans of time have other files than at `since`, by the names of their folders.

        One listing; `until` is a digest of each partition's files.
        """
        from s3_assets.tables import folder_touched

        return folder_touched.touched(self, since)

    def plan(
        self,
        mode: ReadMode = ReadMode.CURRENT,
        *,
        since: Position | None = None,
        at: int | datetime | None = None,
        window: Window | Slice | None = None,
        limit: Limit | None = None,
    ) -> Plan:
        """Plan a read of all files, of the window's, or of those that are new behind `since`.

        Raises `CursorError` for a position of another kind than `incremental` makes, `SourceRewrittenError`
        as `on_rewritten` and `on_deleted` say, `DataFilesMissingError` if there is none from the beginning.
        """
        if at is not None:
            self.require(Capability.TIME_TRAVEL)
        if mode is ReadMode.CHANGES:
            self.require(Capability.READ_CHANGES)
        if mode is ReadMode.CURRENT and window is not None:
            return self._plan_window(window)
        if mode is ReadMode.ADDED:
            return self._plan_added(since, window, limit)
        listed = self._listed()
        return self._plan_present(listed, window, self._undeclared(listed), total=listed)

    def _plan_added(self, since: Position | None, window: Window | Slice | None, limit: Limit | None) -> Plan:
        try:
            found = (self._order if since is not None else self._order_of_all).find(since, limit)
        except S3AssetsError as error:
            raise error.at(table=self.name, connection=self.connection.name) from None
        if since is None and not found.found:
            raise self._no_files()
        notes = (*found.notes, *(self._undeclared(found.listed) if found.listed is not None else ()))
        files, until = found.files, found.until
        if window is not None and not found.more:
            from s3_assets.tables import folder_touched

            files = folder_touched.inside(self, files, window)
            if isinstance(until, FilesPosition):
                # A ledger of one partition need not name the files of all others.
                until = FilesPosition(files.select("key", "size", "etag", "modified"))
        plan = self._plan(files, ReadMode.ADDED, window, notes, until, total=found.listed)
        return replace(plan, more=found.more)

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

    def beginning(self, files: int, known: Sequence[ObjectInfo] = ()) -> Plan:
        """Plan a read of the first files alone; no more of the folder is listed than they take.

        Nothing is listed if the first files are `known`, by a listing that tells no storage classes. Raises
        `DataFilesMissingError` if there is none.
        """
        import polars as pl

        if known:
            listed = pl.DataFrame(known[:files], schema=empty_listing().schema, orient="row")
            return self._plan_present(listed.with_columns(storage_class=pl.lit(None, pl.String)), None)
        first = list(islice(self.folder.first_files(), files))
        if not first:
            raise self._no_files()
        return self._plan_present(pl.DataFrame(first, orient="row"), None)

    def _plan_window(self, window: Window | Slice) -> Plan:
        import polars as pl

        dated, spans = self._columns.dated, window.windows if isinstance(window, Slice) else (window,)
        if dated is not None and spans:
            folders = dict.fromkeys(path for span in spans for path in dated.paths(span))
            chosen = self.folder.list_folders_inside(list(folders))
            if not chosen.is_empty():
                return self._plan_present(chosen, window)
            schema = self._schema_of_first()
        else:
            schema = self._schema_of_first()
            # Keys are compared with the names of folders as they are: the first one does not tell a type.
            named = {column: pl.String() for column in self.settings.key_columns if column in schema}
            region = self.bounds(window, pl.Schema({**schema, **named}))
            chosen = self.folder.list_files_inside(folder_conditions(region, self.settings))
        if chosen.is_empty():
            return self._nothing(schema, ReadMode.CURRENT, (), self._order.behind(chosen), None)
        return self._plan_present(chosen, window)

    def _schema_of_first(self) -> pl.Schema:
        """Return the declared columns, or those of the first file: enough to know what a window means."""
        if self.settings.columns is not None:
            return self.schema()
        # An archived file tells nothing: any other does as well.
        first = next(archived.last(self.folder.first_files()), None)
        if first is None:
            raise self._no_files()
        hive = self._hive_schema([first])
        partitions = self.settings.partitions
        if partitions and partitions.column in hive:
            # The folders' own names decide: listing one level tells the type, as for a whole read.
            found, _ = self.folder.objects.list_folders(self.location.key)
            hive = {**hive, **self._hive_schema([f"{folder}x" for folder in found])}
        return self._columns.all(self.read_schema(first), hive)

    def _plan_present(
        self,
        listed: pl.DataFrame,
        window: Window | Slice | None,
        notes: tuple[str, ...] = (),
        *,
        total: pl.DataFrame | None = None,
    ) -> Plan:
        """Plan a read of these files as they are now, and of no more than one read takes."""
        taken = take(listed, self.settings)
        until = self._order.behind(taken.files)
        return self._plan(taken.files, ReadMode.CURRENT, window, (*notes, *taken.notes), until, total=total)

    def _plan(
        self,
        chosen: pl.DataFrame,
        mode: ReadMode,
        window: Window | Slice | None,
        notes: tuple[str, ...],
        until: Position,
        *,
        total: pl.DataFrame | None,
    ) -> Plan:
        if chosen.is_empty():
            import polars as pl

            schema = self.schema() if self.settings.columns else pl.Schema()
            return self._nothing(schema, mode, notes, until, total)
        reading = Reading()
        inferred = self._infer_present(chosen, reading)
        chosen, hive = self._columns.with_values(chosen, self.folder.paths(chosen), inferred.schema)

        region = self.bounds(window, inferred.schema) if window is not None else None

        def inside(frame: pl.LazyFrame) -> pl.LazyFrame:
            return frame if region is None else frame.filter(region.expression())

        return Plan(
            inside(self.scan_inferred(chosen, inferred, hive, reading)),
            mode,
            until,
            chosen.height,
            int(chosen["size"].sum()),
            total_files=total.height if total is not None else None,
            total_bytes=int(total["size"].sum()) if total is not None else None,
            schema_files=inferred.files,
            notes=notes,
            reading=reading,
            cut=folder_portions.cut(self, chosen, inferred, hive, region),
            look_first=lambda: inside(self.scan_whole(chosen, inferred, hive, reading)),
        )

    def _nothing(
        self,
        schema: pl.Schema,
        mode: ReadMode,
        notes: tuple[str, ...],
        until: Position,
        total: pl.DataFrame | None,
    ) -> Plan:
        import polars as pl

        return Plan(
            pl.LazyFrame(schema=schema),
            mode,
            until,
            0,
            0,
            total_files=total.height if total is not None else None,
            total_bytes=int(total["size"].sum()) if total is not None else None,
            empty=True,
            notes=notes,
        )

    @cached_property
    def _order(self) -> FileOrder:
        return _ORDERS[self.settings.incremental](self.folder, self.settings)

    @property
    def _order_of_all(self) -> FileOrder:
        """The same for a read of all files, which may be too many for a look at each."""
        return _ORDERS[self.settings.incremental](replace(self.folder, storage_classes=True), self.settings)

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

    @property
    def _columns(self) -> FolderColumns:
        return FolderColumns(self.name, self.settings, self.location)

    def _infer_present(self, chosen: pl.DataFrame, reading: Reading) -> Inferred:
        """Infer the columns of files that are to be read; raises `AccessDeniedError` for an archived one."""
        if self.settings.skip_glacier:
            return self._infer(chosen, self.looking(chosen, reading))
        objects = self.folder.objects
        if chosen.height > MOST_FILES:
            # Not all of them are looked at.
            chosen = archived.told(chosen, objects)
        archived.refuse(chosen, objects, self.name)
        try:
            return self._infer(chosen, self.looking(chosen, reading))
        except AccessDeniedError as error:
            from s3_assets.object_heads import is_archived

            if is_archived(error):
                archived.refuse(archived.told(chosen, objects), objects, self.name)
            raise

    def _infer(self, listed: pl.DataFrame, read: Callable[[str], pl.Schema] | None = None) -> Inferred:
        if self.settings.columns is not None:
            return Inferred(self.schema())
        keys = listed["key"].to_list()
        newest = listed.sort("modified", "key")["key"][-1]
        found = infer(
            keys,
            newest,
            read or self.looking(listed, Reading()),
            lambda schemas: self.join_schemas(schemas, self.name),
        )
        return found._replace(schema=self._columns.all(found.schema, self._hive_schema(keys)))

    def _hive_schema(self, keys: list[str]) -> dict[str, pl.DataType]:
        return self._columns.hive(keys)


def newest_of(moments: pl.Series) -> datetime | None:
    """Return the newest moment of a listing, None of an empty one."""
    found: datetime | None = moments.max()  # type: ignore[assignment]  # its values are moments
    return found


def _digest(listed: pl.DataFrame) -> TableVersion:
    digest = hashlib.sha256()
    for row in listed.select("key", "size", "etag").iter_rows():
        digest.update(repr(row).encode())
    return TableVersion(f"{listed.height}-{digest.hexdigest()[:20]}")
