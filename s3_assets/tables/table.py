"""The table protocol: small, and the same for every format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from s3_assets.errors import PartitionColumnError, UnsupportedError
from s3_assets.tables.described import Described
from s3_assets.tables.partitioning import bounds
from s3_assets.tables.parts import Expressions
from s3_assets.tables.reading import Reading
from s3_assets.tables.regions import Condition, Region, values_of
from s3_assets.tables.settings import Partitions, PreviewSettings, TableSettings
from s3_assets.windows import Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.location import Location
    from s3_assets.tables.history import PastCommit
    from s3_assets.tables.parts import AuditedPart, Beside, Layout
    from s3_assets.tables.portions import Cut
    from s3_assets.tables.positions import Limit, Position
    from s3_assets.tables.touched import DigestsPosition, Touched
    from s3_assets.windows import Window


class ReadMode(StrEnum):
    """Which rows a read takes."""

    CURRENT = "current"
    ADDED = "added"
    CHANGES = "changes"


class WriteMode(StrEnum):
    """What a write does to the rows that are there."""

    APPEND = "append"
    OVERWRITE = "overwrite"  # the rows of the window
    REPLACE = "replace"  # all rows
    MERGE = "merge"  # the rows of the keys that were touched


class Merging(Enum):
    """Who writes what a write by key leaves of the files that it rewrites."""

    PARTS = auto()  # we do: `beside` and `publish`
    LIBRARY = auto()  # the format's own library: `publish_merge`


class Capability(StrEnum):
    """What a format can do; declared by the format, never asked by its name."""

    READ_ADDED = "read added"
    READ_CHANGES = "read changes"
    TIME_TRAVEL = "time travel"
    WRITE_WINDOW = "write window"
    TRANSACTIONS = "transactions"


@dataclass(frozen=True)
class TableVersion:
    """A marker of a table's state: equal as long as nothing changed."""

    token: str
    number: int | None = None


