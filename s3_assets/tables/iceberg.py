"""Iceberg tables."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from s3_assets.errors import TableMissingError
from s3_assets.tables import iceberg_files, iceberg_history, iceberg_told, iceberg_touched
from s3_assets.tables.catalogs import catalog_of
from s3_assets.tables.catalogs.failures import catalog_errors
from s3_assets.tables.iceberg_described import described
from s3_assets.tables.iceberg_difference import difference
from s3_assets.tables.iceberg_open import files_connection, location_of, open_table, reading
from s3_assets.tables.iceberg_partitions import partition_spec
from s3_assets.tables.iceberg_plan import Planner
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.iceberg_snapshots import schema_of, snapshot_at, version_of
from s3_assets.tables.iceberg_types import from_iceberg, storable, to_iceberg
from s3_assets.tables.table import (
    Capability,
    Difference,
    Plan,
    ReadMode,
    State,
    Table,
    TableVersion,
    Writer,
)

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl
    from pyiceberg.table import Table as Handle

    from s3_assets.connection.settings import S3Connection
    from s3_assets.location import Location
    from s3_assets.tables.history import PastCommit
    from s3_assets.tables.positions import Limit, Position
    from s3_assets.tables.touched import DigestsPosition, Touched
    from s3_assets.windows import Slice, Window


class IcebergTable(Table[IcebergSettings]):
    """An Iceberg table: snapshots, transactions, hidden partitions."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability)

    def open(self) -> Handle:
        """Return PyIceberg's own table, as the catalog has it now."""
        return open_table(self)

    @cached_property
    def location(self) -> Location:
        """The table's folder: that of its metadata, or where it would be created."""
        declared = super().location
        if self.settings.warehouse_path is not None:
            return declared
        try:
            return location_of(self.open())
        except TableMissingError:
            return declared

    @cached_property
    def files_connection(self) -> S3Connection:
        """The connection that reaches the table's files: with the catalog's keys, if it lends any."""
        try:
            return files_connection(self.open(), self)
        except TableMissingError:
            return self.connection

    def schema(self) -> pl.Schema:
        """Return the current columns."""
        return from_iceberg(self.open().schema(), self.name)

    def version(self) -> TableVersion:
        """Return the current snapshot: the table is loaded once."""
        return version_of(self.open())

    def state(self) -> State:
        """Return the current snapshot's version and size: the table is loaded once."""
        return self._state(self.open())

    def state_unless(self, known: str | None) -> State | None:
        """Return the current snapshot's version and size, if it is another: the table is loaded once."""
        handle = self.open()
        return None if version_of(handle).token == known else self._state(handle)

    def _state(self, handle: Handle) -> State:
        with reading(self, handle):
            size = iceberg_files.statistics(handle, handle.current_snapshot())
        return State(
            version_of(handle),
            size,
            lambda: described(handle, self.name),
            lambda: iceberg_told.written(handle),
            lambda column: iceberg_told.newest(self, handle, column),
        )

    def touched(self, since: Position | DigestsPosition | None) -> Touched:
        """Tell which spans of time the snapshots after `since` changed, by their own manifests."""
        handle = self.open()
        with reading(self, handle):
            return iceberg_touched.touched(self, handle, since)

    def history(self, limit: int) -> list[PastCommit]:
        """Return what the newest snapshots of the current lineage did: the table is loaded once."""
        handle = self.open()
        with reading(self, handle):
            return iceberg_history.history(handle, limit)

    def past_commit(self, version: int) -> PastCommit | None:
        """Return what the commit of a snapshot, by its id, did: the table is loaded once."""
        handle = self.open()
        with reading(self, handle):
            return iceberg_history.past_commit(handle, version)

    def difference(self, since: Position) -> Difference | None:
        """Plan the rows of the files that only one of the snapshots has."""
        handle = self.open()
        with reading(self, handle):
            return difference(self, handle, since)

    def create(self, schema: pl.Schema) -> None:
        """Create an empty table, and its namespace; if somebody else was faster, theirs stays."""
        from pyiceberg.exceptions import (
            CommitFailedException,
            NoSuchNamespaceError,
            TableAlreadyExistsError,
        )

        columns = to_iceberg(storable(schema, self.name))
        spec = partition_spec(self.settings, columns, self.name)
        place = super().location.url
        properties = {"format-version": str(self.settings.format_version), **self.settings.properties}
        with catalog_errors(self.connection, self.name, place):
            catalog, name = catalog_of(self.connection, self.settings)

            def create() -> None:
                catalog.create_table(
                    name, columns, place.rstrip("/"), partition_spec=spec, properties=properties
                )

            with suppress(TableAlreadyExistsError):
                try:
                    create()
                except NoSuchNamespaceError:
                    catalog.create_namespace_if_not_exists(name[:-1])
                    create()
                except CommitFailedException:
                    # What a catalog that commits by itself says of a table that is there.
                    if not catalog.table_exists(name):
                        raise

    def writer(self) -> Writer:
        """Open the table for one write and pin its snapshot."""
        from s3_assets.tables.iceberg_writer import IcebergWriter

        handle = self.open()
        # They may be asked for before there was a table, and a catalog may choose another place.
        self.__dict__.update(location=location_of(handle), files_connection=files_connection(handle, self))
        return IcebergWriter(self, handle)

    def plan(
        self,
        mode: ReadMode = ReadMode.CURRENT,
        *,
        since: Position | None = None,
        at: int | datetime | None = None,
        window: Window | Slice | None = None,
        limit: Limit | None = None,
    ) -> Plan:
        """Plan a read of one snapshot, or of what the snapshots after `since` added or changed.

        Raises a `HistoryGapError` if what came after `since` cannot be told any more.
        """
        handle = self.open()
        with reading(self, handle):
            snapshot = snapshot_at(handle, at)
            schema = handle.schema() if at is None else schema_of(handle, snapshot)
            columns = from_iceberg(schema, self.name)
            bound = None if window is None else self.bounds(window, columns)
            planner = Planner(self, handle, schema, columns, mode, bound)
            if mode is ReadMode.CURRENT:
                return planner.snapshot(snapshot)
            if since is None:
                return planner.snapshot(snapshot, limit)
            return planner.since(since, snapshot, limit)
