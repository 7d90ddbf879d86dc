"""One write into a Delta table: parts taken in by one commit that carries the cursors of its streams."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from s3_assets.errors import CommitConflictError, RowsRefusedError, UnsupportedError
from s3_assets.tables import delta_log, delta_merge
from s3_assets.tables.delta_features import missing_feature
from s3_assets.tables.delta_open import delta_errors
from s3_assets.tables.delta_schema import storable, to_delta
from s3_assets.tables.delta_statistics import statistics_json
from s3_assets.tables.guard import refuse_outside
from s3_assets.tables.parts import Layout
from s3_assets.tables.table import Commit, Merging, TableVersion, WriteMode, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl
    from deltalake import CommitProperties
    from deltalake import DeltaTable as Handle

    from s3_assets.tables.delta import DeltaTable
    from s3_assets.tables.partitioning import Bound, Bounds
    from s3_assets.tables.parts import AuditedPart
    from s3_assets.tables.regions import Condition, Region
    from s3_assets.tables.table import Merge

_OURS = "s3_assets."
_ATTEMPT = f"{_OURS}attempt"
# How long a table remembers the transactions that hold our cursors; for ever, unless it is set.
_FORGETS = "delta.setTransactionRetentionDuration"


class DeltaWriter(Writer):
    """A handle that pins the version from which the cursors were read; the commit goes through it."""

    merges: ClassVar[Merging | None] = Merging.LIBRARY

    def __init__(self, table: DeltaTable, handle: Handle) -> None:
        import polars as pl

        self.table = table
        self._delta = table
        self._handle = handle
        self.pinned = handle.version()
        self.schema = pl.Schema(handle.schema())
        self.partition_by = tuple(handle.metadata().partition_columns)
        self.filled = delta_log.generated(handle)
        self._held: tuple[pl.DataFrame, pl.DataFrame] | None = None

    def committed(self, stream: str) -> int | None:
        """Return the stream's transaction version in the pinned state.

        Raises `UnsupportedError` if the table forgets transactions after a while: a forgotten cursor would
        read its source from the beginning again.
        """
        if _FORGETS in (self._handle.metadata().configuration or {}):
            raise UnsupportedError(
                f"the table forgets cursors: its property {_FORGETS} is set",
                remedy=f"Unset {_FORGETS} on the table.",
                table=self._delta.name,
                connection=self._delta.connection.name,
            )
        with self._errors():
            # It may have to read the log.
            return self._handle.transaction_version(stream)

    def add_columns(self, columns: Mapping[str, pl.DataType]) -> None:
        """Add nullable columns."""
        import polars as pl

        fields = to_delta(storable(pl.Schema(columns), self._delta.name)).fields
        with self._errors():
            self._handle.alter.add_columns(fields)

    def layout(self, attempt: int) -> Layout:
        """Parts lie in the table's own folders; until the commit no reader lists them."""
        return Layout(self._delta.location, self.partition_by, attempt)

    def rewrites(self, window: Region | None) -> bool:
        """Constraints, generated and mapped columns, and windows that files do not line up with."""
        if not delta_log.written_as_parts(self._handle):
            return True
        if window is None:
            return False
        # A commit of parts says what it replaces as one range, or as values, of each column of the folders.
        return any(each.column not in self.partition_by or len(each.ranges) > 1 for each in window.conditions)

    def publish(
        self,
        parts: Sequence[AuditedPart],
        mode: WriteMode,
        *,
        window: Region | None,
        stamps: Mapping[str, int],
        notes: Mapping[str, str],
    ) -> Commit:
        """Commit the parts through the pinned handle."""
        from deltalake.transaction import AddAction

        now = int(time.time() * 1000)
        adds = [
            AddAction(
                each.part.path,
                each.part.bytes,
                dict(each.part.values),
                now,
                True,  # noqa: FBT003 - delta-rs's positional data_change
                statistics_json(each.part.rows, each.statistics),
            )
            for each in parts
        ]
        filters: list[tuple[str, str, str | list[str]]] | None = None
        if window is not None:
            filters = [each for condition in window.conditions for each in _filters(condition)]
        with self._errors():
            self._handle.create_write_transaction(
                list(adds),
                "append" if mode is WriteMode.APPEND else "overwrite",
                self._handle.schema(),
                partition_by=list(self.partition_by),
                partition_filters=filters,
                # An overwrite names the files that it takes out: it holds for the pinned version alone, and
                # delta-rs would put it behind another writer's commit into a partition that was empty.
                commit_properties=_properties(
                    stamps, notes, again=mode is WriteMode.APPEND and not self.exact
                ),
            )
        return Commit(
            self._landed(stamps),
            sum(each.part.rows for each in parts),
            sum(each.part.bytes for each in parts),
            len(parts),
        )

    def publish_frame(
        self,
        frame: pl.LazyFrame,
        mode: WriteMode,
        *,
        window: Region | None,
        stamps: Mapping[str, int],
        notes: Mapping[str, str],
    ) -> Commit:
        """Write with delta-rs, which checks constraints, fills generated columns and rewrites files."""
        from deltalake import write_deltalake

        watched = _Watched(frame, window)
        properties = _properties(stamps, notes, again=not self.exact)
        with self._errors(), self._named_constraints(), watched.errors():
            if mode is WriteMode.APPEND:
                write_deltalake(self._handle, watched.stream(), mode="append", commit_properties=properties)
            else:
                write_deltalake(
                    self._handle,
                    watched.stream(),
                    mode="overwrite",
                    predicate=None if window is None else _predicate(window),
                    commit_properties=properties,
                )
        version = self._landed(stamps)
        return Commit(version, watched.rows, 0, 0)

    def held(self, touched: pl.DataFrame) -> pl.DataFrame:
        """Return those of the keys that the pinned version has rows of, with their number."""
        if self._held is None or self._held[0] is not touched:
            with self._errors():
                self._held = touched, delta_merge.held(self._delta, self._handle, touched)
        return self._held[1]

    def publish_merge(
        self, frame: pl.LazyFrame, merge: Merge, *, stamps: Mapping[str, int], notes: Mapping[str, str]
    ) -> Commit:
        """Replace the rows of the touched keys by the frame's with delta-rs's MERGE."""
        rows = frame.collect(engine="streaming")
        # It names the files that it takes out: it holds for the pinned version alone.
        properties = _properties(stamps, notes, again=False)
        with self._errors(), self._named_constraints():
            metrics = delta_merge.merge(self._handle, rows, merge, self.held(merge.touched), properties)
        added, removed = (metrics[f"num_target_files_{each}"] for each in ("added", "removed"))
        return Commit(self._landed(stamps), rows.height, 0, added, removed_files=removed)

    def commits_since(self, version: int) -> list[Mapping[str, str]] | None:
        """Return the notes of the commits after `version` up to the pinned one, newest first."""
        count = self.pinned - version
        if count <= 0:
            return []
        with self._errors():
            entries = self._handle.history(limit=count)
        if [int(entry.get("version", -1)) for entry in entries] != list(range(self.pinned, version, -1)):
            return None
        return [
            {
                **{
                    key.removeprefix(_OURS): str(value)
                    for key, value in entry.items()
                    if key.startswith(_OURS)
                },
                "version": str(entry["version"]),
            }
            for entry in entries
        ]

    def live(self) -> frozenset[str]:
        """Return the paths of the live files."""
        return frozenset(delta_log.files(self._handle)["path"])

    def _landed(self, stamps: Mapping[str, int]) -> TableVersion:
        """Find the version that carries this attempt; others may have committed behind it."""
        attempt = str(max(stamps.values()))
        with self._errors():
            pinned = self._handle.version()
            self._handle.update_incremental()
            newest = self._handle.version()
            for entry in self._handle.history(limit=max(newest - pinned, 1)):
                if str(entry.get(_ATTEMPT)) == attempt:
                    return TableVersion(str(entry["version"]), int(entry["version"]))
        return TableVersion(str(newest), newest)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn delta-rs's errors into ours, those of a lost race among them."""
        from deltalake.exceptions import CommitFailedError

        table = self._delta
        try:
            with delta_errors(table.connection, table.location, table.name):
                yield
        except CommitFailedError as error:
            if "append-only" in str(error):
                raise UnsupportedError(
                    "the table is append-only (delta.appendOnly), and this write replaces rows",
                    remedy="Append, or set the property to false.",
                    table=table.name,
                    connection=table.connection.name,
                ) from None
            lacking = missing_feature(str(error), table.connection, table.location, table.name)
            if lacking is not None:
                raise lacking from None
            raise CommitConflictError(
                f"another commit came first: {error}",
                remedy="Run it again.",
                table=table.name,
                connection=table.connection.name,
            ) from None

    @contextmanager
    def _named_constraints(self) -> Iterator[None]:
        """Say what the table demands: delta-rs says only how many rows do not satisfy it."""
        try:
            with delta_errors(self._delta.connection, self._delta.location, self._delta.name):
                yield
        except RowsRefusedError as error:
            demands = "; ".join(delta_log.constraints(self._handle))
            raise RowsRefusedError(
                f"{error.found.rstrip('.')}; the table demands: {demands}",
                remedy=error.remedy,
                connection=error.connection,
                table=error.table,
                location=error.location,
            ) from None