@dataclass(frozen=True)
class Plan:
    """What a read will do, before it does it."""

    frame: pl.LazyFrame
    mode: ReadMode
    until: Position
    files: int
    bytes: int
    total_files: int | None = None
    total_bytes: int | None = None
    empty: bool = False
    more: bool = False
    """A limit cut it off: there is more to read behind `until`."""
    passed: int = 0
    """Of a plan without rows: how many versions up to `until` were looked at for nothing."""
    schema_files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reading: Reading = field(default_factory=Reading)
    """What the newest collection of the frame met with."""
    cut: Cut | None = field(default=None, compare=False, repr=False)
    """Cuts the rows into portions that other processes can read; None: only this one can."""
    look_first: Callable[[], pl.LazyFrame] | None = field(default=None, compare=False, repr=False)
    """Looks at the files that the plan did not look at, and returns the same rows as `frame`."""

    def whole(self) -> pl.LazyFrame:
        """Return the frame, for who is going to read all its rows: files that do not fit are told of now.

        Reading files that are known takes less memory than being ready for each of them to be otherwise.
        Raises `SchemaMismatchError` for the first file that does not fit.
        """
        return self.frame if self.look_first is None else self.look_first()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person has to know: of the plan, and of its reading as far as it has come."""
        return (*self.notes, *self.reading.notes())


@dataclass(frozen=True)
class Commit:
    """What one commit did."""

    version: TableVersion
    rows: int
    bytes: int
    files: int
    partition_rows: Mapping[str, int] = field(default_factory=dict)
    removed_files: int = 0


@dataclass(frozen=True)
class Carried:
    """Rows outside a window, in files that it cuts: a write has to take them along; `rows` says how many.

    The frames are run one after the other: each has the rows of a few files.
    """

    frames: tuple[pl.LazyFrame, ...]
    rows: int


@dataclass(frozen=True)
class Merge:
    """What a write by key takes out: every row of these keys, and then the new rows come in.

    `touched` are the keys, once each and without nulls; its columns are the table's key columns.
    """

    touched: pl.DataFrame

    @property
    def keys(self) -> list[str]:
        """The columns that tell a row."""
        return self.touched.columns


HELD = "\x01rows"
"""The column in which `Writer.held` counts rows: a name that no column has."""


@dataclass(frozen=True)
class Difference:
    """Rows in which two states of a table differ, and among them rows that are in both.

    A row that is in neither of the frames is in both states, as it is.
    """

    before: pl.LazyFrame
    after: pl.LazyFrame
    until: Position
    files: int = 0
    bytes: int = 0
    empty: bool = False


@dataclass(frozen=True)
class Statistics:
    """The size of a table as its own metadata tells it; `rows` is None where it does not."""

    files: int
    bytes: int
    rows: int | None = None


@dataclass(frozen=True)
class State:
    """A table as it is now, seen at one moment: version and size."""

    version: TableVersion
    statistics: Statistics
    describe: Callable[[], Described] | None = field(default=None, compare=False, repr=False)
    """Tells the columns without a request, where the metadata that told the rest has them."""
    written: Callable[[], datetime | None] | None = field(default=None, compare=False, repr=False)
    """Tells when rows were added last; None where nothing is left that tells it."""
    newest: Callable[[str], date | datetime | None] | None = field(default=None, compare=False, repr=False)
    """Tells the largest value of a date or timestamp column; None where only its rows do."""
    count: Callable[[Region], int | None] | None = field(default=None, compare=False, repr=False)
    """Tells the number of rows of a region; None where only the rows do."""


Settings = TypeVar("Settings", bound=TableSettings)


class Table(ABC, Generic[Settings]):
    """Rows in place on S3."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    def __init__(self, name: str, settings: Settings, connection: S3Connection) -> None:
        self.name = name
        self.settings = settings
        self.connection = connection
        self.shown = PreviewSettings()
        """Which rows may be shown where a check fails: keys of some of them, and none if nothing is said."""

    @property
    def files_connection(self) -> S3Connection:
        """The connection that reaches the table's files; if a catalog lends keys for them, one with these."""
        return self.connection

    @property
    def location(self) -> Location:
        """The table's folder."""
        return self.connection.location.folder(self.settings.path)

    @property
    def staging(self) -> Location:
        """The folder below which parts lie that are not committed yet."""
        return self.location

    @abstractmethod
    def schema(self) -> pl.Schema:
        """Return the columns and their types; raises `TableMissingError` if there is no table."""

    @abstractmethod
    def version(self) -> TableVersion:
        """Return the state's marker, as cheaply as the format allows."""

    @abstractmethod
    def state(self) -> State:
        """Return version, files, bytes and rows as of one moment, without reading data."""

    def state_unless(self, known: str | None) -> State | None:
        """Return the state, or None if its version is still this one, for what `version` costs."""
        state = self.state()
        return None if state.version.token == known else state

    def described(self) -> Described:
        """Return the columns with what the table's metadata says of them, without reading data.

        Raises `TableMissingError` if there is no table.
        """
        describe = self.state().describe
        return describe() if describe is not None else Described(self.schema(), {})

    def statistics(self) -> Statistics:
        """Return files, bytes and rows without reading data."""
        return self.state().statistics

    @abstractmethod
    def plan(
        self,
        mode: ReadMode = ReadMode.CURRENT,
        *,
        since: Position | None = None,
        at: int | datetime | None = None,
        window: Window | Slice | None = None,
        limit: Limit | None = None,
    ) -> Plan:
        """Plan a read: lazily, and counting what it will cost.

        `since` is for the modes added and changes (None: from the beginning), `at` is a version or a
        time of the past, `window` keeps only its partitions. `limit`, for these modes too, is how much is
        taken at once: the plan's `more` tells whether it cut something off.
        """

    def touched(self, since: Position | DigestsPosition | None) -> Touched:
        """Tell which spans of the partition column were changed after `since`, without reading data.

        None for `since`: which hold rows. Raises `PartitionColumnError` if no partitions are declared or the
        column is not there.
        """
        del since
        raise self._cannot("asked which partitions changed")

    def history(self, limit: int) -> list[PastCommit]:
        """Return what the newest commits did, newest first, as far back as the table's log is kept."""
        del limit
        raise self._cannot("asked for its history")

    def past_commit(self, version: int) -> PastCommit | None:
        """Return what the commit of a version did, as positions number it; None if nothing tells."""
        del version
        raise self._cannot("asked for a version's commit")

    def scan(self, *, at: int | datetime | None = None, window: Window | Slice | None = None) -> pl.LazyFrame:
        """Return the rows as they are now, or were at a version or time."""
        return self.plan(at=at, window=window).frame

    def difference(self, since: Position) -> Difference | None:
        """Plan the rows of the files that only one of the states has, that of `since` and the newest one.

        None if the old state is gone, or if rows cannot be told apart by their files.
        """
        del since
        return None

    def create(self, schema: pl.Schema) -> None:
        """Create the table with these columns; a race with another creator is no error."""
        raise self._cannot(f"created with {len(schema)} columns")

    def writer(self) -> Writer:
        """Open the table for one write and pin its state; raises `TableMissingError` if there is none."""
        raise self._cannot("written")

    def committed(self, stream: str) -> int | None:
        """Return the number of the stream's last commit, to look at it: nothing is written.

        Raises `TableMissingError` if there is no table.
        """
        return self.writer().committed(stream)

    def partitions(self, schema: pl.Schema, asked: str) -> Partitions:
        """Return the declared partitions, whose column is among these; `asked` says what they are needed for.

        Raises `PartitionColumnError` if none are declared or the column is not there.
        """
        partitions = self.settings.partitions
        if partitions is None:
            raise PartitionColumnError(
                f"{asked}, and the table declares none",
                remedy="Add 'partitions' with its column to the table.",
                table=self.name,
            )
        if partitions.column not in schema:
            raise PartitionColumnError(
                f"the partition column '{partitions.column}' is not among the columns {', '.join(schema)}",
                remedy="Name a column that is there.",
                table=self.name,
                connection=self.connection.name,
            )
        return partitions

    def bounds(self, window: Window | Slice, schema: pl.Schema) -> Region:
        """Return the rows that the window, or the slice, means in this table.

        Raises `PartitionColumnError` if no partitions are declared or a column is not there.
        """
        part = window if isinstance(window, Slice) else Slice((window,))
        conditions = []
        if part.windows:
            partitions = self.partitions(schema, "a run of partitions was asked for")
            dtype = schema[partitions.column]
            ranges = [bounds(partitions, each, dtype, self.name) for each in part.windows]
            conditions.append(Condition(partitions.column, tuple(ranges)))
        for column, keys in part.keys:
            if column not in schema:
                raise PartitionColumnError(
                    f"the partition column '{column}' is not among the columns {', '.join(schema)}",
                    remedy="Name a column that is there.",
                    table=self.name,
                    connection=self.connection.name,
                )
            conditions.append(values_of(column, keys, schema[column], self.name))
        return Region(tuple(conditions))

    def require(self, capability: Capability) -> None:
        """Raise `UnsupportedError` if the format cannot do it."""
        if capability not in self.capabilities:
            raise self._cannot(f"used to {capability}")

    def _cannot(self, act: str) -> UnsupportedError:
        kind = type(self.settings).model_fields["format"].default
        return UnsupportedError(
            f"a {kind} table cannot be {act}", remedy="Choose another format for it.", table=self.name
        )


