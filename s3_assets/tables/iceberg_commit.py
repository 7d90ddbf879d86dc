"""One commit to an Iceberg catalog: sent once, and known to have failed only if the catalog says so.

PyIceberg repeats a commit that the catalog refused, and in the end deletes what it wrote for it. Two racing
writers of one stream would both land; and a commit that had landed would lose its manifests, if its answer
was lost and its repetition by the transport refused. Here each refusal passes through PyIceberg as an error
of ours, which it neither repeats nor cleans up after; the table's own `commit.retry` properties stay.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from s3_assets.errors import S3AssetsError, ServerFailureError
from s3_assets.tables.catalogs.failures import catalog_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyiceberg.catalog import Catalog
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import CommitTableResponse, Transaction
    from pyiceberg.table import Table as Handle
    from pyiceberg.table.snapshots import Snapshot
    from pyiceberg.table.update import TableRequirement, TableUpdate

    from s3_assets.tables.iceberg import IcebergTable

_log = logging.getLogger(__name__)
_MERGES = "commit.manifest-merge.enabled"


class Committer:
    """Commits to the table as it was when it was opened: whatever came in between is a conflict.

    Every method raises `CommitConflictError` if another commit came first.
    """

    def __init__(self, table: IcebergTable, handle: Handle) -> None:
        from pyiceberg.table import Table

        self._table = table
        self._strict = _StrictCatalog(handle, table)
        self._handle = Table(
            handle.name(),
            handle.metadata,
            handle.metadata_location,
            handle.io,
            cast("Catalog", self._strict),
            handle.config,
        )

    def transaction(self) -> Transaction:
        """Begin a transaction on the pinned state."""
        return self._handle.transaction()

    def snapshot(
        self,
        adds: Iterable[DataFile],
        removes: Iterable[DataFile],
        summary: Mapping[str, str],
        properties: Mapping[str, str],
    ) -> Snapshot:
        """Commit one snapshot and table properties together; return the snapshot."""
        removed = list(removes)
        with catalog_errors(self._table.connection, self._table.name, self._handle.location()):
            transaction = self.transaction()
            update = transaction.update_snapshot(snapshot_properties=dict(summary))
            if removed:
                producer: Any = update.overwrite()
            elif self._handle.properties.get(_MERGES, "false").lower() == "true":
                producer = update.merge_append()
            else:
                producer = update.fast_append()
            for file in removed:
                producer.delete_data_file(file)
            for file in adds:
                producer.append_data_file(file)
            producer.commit()
            transaction.set_properties(dict(properties))
            transaction.commit_transaction()
        found = self._handle.snapshot_by_id(producer.snapshot_id)
        if found is None:
            raise ServerFailureError(
                "the catalog accepted a commit, and its table does not show it",
                remedy="Look at the catalog.",
                table=self._table.name,
            )
        return found

    def abandon(self) -> None:
        """Delete the manifests of a commit that surely failed; what cannot be deleted stays."""
        sent = self._strict.sent
        if sent is None:
            return
        self._strict.sent = None
        files = self._handle.io
        try:
            own = [each for each in sent.manifests(files) if each.added_snapshot_id == sent.snapshot_id]
            for place in [*(each.manifest_path for each in own), sent.manifest_list]:
                files.delete(place)
        except S3AssetsError as error:
            _log.warning("Manifests of a failed commit to '%s' stay: %s", self._table.name, error)


class _StrictCatalog:
    """A catalog whose commits also demand the columns and partition fields that parts were written for."""

    def __init__(self, handle: Handle, table: IcebergTable) -> None:
        self._catalog = handle.catalog
        self._table = table
        self._location = handle.location()
        self._schema_id = handle.metadata.current_schema_id
        self._spec_id = handle.metadata.default_spec_id
        self.sent: Snapshot | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the catalog has
        return getattr(self._catalog, name)

    def commit_table(
        self, table: Handle, requirements: tuple[TableRequirement, ...], updates: tuple[TableUpdate, ...]
    ) -> CommitTableResponse:
        """Pass the commit on."""
        from pyiceberg.table.update import AddSnapshotUpdate, AssertCurrentSchemaId, AssertDefaultSpecId

        more = (
            AssertCurrentSchemaId.model_validate({"current-schema-id": self._schema_id}),
            AssertDefaultSpecId.model_validate({"default-spec-id": self._spec_id}),
        )
        added = [update.snapshot for update in updates if isinstance(update, AddSnapshotUpdate)]
        self.sent = added[0] if added else None
        with catalog_errors(self._table.connection, self._table.name, self._location):
            return self._catalog.commit_table(table, (*requirements, *more), updates)