class _Watched:
    """A frame as a stream for delta-rs, which stops before the commit at a row outside the window."""

    def __init__(self, frame: pl.LazyFrame, window: Region | None) -> None:
        self._frame = frame
        self._window = window
        self._failed: BaseException | None = None
        self.rows = 0

    def stream(self) -> Any:  # noqa: ANN401 - an Arrow stream
        import polars as pl
        import pyarrow as pa

        schema = pl.DataFrame(schema=self._frame.collect_schema()).to_arrow().schema
        return pa.RecordBatchReader.from_batches(schema, self._batches(schema))

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise what stopped the stream, of which delta-rs passes on the text alone."""
        try:
            yield
        except Exception:
            if self._failed is not None:
                raise self._failed from None
            raise

    def _batches(self, schema: Any) -> Iterator[Any]:  # noqa: ANN401 - pyarrow ships no types
        try:
            for batch in self._frame.collect_batches(maintain_order=False):
                if self._window is not None:
                    refuse_outside(batch.lazy(), self._window)
                self.rows += batch.height
                yield from batch.to_arrow().cast(schema).to_batches()
        except Exception as error:
            self._failed = error
            raise


def _properties(
    stamps: Mapping[str, int], notes: Mapping[str, str], *, again: bool = True
) -> CommitProperties:
    from deltalake import CommitProperties, Transaction

    attempt = {_ATTEMPT: str(max(stamps.values()))}
    return CommitProperties(
        custom_metadata={**{f"{_OURS}{key}": value for key, value in notes.items()}, **attempt},
        max_commit_retries=None if again else 0,
        app_transactions=[
            Transaction(stream, number, int(time.time() * 1000)) for stream, number in stamps.items()
        ],
    )


def _text(value: Bound) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if isinstance(value, date) else str(value)


def _filters(condition: Condition) -> list[tuple[str, str, str | list[str]]]:
    """Return the condition as delta-rs's filters of partitions, all of which have to hold."""
    column = condition.column
    if condition.values:
        return [(column, "in", [_text(value) for value in condition.values])]
    (only,) = condition.ranges
    return [(column, ">=", _text(only.low)), (column, "<", _text(only.high))]


def _predicate(window: Region) -> str:
    return " AND ".join(_condition(each) for each in window.conditions)


def _condition(condition: Condition) -> str:
    column = '"' + condition.column.replace('"', '""') + '"'
    if condition.values:
        return f"{column} IN ({', '.join(_literal(value, None) for value in condition.values)})"
    return f"({' OR '.join(_range(column, each) for each in condition.ranges)})"


def _range(column: str, bounds: Bounds) -> str:
    low, high = (_literal(value, bounds.zone) for value in (bounds.low, bounds.high))
    return f"({column} >= {low} AND {column} < {high})"


def _literal(value: Bound, zone: str | None) -> str:
    if isinstance(value, int):
        return str(value)
    text = _text(value).replace("'", "''")
    if isinstance(value, datetime):
        kind = 'Timestamp(Microsecond, Some("UTC"))' if zone else "Timestamp(Microsecond, None)"
        return f"arrow_cast('{text}', '{kind}')"
    return f"DATE '{text}'" if isinstance(value, date) else f"'{text}'"