class Writer(ABC):
    """A table that was opened once to be written once: its state is pinned, its commit is the only one."""

    table: Table[Any]
    schema: pl.Schema
    partition_by: tuple[str, ...]
    pinned: int = 0
    """The number of the pinned version, where versions have numbers."""
    filled: frozenset[str] = frozenset()
    """Columns that the format's own library computes where the rows lack them."""
    keeps_schema: ClassVar[bool] = True
    """Whether the table has one schema that every write has to fit, or each file its own."""
    merges: ClassVar[Merging | None] = None
    """How rows are replaced by their keys, if they can be without replacing all."""
    exact: bool = False
    """Whether an append, too, is to hold for the pinned state alone, since its rows were compared with it."""

    @property
    def shape(self) -> object:
        """What parts are written for: they fit no state of the table in which it is another."""
        return self.schema, self.partition_by

    @property
    def version(self) -> TableVersion:
        """The pinned version."""
        return TableVersion(str(self.pinned), self.pinned)

    @abstractmethod
    def committed(self, stream: str) -> int | None:
        """Return the number of the stream's last commit in the pinned state."""

    def commits_since(self, version: int) -> list[Mapping[str, str]] | None:
        """Return the notes of the commits after `version` up to the pinned state, newest first.

        Each has its own `version` among them, its `number` where that is another, and `attempt` if it was
        made by `publish`. None if the log of one of them is gone.
        """
        del version
        return []

    def live(self) -> frozenset[str]:
        """Return the paths, below the table, of the files that the pinned state consists of."""
        return frozenset()

    def widened(self, columns: pl.Schema) -> Mapping[str, pl.DataType]:
        """Return those of the table's columns that can take a wider type, and need it for rows like these."""
        del columns
        return {}

    @abstractmethod
    def add_columns(self, columns: Mapping[str, pl.DataType]) -> None:
        """Add columns, and widen those that are there, in a commit of its own; open the table anew then."""

    def admit(self, columns: pl.Schema) -> None:
        """Raise `SchemaMismatchError`, before anything is written, for rows that no file of it can hold."""
        del columns

    def refuse(self, mode: WriteMode, window: Region | None) -> None:
        """Raise `UnsupportedError`, before anything is written, if this write cannot be done."""
        del mode, window

    def arrange(self, columns: pl.Schema) -> Beside:
        """Return what the layout needs beside the columns of the rows; called once, before `layout`."""
        del columns
        return Expressions()

    @abstractmethod
    def layout(self, attempt: int) -> Layout:
        """Say where and how the parts of an attempt are to be written."""

    def inspect(self, parts: Sequence[AuditedPart]) -> None:
        """Raise `RowsRefusedError` for parts that the table would not take."""
        del parts

    def carried(self, window: Region | None) -> Carried | None:
        """Return what an overwrite has to write again, since its files hold rows of the window as well.

        Called before each `publish`, which is given its parts among the others.
        """
        del window
        return None

    def held(self, touched: pl.DataFrame) -> pl.DataFrame:
        """Return those of the keys that the pinned state has rows of, with their number in `HELD`.

        No more files are read than may hold one of them.
        """
        del touched
        raise UnsupportedError("this table is not written by key", table=self.table.name)

    def beside(self, touched: pl.DataFrame) -> Carried | None:
        """Return what a write by key has to write again, since its files hold rows of the keys as well.

        Called before each `publish`, which is given its parts among the others.
        """
        del touched
        raise UnsupportedError("this table is not written by key", table=self.table.name)

    @abstractmethod
    def publish(
        self,
        parts: Sequence[AuditedPart],
        mode: WriteMode,
        *,
        window: Region | None,
        stamps: Mapping[str, int],
        notes: Mapping[str, str],
    ) -> Commit:
        """Make the parts visible in one step that fails if a stamped stream was committed since.

        Raises `CommitConflictError`. Whether a commit whose answer was lost took place is told by
        `committed` of a new writer.
        """

    def abandon(self) -> None:  # noqa: B027 - most publish nothing but their parts
        """Delete what a `publish` wrote by itself that surely failed."""

    def rewrites(self, window: Region | None) -> bool:
        """Tell whether only the format's own library can do this write, because it rewrites files."""
        del window
        return False

    def publish_frame(
        self,
        frame: pl.LazyFrame,
        mode: WriteMode,
        *,
        window: Region | None,
        stamps: Mapping[str, int],
        notes: Mapping[str, str],
    ) -> Commit:
        """Write and commit with the format's own library."""
        del frame, mode, window, stamps, notes
        raise UnsupportedError("this table has no writer of its own", table=self.table.name)

    def publish_merge(
        self, frame: pl.LazyFrame, merge: Merge, *, stamps: Mapping[str, int], notes: Mapping[str, str]
    ) -> Commit:
        """Replace the rows of the touched keys by the frame's, with the format's own library."""
        del frame, merge, stamps, notes
        raise UnsupportedError("this table is not written by key", table=self.table.name)

    def discard(self, parts: Sequence[str]) -> None:
        """Delete parts (keys) that will never be published."""
        from s3_assets.objects import Objects

        Objects(self.table.files_connection).delete(parts)
