"""Delta tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from s3_assets.connection.adapters import deltalake as delta_adapter
from s3_assets.connection.environment import without_ambient_settings
from s3_assets.tables import (
    delta_changes,
    delta_difference,
    delta_history,
    delta_log,
    delta_snapshot,
    delta_told,
    delta_touched,
)
from s3_assets.tables.delta_features import require_writable
from s3_assets.tables.delta_files import scan_files
from s3_assets.tables.delta_listing import LogListing
from s3_assets.tables.delta_open import delta_errors, open_table, stream_errors
from s3_assets.tables.delta_paths import addresses
from s3_assets.tables.delta_schema import storable, to_delta
from s3_assets.tables.delta_stream import lazy_stream
from s3_assets.tables.delta_writer import DeltaWriter
from s3_assets.tables.settings import DeltaSettings
from s3_assets.tables.table import (
    Capability,
    Difference,
    Plan,
    ReadMode,
    State,
    Statistics,
    Table,
    TableVersion,
    Writer,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import polars as pl
    from deltalake import DeltaTable as Handle

    from s3_assets.tables.history import PastCommit
    from s3_assets.tables.positions import Limit, Position
    from s3_assets.tables.touched import DigestsPosition, Touched
    from s3_assets.windows import Slice, Window


class DeltaTable(Table[DeltaSettings]):
    """A Delta table: versions, transactions, change data feed."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability)

    def open(self, at: int | datetime | None = None) -> Handle:
        """Return delta-rs's own table, pinned to a version."""
        return open_table(self.connection, self.location, self.name, at)

    def schema(self) -> pl.Schema:
        """Return the newest version's columns."""
        return delta_log.columns(self.open())

    def version(self) -> TableVersion:
        """Return the newest version by listing the log from its last checkpoint on: two requests."""
        newest = LogListing.of(self).newest()
        if newest is None:
            # Nothing behind the checkpoint, or no table at all: let delta-rs tell which.
            newest = self.open().version()
        return TableVersion(str(newest), newest)

    def state(self) -> State:
        """Return the newest version as its log tells it: opened once."""
        handle = self.open()
        found = delta_log.files(handle)
        rows = delta_told.rows(handle, found)
        statistics = Statistics(found.height, int(found["size_bytes"].sum()), rows)
        version = TableVersion(str(handle.version()), handle.version())
        return State(
            version,
            statistics,
            lambda: delta_log.described(handle),
            lambda: delta_told.written(self, handle),
            lambda column: delta_told.newest(handle, found, column),
            lambda region: delta_told.count(handle, found, region),
        )

    def state_unless(self, known: str | None) -> State | None:
        """Return the newest version as its log tells it, if it is another: only then is it opened.

        That there is none behind the known one is told by one request.
        """
        if known is not None and known.isdecimal() and LogListing.of(self).ends_with(int(known)):
            return None
        return None if known is not None and self.version().token == known else self.state()

    def touched(self, since: Position | DigestsPosition | None) -> Touched:
        """Tell which spans of time the commits after `since` changed: one request for each commit."""
        return delta_touched.touched(self, since)

    def history(self, limit: int) -> list[PastCommit]:
        """Return what the newest commits did: one request each."""
        return delta_history.history(self, limit)

    def past_commit(self, version: int) -> PastCommit | None:
        """Return what the commit of a version did: one request."""
        return delta_history.past_commit(self, version)

    def difference(self, since: Position) -> Difference | None:
        """Plan the rows of the files that only one of the versions has."""
        return delta_difference.difference(self, since)

    def create(self, schema: pl.Schema) -> None:
        """Create an empty table; if somebody else was faster, theirs stays."""
        from deltalake import DeltaTable as Handle
        from deltalake.exceptions import CommitFailedError

        columns = storable(schema, self.name)
        settings = self.settings
        properties = {
            **({"delta.enableChangeDataFeed": "true"} if settings.change_feed else {}),
            **settings.properties,
        }
        options = delta_adapter.options(self.connection)
        with delta_errors(self.connection, self.location, self.name), without_ambient_settings():
            try:
                Handle.create(
                    self.location.url.rstrip("/"),
                    schema=to_delta(columns),
                    mode="ignore",
                    partition_by=list(self._partition_by(columns)),
                    configuration=dict(properties),
                    storage_options=options,
                )
            except CommitFailedError:
                return

    def writer(self) -> Writer:
        """Open the table for one write and pin its version.

        Raises `UnsupportedError`, before anything is written, if it has a feature that delta-rs cannot write.
        """
        handle = self.open()
        require_writable(handle, self.connection, self.location, self.name)
        return DeltaWriter(self, handle)

    def plan(
        self,
        mode: ReadMode = ReadMode.CURRENT,
        *,
        since: Position | None = None,
        at: int | datetime | None = None,
        window: Window | Slice | None = None,
        limit: Limit | None = None,
    ) -> Plan:
        """Plan a read of one version, or of what the commits after `since` added or changed.

        Raises a `HistoryGapError` if what came after `since` cannot be told any more.
        """
        if mode is ReadMode.CURRENT:
            return delta_snapshot.plan(self, self.open(at), mode, window, None)
        if since is None:
            return delta_snapshot.plan(self, self.open(at), mode, window, limit)
        return delta_changes.plan(self, mode, since, at, window, limit)

    def scan_version(self, handle: Handle, schema: pl.Schema, chosen: pl.DataFrame) -> pl.LazyFrame:
        """Read chosen files of the handle's version, or the whole version where files cannot be chosen."""
        import polars as pl

        if chosen.is_empty():
            return pl.LazyFrame(schema=schema)
        if not delta_log.read_by_polars(handle):
            addresses(self.connection, self.location, delta_log.files(handle)["path"])
            return self._scan_by_delta(handle, schema)
        return self.scan_files(handle, schema, chosen["path"])

    def scan_files(self, handle: Handle, schema: pl.Schema, paths: Iterable[str]) -> pl.LazyFrame:
        """Read data files of the table as they lie, with partition values from their folders."""
        partitions = handle.metadata().partition_columns
        return scan_files(self.connection, self.location, schema, partitions, paths)

    def _scan_by_delta(self, handle: Handle, schema: pl.Schema) -> pl.LazyFrame:
        """Deletion vectors, mapped columns and foreign folder names are delta-rs's to read."""
        return lazy_stream(
            lambda columns: handle.scan(columns=columns),
            schema,
            lambda: stream_errors(self.connection, self.location, self.name),
            "delta-rs",
        )

    def _partition_by(self, columns: pl.Schema) -> tuple[str, ...]:
        import polars as pl

        if self.settings.partition_by is not None:
            return self.settings.partition_by
        partitions, keys = self.settings.partitions, self.settings.key_columns
        if partitions is None or isinstance(columns.get(partitions.column), pl.Datetime):
            # A folder for each distinct time would be a folder for each row.
            return keys
        return (partitions.column, *keys)
